package plan

import (
	"fmt"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// Check is the constraints of a value besides being required.
type Check struct {
	Rule *Rule  // string, number or enum
	Size *Rule  // list or map
	Key  *Rule  // map
	Elem *Check // list or map
	Func string // validator of the struct or union, or of the elements; empty if there is nothing to check
}

// RuleKind is the form of a rule.
type RuleKind int

// The kinds of rules.
const (
	StringRule RuleKind = iota
	RangeRule
	EnumRule
	SizeRule
)

// Rule is a constraint. It has its own name, because several members may share it.
type Rule struct {
	Go       string
	Kind     RuleKind
	Min, Max *int64
	Pattern  string // string
	Matcher  string // name of the function for Pattern
	Secret   bool   // string
	Values   []string
}

// checks plans the constraints of all inputs and of the types in them. Outputs are never
// checked.
func (p *planner) checks() {
	for _, op := range p.plan.Operations {
		op.Input.Checked = true
		p.token(op)
	}
	// A shape is checked if it is part of an input, and it or a type in it has a
	// constraint. Both marks are spread until nothing changes, because types may be
	// recursive.
	for p.spread() {
	}
	for _, s := range p.checkedStructs() {
		for _, m := range s.Members {
			m.Check = p.check(s.Go+m.Go, m.Type, s.shape.Members, m.Wire)
		}
	}
	for _, u := range p.plan.Unions {
		if u.Checked {
			for _, m := range u.Members {
				m.Check = p.check(m.Go, m.Type, u.shape.Members, m.Wire)
			}
		}
	}
	sortBy(p.plan.Rules, func(r *Rule) string { return r.Go })
}

func (p *planner) checkedStructs() []*Struct {
	var list []*Struct
	for _, op := range p.plan.Operations {
		list = append(list, op.Input)
	}
	for _, s := range p.plan.Structs {
		if s.Checked {
			list = append(list, s)
		}
	}
	return list
}

func (p *planner) token(op *Operation) {
	if op.Input.shape == nil {
		return
	}
	for _, m := range op.Input.shape.Members {
		if m.Traits.IdempotencyToken {
			if op.Token != nil || m.Target.Kind != model.String {
				p.errorf("%s: a second idempotency token, or one that is no string", op.Wire)
			}
			op.Token = op.Input.member(m.Name)
		}
	}
}

// spread marks the types in checked shapes, and reports whether a mark is new.
func (p *planner) spread() (changed bool) {
	var reach func(t *Type)
	reach = func(t *Type) {
		switch t.Kind {
		case List, Map:
			reach(t.Elem)
		case EnumKind:
			changed = changed || !t.Enum.Checked
			t.Enum.Checked = true
		case StructKind:
			if !t.Struct.Checked && p.constrained(t, nil) {
				t.Struct.Checked, changed = true, true
			}
		case UnionKind:
			changed = changed || !t.Union.Checked
			t.Union.Checked = true
		}
	}
	for _, s := range p.checkedStructs() {
		for _, m := range s.Members {
			reach(m.Type)
		}
	}
	for _, u := range p.plan.Unions {
		if u.Checked {
			for _, m := range u.Members {
				reach(m.Type)
			}
		}
	}
	return changed
}

// constrained reports whether the type has a constraint. way holds the shapes above it: a
// recursive reference to one of them adds nothing.
func (p *planner) constrained(t *Type, way []*model.Shape) bool {
	for _, s := range way {
		if s == t.shape {
			return false
		}
	}
	way = append(way, t.shape)
	if tr := t.shape.Traits; tr.Length != nil || tr.Range != nil || tr.Pattern != "" {
		return true
	}
	switch t.Kind {
	case EnumKind, UnionKind:
		return true
	case List, Map:
		return p.constrained(t.Elem, way)
	case StructKind:
		for i, m := range t.Struct.shape.Members {
			tr := m.Traits
			if tr.Required || tr.Length != nil || tr.Range != nil || tr.Pattern != "" ||
				p.constrained(t.Struct.member(t.Struct.shape.Members[i].Name).Type, way) {
				return true
			}
		}
	}
	return false
}

// check plans the constraints of a member; where is the name for a rule of the member's
// own.
func (p *planner) check(where string, t *Type, members []*model.Member, wire string) *Check {
	for _, m := range members {
		if m.Name == wire {
			return p.checkType(where, t, m.Traits)
		}
	}
	return p.checkType(where, t, model.Traits{})
}

// checkType merges the constraints of a member with those of its target. The member's
// take precedence.
func (p *planner) checkType(where string, t *Type, own model.Traits) *Check {
	target := t.shape.Traits
	length, numbers, pattern := own.Length, own.Range, own.Pattern
	overridden := length != nil || pattern != ""
	if length == nil {
		length = target.Length
	}
	if numbers == nil {
		numbers = target.Range
	}
	if pattern == "" {
		pattern = target.Pattern
	}
	misplaced := func(ok bool, trait string) {
		if !ok {
			p.errorf("%s: %s on a %s", where, trait, t.shape.Kind)
		}
	}
	misplaced(length == nil || t.Kind == String || t.Kind == List || t.Kind == Map, "length")
	misplaced(numbers == nil || t.Kind == Int32 || t.Kind == Int64, "range")
	misplaced(pattern == "" || t.Kind == String, "pattern")

	if length != nil && length.Min != nil && *length.Min == 0 {
		length = &model.Bounds{Max: length.Max} // a length is never negative
	}

	c := &Check{}
	switch t.Kind {
	case String:
		name := where
		if !overridden {
			name = p.goName(t.shape.ID.Name())
		}
		c.Rule = p.stringRule(name, length, pattern, t.Secret)
	case Int32, Int64:
		if numbers != nil {
			c.Rule = p.rule(&Rule{Go: "range" + bounds(numbers), Kind: RangeRule, Min: numbers.Min, Max: numbers.Max})
		}
	case EnumKind:
		r := &Rule{Go: t.Enum.Go + "Values", Kind: EnumRule}
		for _, v := range t.Enum.Values {
			r.Values = append(r.Values, v.Value)
		}
		c.Rule = p.rule(r)
	case StructKind:
		if t.Struct.Checked {
			c.Func = "validate" + t.Struct.Go
		}
	case UnionKind:
		c.Func = "validate" + t.Union.Go
	case List, Map:
		if length != nil {
			c.Size = p.rule(&Rule{Go: "size" + bounds(length), Kind: SizeRule, Min: length.Min, Max: length.Max})
		}
		element := t.shape.Element
		if t.Kind == Map {
			element = t.shape.Value
			key := p.checkType(where+"Key", &Type{Kind: String, shape: t.shape.Key.Target}, t.shape.Key.Traits)
			c.Key = key.Rule
		}
		c.Elem = p.checkType(where+"Item", t.Elem, element.Traits)
		p.supported(where, t, c)
		c.Func = c.Elem.Func
	}
	return c
}

// supported rejects constraints in places that the runtime cannot check.
func (p *planner) supported(where string, t *Type, c *Check) {
	switch {
	case t.Kind == List && (t.Elem.Stringlike() || t.Elem.Kind == StructKind || t.Elem.Kind == UnionKind):
	case t.Kind == Map && t.Elem.Kind == String:
	case !c.Elem.empty() || c.Key != nil:
		p.errorf("%s: constraints below a %s of %s are not supported", where, t.shape.Kind, t.Elem.shape.Kind)
	}
}

func (c *Check) empty() bool {
	return c == nil || c.Rule == nil && c.Size == nil && c.Key == nil && c.Func == "" && c.Elem.empty()
}

func (p *planner) stringRule(name string, length *model.Bounds, pattern string, secret bool) *Rule {
	if length == nil && pattern == "" {
		return nil
	}
	if length == nil {
		length = &model.Bounds{}
	}
	r := &Rule{Kind: StringRule, Min: length.Min, Max: length.Max, Pattern: pattern, Secret: secret}
	switch {
	case pattern != "":
		r.Go = name
		if _, ok := p.matchers[pattern]; !ok {
			p.matchers[pattern] = "match" + name
		}
		r.Matcher = p.matchers[pattern]
	case secret:
		r.Go = "secret" + bounds(length)
	default:
		r.Go = "length" + bounds(length)
	}
	return p.rule(r)
}

// rule keeps one rule per name.
func (p *planner) rule(r *Rule) *Rule {
	r.Go = "rule" + UpperFirst(r.Go)
	if known, ok := p.rules[r.Go]; ok {
		if known.text() != r.text() {
			p.errorf("two rules would both be called %s", r.Go)
		}
		return known
	}
	p.rules[r.Go] = r
	p.plan.Rules = append(p.plan.Rules, r)
	return r
}

func (r *Rule) text() string {
	return fmt.Sprint(r.Kind, r.Limits("%d", "%d", "%d-%d"), r.Pattern, r.Secret, r.Values)
}

// bounds returns a name for limits: 1to60, Min60, Max512.
func bounds(b *model.Bounds) string {
	switch {
	case b.Min != nil && b.Max != nil:
		return fmt.Sprintf("%dto%d", *b.Min, *b.Max)
	case b.Min != nil:
		return fmt.Sprintf("Min%d", *b.Min)
	case b.Max != nil:
		return fmt.Sprintf("Max%d", *b.Max)
	}
	return ""
}

// Limits formats the bounds with one of three formats: for only a minimum, only a
// maximum, or both.
func (r *Rule) Limits(min, max, both string) string {
	switch {
	case r.Min != nil && r.Max != nil:
		return fmt.Sprintf(both, *r.Min, *r.Max)
	case r.Min != nil:
		return fmt.Sprintf(min, *r.Min)
	case r.Max != nil:
		return fmt.Sprintf(max, *r.Max)
	}
	return ""
}

// Facts returns sentences about the constraints of the value.
func (c *Check) Facts(t *Type) []string {
	var facts []string
	add := func(s string) {
		if s != "" {
			facts = append(facts, s)
		}
	}
	text := func(what string, r *Rule) {
		if r == nil {
			return
		}
		add(r.Limits(what+" at least %d characters.", what+" at most %d characters.", what+" %d to %d characters."))
		if r.Pattern != "" {
			add("Pattern " + r.Pattern + ".")
		}
	}
	switch {
	case c == nil:
	case t.Kind == String:
		text("Length", c.Rule)
	case c.Rule != nil && c.Rule.Kind == RangeRule:
		add(c.Rule.Limits("At least %d.", "At most %d.", "%d to %d."))
	case t.Kind == List || t.Kind == Map:
		if c.Size != nil {
			add(c.Size.Limits("Items: at least %d.", "Items: at most %d.", "Items: %d to %d."))
		}
		text("Key", c.Key)
		if t.Elem.Kind == String {
			text("Value", c.Elem.Rule)
		}
	}
	if t.Secret || t.Elem != nil && t.Elem.Secret {
		add("Sensitive: printed as [REDACTED].")
	}
	return facts
}
