// Package diff lists what a new model changes for users of the module. It compares plans,
// not models, so that only differences in the generated code count.
package diff

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/emit"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// Change is one difference between two models.
type Change struct {
	Kind     Kind
	What     string // the changed thing by its Go name, with its old and new form
	Effect   string // what a user notices
	Breaking bool   // a program may no longer compile or work
}

// Kind is new, changed or removed.
type Kind string

// The kinds of changes, in the order of a report.
const (
	Removed Kind = "Removed"
	Changed Kind = "Changed"
	New     Kind = "New"
)

// Plans returns the changes from one plan to another, in the order of the plans.
func Plans(from, to *plan.Plan) []Change {
	d := &differ{from: from, to: to}
	d.service()
	both(from.Operations, to.Operations, operationName, d.operation, func(op *plan.Operation) {
		d.add(Removed, true, "operation "+op.Go, "Programs that call it no longer compile.")
	}, d.newOperation)
	both(from.Structs, to.Structs, structName, d.structure, func(s *plan.Struct) {
		d.add(Removed, true, "type types."+s.Go, "Programs that use it no longer compile.")
	}, func(s *plan.Struct) { d.add(New, false, "type types."+s.Go, "See the members that use it.") })
	both(from.Unions, to.Unions, func(u *plan.Union) string { return u.Go }, d.union, func(u *plan.Union) {
		d.add(Removed, true, "union types."+u.Go, "Programs that use it no longer compile.")
	}, func(u *plan.Union) { d.add(New, false, "union types."+u.Go, "See the members that use it.") })
	both(from.Enums, to.Enums, func(e *plan.Enum) string { return e.Go }, d.enum, func(e *plan.Enum) {
		d.add(Removed, true, "enum types."+e.Go, "Programs that use it no longer compile.")
	}, func(e *plan.Enum) {
		d.add(New, false, "enum types."+e.Go+" with "+strings.Join(values(e), ", "), "See the members that use it.")
	})
	both(from.Errors, to.Errors, structName, d.structure, func(s *plan.Struct) {
		d.add(Removed, true, "error types."+s.Go, "Programs that use it no longer compile. The error becomes a *smithy.GenericAPIError.")
	}, func(s *plan.Struct) {
		d.add(New, false, fmt.Sprintf("error types.%s, status %d", s.Go, s.Status), "errors.As finds it. Until now the error was a *smithy.GenericAPIError.")
	})
	return d.changes
}

// Report prints changes for people. An exclamation mark means a breaking change.
func Report(changes []Change) string {
	if len(changes) == 0 {
		return "No change of the API.\n"
	}
	var b strings.Builder
	for _, kind := range []Kind{Removed, Changed, New} {
		title := string(kind) + "\n"
		for _, c := range changes {
			if c.Kind != kind {
				continue
			}
			mark := " "
			if c.Breaking {
				mark = "!"
			}
			fmt.Fprintf(&b, "%s%s %s\n    %s\n", title, mark, c.What, c.Effect)
			title = ""
		}
	}
	return b.String()
}

type differ struct {
	from, to *plan.Plan
	changes  []Change
}

func (d *differ) add(kind Kind, breaking bool, what, effect string) {
	d.changes = append(d.changes, Change{kind, what, effect, breaking})
}

// changed adds a change if the forms from and to differ.
func (d *differ) changed(breaking bool, what, from, to, effect string) {
	if from != to {
		d.add(Changed, breaking, fmt.Sprintf("%s: %s, was %s", what, cmp.Or(to, "none"), cmp.Or(from, "none")), effect)
	}
}

// both compares two lists by name. It calls removed for elements only in from, changed
// for those in both lists, and added for those only in to.
func both[T any](from, to []T, name func(T) string, changed func(from, to T), removed, added func(T)) {
	old := make(map[string]T)
	for _, v := range from {
		old[name(v)] = v
	}
	kept := make(map[string]bool)
	for _, v := range to {
		kept[name(v)] = true
	}
	for _, v := range from {
		if !kept[name(v)] {
			removed(v)
		}
	}
	for _, v := range to {
		if before, ok := old[name(v)]; ok {
			changed(before, v)
		} else {
			added(v)
		}
	}
}

func operationName(op *plan.Operation) string { return op.Go }
func structName(s *plan.Struct) string        { return s.Go }

