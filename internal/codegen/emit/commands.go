package emit

import (
	"errors"
	"fmt"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// Commands returns the generated files of the command line by their names: the operations
// with their shapes, the calls of the client, and its waiters.
func Commands(c *plan.Commands) (map[string][]byte, error) {
	files := make(map[string][]byte)
	var errs []error
	for name, print := range map[string]func(*printer, *plan.Commands){
		"operations.go": commandOperations, "shapes.go": commandShapes, "calls.go": commandCalls, "waiters.go": commandWaiters,
	} {
		p := newPrinter(c.Module+"/cmd/lambda-microvms/internal/api", c.Config)
		print(p, c)
		src, err := p.source()
		files[name] = src
		errs = append(errs, err)
	}
	return files, errors.Join(errs...)
}

func commandOperations(p *printer, c *plan.Commands) {
	p.p("// Operations are all operations of the service, by command name.")
	p.p("var Operations = [...]Operation{")
	for _, op := range c.Commands {
		p.p("{")
		p.p("Name: %q,\nCommand: %q,\nDoc: %q,\nInput: &%s,\nOutput: &%s,", op.Wire, op.Name, op.Doc, op.Input.Var, op.Output.Var)
		if pg := op.Paginator; pg != nil {
			p.p("Paginator: &Paginator{InputToken: %q, OutputToken: %q, Limit: %q, Items: %q},",
				pg.Token.Wire, pg.Next.Wire, pg.Size.Wire, pg.Items.Wire)
		}
		p.p("},")
	}
	p.p("}\n")
	p.p("// Failures are the errors that the service declares, by name.")
	p.p("var Failures = [...]*Shape{")
	for _, s := range c.Failures {
		p.p("&%s,", s.Var)
	}
	p.p("}")
}

func commandShapes(p *printer, c *plan.Commands) {
	p.p("var (")
	for _, s := range c.Shapes {
		commandShape(p, s)
	}
	p.p(")")
}

func commandShape(p *printer, s *plan.CommandShape) {
	p.p("%s = Shape{", s.Var)
	p.p("Name: %q,\nKind: %s,", s.Wire, s.Kind)
	for _, limits := range []*model.Bounds{s.Traits.Length, s.Traits.Range} {
		if limits != nil && limits.Min != nil {
			p.p("HasMin: true,\nMin: %d,", *limits.Min)
		}
		if limits != nil && limits.Max != nil {
			p.p("HasMax: true,\nMax: %d,", *limits.Max)
		}
	}
	if s.Traits.Pattern != "" {
		p.p("Pattern: %q,", s.Traits.Pattern)
	}
	if s.Traits.Sensitive {
		p.p("Sensitive: true,")
	}
	if len(s.Values) > 0 {
		p.p("Values: %#v,", s.Values)
	}
	if s.Key != nil {
		p.p("Key: &%s,", s.Key.Var)
	}
	if s.Elem != nil {
		p.p("Elem: &%s,", s.Elem.Var)
	}
	if len(s.Members) > 0 {
		p.p("Members: []Member{")
		for _, m := range s.Members {
			flags := ""
			if m.Required {
				flags += "Required: true, "
			}
			if m.Token {
				flags += "Token: true, "
			}
			p.p("{Name: %q, Option: %q, %sShape: &%s, Doc: %q},", m.Wire, m.Option, flags, m.Shape.Var, m.Doc)
		}
		p.p("},")
	}
	p.p("}")
}

func commandCalls(p *printer, c *plan.Commands) {
	p.p("// invoke calls the operation through its method.")
	p.p("func invoke(ctx @context.Context, c *@root.Client, operation string, input []byte) ([]byte, error) {")
	p.p("switch operation {")
	for _, op := range c.Commands {
		p.p("case %q:\nreturn call(ctx, c.%s, input)", op.Wire, op.Go)
	}
	p.p("}")
	p.p(`return nil, @fmt.Errorf("unknown operation %%s", operation)`)
	p.p("}\n")

	p.p("// failure returns the members of an error that the service declares, nil for others.")
	p.p("func failure(err error) (members []field) {")
	for i, s := range c.Failures {
		name := fmt.Sprintf("e%d", i)
		e := goError(c.Plan, s.Wire)
		p.p("var %s *@types.%s", name, e.Go)
		p.p("if @errors.As(err, &%s) {\nreturn []field{", name)
		for _, m := range s.Members {
			p.p("{%q, %s.%s},", m.Wire, name, memberOf(e, m.Wire).Go)
		}
		p.p("}\n}")
	}
	p.p("return nil\n}")
}

func commandWaiters(p *printer, c *plan.Commands) {
	p.p("// Waiters are all waiters of the service, by command name.")
	p.p("var Waiters = [...]Waiter{")
	for _, w := range c.Waiters {
		p.p("{\nName: %q,\nCommand: %q,\nDoc: %q,\nOperation: %q,\nState: %q,", w.Wire, w.Name, w.Doc, w.Operation.Wire, w.State.Wire)
		p.p("MinDelay: %s,\nMaxDelay: %s,", duration(p, w.MinDelay), duration(p, w.MaxDelay))
		for _, group := range []struct{ field, state string }{{"Success", "success"}, {"Failure", "failure"}} {
			p.p("%s: %#v,", group.field, outcomesOf(w.Waiter, group.state))
		}
		p.p("},")
	}
	p.p("}\n")
	p.p("func wait(ctx @context.Context, c *@root.Client, waiter string, input []byte, o WaitOptions) error {")
	p.p("switch waiter {")
	for _, w := range c.Waiters {
		p.p("case %q:\nreturn waitFor(ctx, @root.New%sWaiter(c), input, o)", w.Wire, w.Go)
	}
	p.p("}")
	p.p(`return @fmt.Errorf("unknown waiter %%s", waiter)`)
	p.p("}")
}

// outcomesOf returns the states and error codes that end a wait in success or failure.
func outcomesOf(w *plan.Waiter, state string) []string {
	var list []string
	for _, o := range w.Outcomes {
		switch {
		case o.State != state:
		case o.Error != "":
			list = append(list, o.Error)
		default:
			list = append(list, o.Equals)
		}
	}
	return list
}

func goError(pl *plan.Plan, wire string) *plan.Struct {
	for _, e := range pl.Errors {
		if e.Wire == wire {
			return e
		}
	}
	return nil
}

func memberOf(s *plan.Struct, wire string) *plan.Member {
	for _, m := range s.Members {
		if m.Wire == wire {
			return m
		}
	}
	return nil
}
