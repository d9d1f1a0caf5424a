package plan

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

type planner struct {
	plan  *Plan
	model *model.Model
	types map[model.ID]*Type

	root  *scope // names of the root package
	inner *scope // names of package types
	rules map[string]*Rule
	// matchers maps each pattern to the name of its function, so that a pattern has only
	// one.
	matchers map[string]string
	errs     []error
}

// Build decides the code for a model. It returns all problems as one joined error.
func Build(m *model.Model, config Config) (*Plan, error) {
	p := &planner{
		plan:  &Plan{Config: config},
		model: m,
		types: make(map[model.ID]*Type),
		root:  newScope("package " + config.Package),
		inner: newScope("package types"),
		rules: make(map[string]*Rule),

		matchers: make(map[string]string),
	}
	p.service()
	for _, shape := range m.Service.Operations {
		p.operation(shape)
	}
	for _, shape := range m.Service.Errors {
		p.errorType(shape)
	}
	if len(p.errs) == 0 {
		p.markSecrets()
		p.markSent()
		p.sort()
		p.checks()
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	return p.plan, nil
}

func (p *planner) service() {
	s := p.model.Service
	if !s.Traits.RestJSON1 {
		p.errorf("%s: the protocol is not restJson1", s.ID)
	}
	if s.Traits.Service == nil {
		p.errorf("%s: no aws.api#service trait", s.ID)
		return
	}
	if s.Traits.SigningName == "" {
		p.errorf("%s: no aws.auth#sigv4 trait with a name", s.ID)
	}
	if s.Traits.Service.EndpointPrefix == "" {
		p.errorf("%s: no endpointPrefix in the aws.api#service trait", s.ID)
	}
	p.plan.EndpointPrefix = s.Traits.Service.EndpointPrefix
	p.plan.ServiceID, p.plan.SigningName, p.plan.APIVersion = s.Traits.Service.SDKID, s.Traits.SigningName, s.Version
	p.inner.take(p, "UnknownUnionMember", "the member of every union that the model does not know")
}

func (p *planner) operation(shape *model.Shape) {
	wire := shape.ID.Name()
	op := &Operation{Wire: wire, Go: p.goName(wire), Doc: p.prose(shape.Traits.Documentation), ReadOnly: shape.Traits.ReadOnly}
	p.plan.Operations = append(p.plan.Operations, op)
	p.root.take(p, op.Go+"APIClient", "the interface of "+wire)

	op.Input = p.structure(shape.Input, op.Go+"Input", Input)
	op.Output = p.structure(shape.Output, op.Go+"Output", Output)
	op.Returns = slices.ContainsFunc(op.Output.Members, func(m *Member) bool { return m.Required && m.Location == Body })
	for _, e := range shape.Errors {
		if t := p.errorType(e); t != nil {
			op.Errors = append(op.Errors, t)
		}
	}
	p.http(op, shape)
	if t := shape.Traits.Paginated; t != nil {
		p.paginator(op, t)
	}
	for _, w := range shape.Traits.Waiters {
		p.waiter(op, w)
	}
}

var labelPattern = regexp.MustCompile(`\{[^{}]*\}`)

func (p *planner) http(op *Operation, shape *model.Shape) {
	http := shape.Traits.HTTP
	if http == nil {
		p.errorf("%s: no http trait", op.Wire)
		return
	}
	if strings.ContainsAny(http.URI, "?#") {
		p.errorf("%s: a query in the URI %q is not supported", op.Wire, http.URI)
	}
	op.Method, op.URI, op.Status = http.Method, http.URI, http.Code

	labels := make(map[string]*Member)
	for _, m := range op.Input.Members {
		switch m.Location {
		case Label:
			labels[m.Wire] = m
		case Query:
			op.Queries = append(op.Queries, m)
		case Body:
			op.Body = true
		}
	}
	sortBy(op.Queries, func(m *Member) string { return m.HTTPName })

	rest := http.URI
	for _, at := range labelPattern.FindAllStringIndex(http.URI, -1) {
		start := at[0] - (len(http.URI) - len(rest))
		name := http.URI[at[0]+1 : at[1]-1]
		m, ok := labels[name]
		if !ok {
			p.errorf("%s: the path names {%s}, which is no label of the input (greedy labels are not supported)", op.Wire, name)
			return
		}
		delete(labels, name)
		op.Path = append(op.Path, Segment{Literal: rest[:start]}, Segment{Label: m})
		rest = http.URI[at[1]:]
	}
	if rest != "" {
		op.Path = append(op.Path, Segment{Literal: rest})
	}
	for name := range labels {
		p.errorf("%s: the label %s is not in the path %s", op.Wire, name, http.URI)
	}
}

// structure plans a struct with the given name and role. A nil or Unit shape is a struct
// without members.
func (p *planner) structure(shape *model.Shape, name string, role Role) *Struct {
	s := &Struct{Go: name, Role: role, shape: shape}
	scope := p.root
	if role == Value || role == Error {
		scope = p.inner
	}
	what := name
	if shape != nil {
		what = string(shape.ID)
	}
	scope.take(p, name, what)
	if shape == nil || shape.Kind == model.Unit {
		s.Wire = name
		return s
	}
	s.Status = shape.Traits.HTTPStatus
	s.Wire, s.Doc, s.Fault = shape.ID.Name(), p.prose(shape.Traits.Documentation), shape.Traits.ErrorFault
	if shape.Kind != model.Structure {
		p.errorf("%s: %s is not a structure", name, shape.ID)
		return s
	}
	if role == Value {
		// Register the type before its members, because they may refer to it.
		p.types[shape.ID] = &Type{Kind: StructKind, Struct: s, shape: shape}
		p.plan.Structs = append(p.plan.Structs, s)
	}
	p.members(s)
	return s
}

func (p *planner) members(s *Struct) {
	fields := newScope(s.Go)
	if s.Role == Output {
		fields.take(p, "ResultMetadata", "the metadata of a call")
	}
	for _, m := range s.shape.Members {
		member := p.member(s, m)
		fields.take(p, member.Go, "member "+m.Name)
		s.Members = append(s.Members, member)
	}
	s.Encoded = append(s.Encoded, s.Members...)
	sortBy(s.Encoded, func(m *Member) string { return m.Wire })
	sortBy(s.Members, func(m *Member) string {
		if m.Required {
			return "0" + m.Go
		}
		return "1" + m.Go
	})
}

func (p *planner) member(s *Struct, m *model.Member) *Member {
	t := p.typeOf(m.Target)
	where := s.Wire + "$" + m.Name
	member := &Member{
		Wire: m.Name, Go: p.goName(m.Name), Doc: p.prose(m.Traits.Documentation), Type: t,
		Required: m.Traits.Required, Pointer: t.Pointer(), WireNames: []string{m.Name},
	}
	if s.Role == Error && m.Name == "message" {
		member.WireNames = append(member.WireNames, "Message") // some errors of the service spell it so
	}
	bindings := 0
	if m.Traits.HTTPLabel {
		bindings++
		member.Location = Label
		if s.Role != Input || !m.Traits.Required || t.Kind != String {
			p.errorf("%s: a label must be a required string of an input", where)
		}
	}
	if m.Traits.HTTPQuery != "" {
		bindings++
		member.Location, member.HTTPName = Query, m.Traits.HTTPQuery
		if s.Role != Input || !t.inQuery() {
			p.errorf("%s: only strings, enums, integers, booleans and lists of strings of an input go into the query", where)
		}
	}
	if m.Traits.HTTPHeader != "" {
		bindings++
		member.Location, member.HTTPName = Header, m.Traits.HTTPHeader
		if s.Role != Error || t.Kind != Int32 {
			p.errorf("%s: only integers of an error travel in a header", where)
		}
	}
	if bindings > 1 {
		p.errorf("%s: more than one place in the request", where)
	}
	return member
}

// Pointer reports whether a member of the type is a pointer.
func (t *Type) Pointer() bool {
	switch t.Kind {
	case EnumKind, UnionKind, List, Map:
		return false
	}
	return true
}

func (t *Type) inQuery() bool {
	switch t.Kind {
	case String, EnumKind, Int32, Bool:
		return true
	case List:
		return t.Elem.Kind == String && !t.Elem.Secret
	}
	return false
}

func (p *planner) typeOf(shape *model.Shape) *Type {
	if t, ok := p.types[shape.ID]; ok {
		return t
	}
	simple := func(k Kind) *Type {
		t := &Type{Kind: k, Secret: shape.Traits.Sensitive, shape: shape}
		if t.Secret && k != String {
			p.errorf("%s: only strings can be sensitive", shape.ID)
		}
		p.types[shape.ID] = t
		return t
	}
	switch shape.Kind {
	case model.String:
		return simple(String)
	case model.Boolean:
		return simple(Bool)
	case model.Integer:
		return simple(Int32)
	case model.Long:
		return simple(Int64)
	case model.Double:
		return simple(Float64)
	case model.Timestamp:
		return simple(Time)
	case model.Enum:
		return p.enum(shape)
	case model.Union:
		return p.union(shape)
	case model.Structure:
		p.structure(shape, p.goName(shape.ID.Name()), Value)
		return p.types[shape.ID]
	case model.List:
		t := &Type{Kind: List, shape: shape}
		p.types[shape.ID] = t
		t.Elem = p.typeOf(shape.Element.Target)
		return t
	case model.Map:
		t := &Type{Kind: Map, shape: shape}
		p.types[shape.ID] = t
		if shape.Key.Target.Kind != model.String {
			p.errorf("%s: the key of a map must be a string", shape.ID)
		}
		t.Elem = p.typeOf(shape.Value.Target)
		return t
	case model.Unit:
		unit := p.structure(&model.Shape{ID: shape.ID, Kind: model.Structure, Traits: model.Traits{
			Documentation: "A union member that carries no value.",
		}}, "Unit", Value)
		return p.types[unit.shape.ID]
	}
	p.errorf("%s: a %s cannot be a member", shape.ID, shape.Kind)
	return &Type{shape: shape}
}

func (p *planner) enum(shape *model.Shape) *Type {
	e := &Enum{Go: p.goName(shape.ID.Name()), Doc: p.prose(shape.Traits.Documentation)}
	p.inner.take(p, e.Go, string(shape.ID))
	for _, m := range shape.Members {
		value := m.Traits.EnumValue
		if value == "" {
			value = m.Name
		}
		v := EnumValue{Go: e.Go + enumName(m.Name), Value: value, Doc: p.prose(m.Traits.Documentation)}
		p.inner.take(p, v.Go, string(shape.ID)+"$"+m.Name)
		e.Values = append(e.Values, v)
	}
	p.plan.Enums = append(p.plan.Enums, e)
	t := &Type{Kind: EnumKind, Enum: e, shape: shape}
	p.types[shape.ID] = t
	return t
}

func (p *planner) union(shape *model.Shape) *Type {
	u := &Union{Go: p.goName(shape.ID.Name()), Doc: p.prose(shape.Traits.Documentation), shape: shape}
	p.inner.take(p, u.Go, string(shape.ID))
	t := &Type{Kind: UnionKind, Union: u, shape: shape}
	p.types[shape.ID] = t
	p.plan.Unions = append(p.plan.Unions, u)
	for _, m := range shape.Members {
		member := &UnionMember{
			Wire: m.Name, Go: u.Go + "Member" + p.goName(m.Name), Doc: p.prose(m.Traits.Documentation), Type: p.typeOf(m.Target),
		}
		p.inner.take(p, member.Go, string(shape.ID)+"$"+m.Name)
		u.Members = append(u.Members, member)
	}
	sortBy(u.Members, func(m *UnionMember) string { return m.Go })
	return t
}

func (p *planner) errorType(shape *model.Shape) *Struct {
	for _, e := range p.plan.Errors {
		if e.shape == shape {
			return e
		}
	}
	if shape.Traits.ErrorFault == "" {
		p.errorf("%s: an error without the error trait", shape.ID)
		return nil
	}
	e := p.structure(shape, p.goName(shape.ID.Name()), Error)
	hasMessage := false
	for _, m := range e.Members {
		hasMessage = hasMessage || m.Wire == "message" && m.Type.Kind == String
	}
	if !hasMessage {
		p.errorf("%s: an error without a message", shape.ID)
	}
	p.plan.Errors = append(p.plan.Errors, e)
	return e
}

// markSecrets marks all types that contain a sensitive value. It repeats until nothing
// changes, because types may be recursive.
func (p *planner) markSecrets() {
	structs := append(append([]*Struct{}, p.plan.Structs...), p.plan.Errors...)
	for _, op := range p.plan.Operations {
		structs = append(structs, op.Input, op.Output)
	}
	for changed := true; changed; {
		changed = false
		for _, s := range structs {
			for _, m := range s.Members {
				if !s.Secret && m.Type.secret() {
					s.Secret, changed = true, true
				}
			}
		}
		for _, u := range p.plan.Unions {
			for _, m := range u.Members {
				if !u.Secret && m.Type.secret() {
					u.Secret, changed = true, true
				}
			}
		}
	}
}

// markSent marks the structures that are part of requests.
func (p *planner) markSent() {
	seen := make(map[*Type]bool)
	var mark func(t *Type)
	mark = func(t *Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind {
		case List, Map:
			mark(t.Elem)
		case StructKind:
			t.Struct.Sent = true
			for _, m := range t.Struct.Members {
				mark(m.Type)
			}
		case UnionKind:
			for _, m := range t.Union.Members {
				mark(m.Type)
			}
		}
	}
	for _, op := range p.plan.Operations {
		for _, m := range op.Input.Members {
			mark(m.Type)
		}
	}
}

func (t *Type) secret() bool {
	switch t.Kind {
	case String:
		return t.Secret
	case StructKind:
		return t.Struct.Secret
	case UnionKind:
		return t.Union.Secret
	case List, Map:
		return t.Elem.secret()
	}
	return false
}

func (p *planner) sort() {
	sortBy(p.plan.Operations, func(o *Operation) string { return o.Go })
	sortBy(p.plan.Structs, func(s *Struct) string { return s.Go })
	sortBy(p.plan.Errors, func(s *Struct) string { return s.Go })
	sortBy(p.plan.Enums, func(e *Enum) string { return e.Go })
	sortBy(p.plan.Unions, func(u *Union) string { return u.Go })
	for _, op := range p.plan.Operations {
		sortBy(op.Errors, func(s *Struct) string { return s.Go })
	}
}