func (d *differ) service() {
	d.changed(true, "service ID", d.from.ServiceID, d.to.ServiceID, "Configuration keys and service options have another name.")
	d.changed(false, "API version", d.from.APIVersion, d.to.APIVersion, "Read the release notes of the service.")
	d.changed(true, "signing name", d.from.SigningName, d.to.SigningName, "Requests are signed for another service. IAM policies may need a change.")
	d.changed(true, "endpoint prefix", d.from.EndpointPrefix, d.to.EndpointPrefix, "Requests go to another host.")
}

func (d *differ) newOperation(op *plan.Operation) {
	effect := "Client gets the method."
	if op.Paginator != nil {
		effect = fmt.Sprintf("Client gets the method, and New%sPaginator walks through its pages.", op.Go)
	}
	for _, w := range op.Waiters {
		effect += fmt.Sprintf(" New%sWaiter waits.", w.Go)
	}
	d.add(New, false, fmt.Sprintf("operation %s, %s %s", op.Go, op.Method, op.URI),
		effect+fmt.Sprintf(" Package fake needs a handler, (*call).%s.", plan.LowerFirst(op.Go)))
}

func (d *differ) operation(from, to *plan.Operation) {
	d.changed(false, "operation "+to.Go, from.Method+" "+from.URI, to.Method+" "+to.URI, "IAM and proxies that go by the path may need a change.")
	d.changed(false, "status of a success of "+to.Go, fmt.Sprint(from.Status), fmt.Sprint(to.Status), "Clients accept any 2xx.")
	d.changed(false, "token of "+to.Go, memberName(from.Token), memberName(to.Token), "Clients fill the token in. Without one a lost response is an uncertain outcome.")
	both(from.Errors, to.Errors, structName, func(_, _ *plan.Struct) {}, func(e *plan.Struct) {
		d.add(Removed, false, fmt.Sprintf("error types.%s of %s", e.Go, to.Go), "Code that handles it is no longer needed there.")
	}, func(e *plan.Struct) {
		d.add(New, false, fmt.Sprintf("error types.%s of %s", e.Go, to.Go), "Programs may handle it there.")
	})
	d.changed(from.Paginator != nil, "paginator of "+to.Go, paginator(from), paginator(to), fmt.Sprintf("It is New%sPaginator.", to.Go))
	both(from.Waiters, to.Waiters, func(w *plan.Waiter) string { return w.Go }, func(from, to *plan.Waiter) {
		d.changed(false, "waiter "+to.Go, waiter(from), waiter(to), "It ends at other states or polls at other times.")
	}, func(w *plan.Waiter) {
		d.add(Removed, true, "waiter "+w.Go, "Programs that use it no longer compile.")
	}, func(w *plan.Waiter) {
		d.add(New, false, "waiter "+w.Go, fmt.Sprintf("New%sWaiter polls %s.", w.Go, to.Go))
	})
	d.structure(from.Input, to.Input)
	d.structure(from.Output, to.Output)
	if to.Method == http.MethodPut {
		d.replaced(from, to)
	}
}

// replaced adds a warning about new members of a request that replaces all settings.
func (d *differ) replaced(from, to *plan.Operation) {
	both(from.Input.Members, to.Input.Members, memberName, func(_, _ *plan.Member) {}, func(*plan.Member) {}, func(m *plan.Member) {
		if !m.Required {
			d.add(Changed, false, "operation "+to.Go, fmt.Sprintf("It is a PUT: programs that do not set %s reset it. Check that package images carries it over.", m.Go))
		}
	})
}

func memberName(m *plan.Member) string {
	if m == nil {
		return ""
	}
	return m.Go
}

func paginator(op *plan.Operation) string {
	pg := op.Paginator
	if pg == nil {
		return ""
	}
	return fmt.Sprintf("%s to %s, %s a page, items %s", pg.Token.Go, pg.Next.Go, cmp.Or(memberName(pg.Size), "none"), pg.Items.Go)
}

func waiter(w *plan.Waiter) string {
	var outcomes []string
	for _, o := range w.Outcomes {
		outcomes = append(outcomes, fmt.Sprintf("%s on %s", o.State, o.Equals+o.Error))
	}
	return fmt.Sprintf("%s, every %g to %g s", strings.Join(outcomes, ", "), w.MinDelay, w.MaxDelay)
}

// qualified returns the name of a structure as the root package writes it.
func qualified(s *plan.Struct) string {
	if s.Role == plan.Value || s.Role == plan.Error {
		return "types." + s.Go
	}
	return s.Go
}

