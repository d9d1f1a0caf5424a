package plan

import (
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

func (s *Struct) member(wire string) *Member {
	for _, m := range s.Members {
		if m.Wire == wire {
			return m
		}
	}
	return nil
}

func (p *planner) paginator(op *Operation, t *model.Paginated) {
	pg := &Paginator{
		Token: op.Input.member(t.InputToken), Size: op.Input.member(t.PageSize),
		Next: op.Output.member(t.OutputToken), Items: op.Output.member(t.Items),
	}
	switch {
	case pg.Token == nil || pg.Token.Type.Kind != String:
		p.errorf("%s: the page token %q is no string of the input", op.Wire, t.InputToken)
	case pg.Next == nil || pg.Next.Type.Kind != String:
		p.errorf("%s: the page token %q is no string of the output", op.Wire, t.OutputToken)
	case pg.Items == nil || pg.Items.Type.Kind != List:
		p.errorf("%s: the items %q are no list of the output", op.Wire, t.Items)
	case t.PageSize != "" && (pg.Size == nil || pg.Size.Type.Kind != Int32):
		p.errorf("%s: the page size %q is no integer of the input", op.Wire, t.PageSize)
	}
	p.root.take(p, op.Go+"Paginator", "the paginator of "+op.Wire)
	p.root.take(p, op.Go+"PaginatorOptions", "the paginator options of "+op.Wire)
	p.root.take(p, "New"+op.Go+"Paginator", "the constructor of the paginator of "+op.Wire)
	op.Paginator = pg
}

func (p *planner) waiter(op *Operation, w *model.Waiter) {
	waiter := &Waiter{
		Wire: w.Name, Go: p.goName(w.Name), Doc: p.prose(w.Documentation), MinDelay: w.MinDelay, MaxDelay: w.MaxDelay,
		Reason: op.Output.member("stateReason"),
	}
	for _, suffix := range []string{"Waiter", "WaiterOptions"} {
		p.root.take(p, waiter.Go+suffix, "waiter "+w.Name)
	}
	p.root.take(p, "New"+waiter.Go+"Waiter", "the constructor of waiter "+w.Name)
	for _, a := range w.Acceptors {
		outcome := Outcome{State: a.State, Error: a.Matcher.ErrorType}
		if match := a.Matcher.Output; match != nil {
			m := op.Output.member(match.Path)
			switch {
			case m == nil:
				p.errorf("waiter %s: path %q is no member of the output of %s (deeper paths are not supported)", w.Name, match.Path, op.Wire)
				return
			case m.Type.Kind != EnumKind:
				p.errorf("waiter %s: %q is no enum", w.Name, match.Path)
				return
			case waiter.State != nil && waiter.State != m:
				p.errorf("waiter %s: compares both %s and %s; one member is supported", w.Name, waiter.State.Wire, m.Wire)
			}
			waiter.State, outcome.Equals = m, match.Expected
		}
		waiter.Outcomes = append(waiter.Outcomes, outcome)
	}
	if waiter.State == nil {
		p.errorf("waiter %s: looks at no member of the output", w.Name)
	}
	if waiter.MinDelay <= 0 || waiter.MaxDelay < waiter.MinDelay {
		p.errorf("waiter %s: delays %v to %v", w.Name, waiter.MinDelay, waiter.MaxDelay)
	}
	op.Waiters = append(op.Waiters, waiter)
}