func (d *differ) structure(from, to *plan.Struct) {
	sent := to.Role == plan.Input || to.Sent
	where := qualified(to) + "."
	both(from.Members, to.Members, memberName, func(from, to *plan.Member) {
		d.member(where+to.Go, sent, from, to)
	}, func(m *plan.Member) {
		effect := "Programs that use it no longer compile."
		if sent {
			effect += " JSON of inputs that has it is refused."
		}
		d.add(Removed, true, "member "+where+m.Go, effect)
	}, func(m *plan.Member) {
		what := fmt.Sprintf("member %s%s, %s", where, m.Go, emit.TypeOf(d.to, m))
		if m.Required {
			what += ", required"
		}
		switch {
		case sent && m.Required:
			d.add(New, true, what, "Inputs without it are refused before they are sent.")
		case sent:
			d.add(New, false, what, "Programs may set it.")
		default:
			d.add(New, false, what, "Programs may read it.")
		}
	})
	if to.Role == plan.Error {
		d.changed(false, "status of types."+to.Go, fmt.Sprint(from.Status), fmt.Sprint(to.Status), "Programs that go by the status may need a change.")
	}
}

func (d *differ) member(where string, sent bool, from, to *plan.Member) {
	d.changed(true, "type of "+where, emit.TypeOf(d.from, from), emit.TypeOf(d.to, to), "Programs that use it no longer compile.")
	if from.Type.SecretBelow() != to.Type.SecretBelow() {
		d.changed(false, where, sensitivity(from), sensitivity(to), "Its value is printed accordingly.")
	}
	if from.Required != to.Required {
		effect := "Programs must expect that it is nil."
		switch {
		case sent && to.Required:
			effect = "Inputs without it are refused before they are sent."
		case sent:
			effect = "Inputs without it are sent."
		case to.Required:
			effect = "It is always present in responses."
		}
		breaking := sent == to.Required
		d.changed(breaking, where, necessity(from), necessity(to), effect)
	}
	if sent {
		d.changed(false, "constraints of "+where, facts(from.Check, from.Type), facts(to.Check, to.Type), "Inputs are checked against the new ones before they are sent.")
	}
}

func sensitivity(m *plan.Member) string {
	if m.Type.SecretBelow() {
		return "sensitive"
	}
	return "not sensitive"
}

func necessity(m *plan.Member) string {
	if m.Required {
		return "required"
	}
	return "optional"
}

// facts returns the constraints of a value in words, except for being required and
// sensitive.
func facts(c *plan.Check, t *plan.Type) string {
	if c == nil {
		return ""
	}
	var list []string
	for _, fact := range c.Facts(t) {
		if !strings.HasPrefix(fact, "Sensitive") {
			list = append(list, strings.TrimSuffix(fact, "."))
		}
	}
	return strings.Join(list, "; ")
}

func (d *differ) union(from, to *plan.Union) {
	both(from.Members, to.Members, func(m *plan.UnionMember) string { return m.Go }, func(from, to *plan.UnionMember) {
		d.changed(true, "type of types."+to.Go, emit.TypeOfValue(d.from, from.Type), emit.TypeOfValue(d.to, to.Type), "Programs that use it no longer compile.")
		if to.Check != nil {
			d.changed(false, "constraints of types."+to.Go, facts(from.Check, from.Type), facts(to.Check, to.Type), "Inputs are checked against the new ones before they are sent.")
		}
	}, func(m *plan.UnionMember) {
		d.add(Removed, true, "union member types."+m.Go, "Programs that use it no longer compile. Responses with it have a *types.UnknownUnionMember.")
	}, func(m *plan.UnionMember) {
		d.add(New, false, "union member types."+m.Go, "Responses have it where they had a *types.UnknownUnionMember. Check type switches over types."+to.Go+".")
	})
}

func (d *differ) enum(from, to *plan.Enum) {
	both(from.Values, to.Values, func(v plan.EnumValue) string { return v.Go }, func(from, to plan.EnumValue) {
		d.changed(true, "value of types."+to.Go, from.Value, to.Value, "The constant has another value.")
	}, func(v plan.EnumValue) {
		d.add(Removed, true, "enum value types."+v.Go, "Programs that use it no longer compile. Inputs with it are refused unless Options.AllowUnknownEnums is set.")
	}, func(v plan.EnumValue) {
		d.add(New, false, "enum value types."+v.Go, "Inputs may use it. Check switch statements over types."+to.Go+", and the waiters if it is a state.")
	})
}

func values(e *plan.Enum) []string {
	list := make([]string, len(e.Values))
	for i, v := range e.Values {
		list[i] = v.Value
	}
	return list
}
