package emit

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// paginators prints paginators.go.
func paginators(p *printer, pl *plan.Plan) {
	for _, op := range pl.Operations {
		pg := op.Paginator
		if pg == nil {
			continue
		}
		name := op.Go + "Paginator"
		item := goType(p, pg.Items.Type.Elem)
		p.doc(fmt.Sprintf("%s lists all pages of %s.", name, op.Go))
		p.p("type %s = Paginator[%s, %s, %s]\n", name, op.Input.Go, op.Output.Go, item)
		p.doc(fmt.Sprintf("%sOptions are the options of %[1]s.", name))
		p.p("type %sOptions = PaginatorOptions\n", name)
		p.doc(fmt.Sprintf("New%s returns a paginator that starts at the page that params ask for. Nil params mean the first page of an unfiltered list.", name))
		p.p("func New%s(client %sAPIClient, params *%s, optFns ...func(*%[1]sOptions)) *%[1]s {", name, op.Go, op.Input.Go)
		p.p("return newPaginator(%q, client.%s, params,", op.Go, op.Go)
		size := "new(*int32)" // no member chooses the size of a page
		if pg.Size != nil {
			size = "&in." + pg.Size.Go
		}
		p.p("func(in *%s) (token **string, limit **int32) { return &in.%s, %s },", op.Input.Go, pg.Token.Go, size)
		p.p("func(out *%s) (next *string, items []%s) { return out.%s, out.%s },", op.Output.Go, item, pg.Next.Go, pg.Items.Go)
		p.p("optFns)\n}\n")
	}
}

// waiters prints waiters.go.
func waiters(p *printer, pl *plan.Plan) {
	for _, op := range pl.Operations {
		for _, w := range op.Waiters {
			waiter(p, op, w)
		}
	}
}

func waiter(p *printer, op *plan.Operation, w *plan.Waiter) {
	name := w.Go + "Waiter"
	p.doc(does(name, w.Doc) + " It polls " + op.Go + ". " + outcomes(w))
	p.p("type %s = Waiter[%s, %s]\n", name, op.Input.Go, op.Output.Go)
	p.doc(fmt.Sprintf("%sOptions are the options of %[1]s.", name))
	p.p("type %sOptions = WaiterOptions[%s, %s]\n", name, op.Input.Go, op.Output.Go)
	p.doc(fmt.Sprintf("New%s returns a waiter that polls every %s to %s unless the options say otherwise.", name, seconds(w.MinDelay), seconds(w.MaxDelay)))
	p.p("func New%s(client %sAPIClient, optFns ...func(*%[1]sOptions)) *%[1]s {", name, op.Go)
	p.p("return newWaiter(client.%s, waiterSpec[%s]{", op.Go, op.Output.Go)
	p.p("name: %q, minDelay: %s, maxDelay: %s,", w.Go, duration(p, w.MinDelay), duration(p, w.MaxDelay))
	p.p("clock: clockOf(client),")
	p.p("accept: accept%s,", w.Go)
	p.p("state: func(out *%s) string { return string(out.%s) },", op.Output.Go, w.State.Go)
	if w.Reason != nil {
		p.p("reason: func(out *%s) *string { return out.%s },", op.Output.Go, w.Reason.Go)
	}
	p.p("}, optFns)\n}\n")

	p.p("func accept%s(out *%s, err error) verdict {", w.Go, op.Output.Go)
	p.p("switch {")
	for _, group := range grouped(w.Outcomes) {
		var conditions []string
		for _, o := range group {
			if o.Error != "" {
				conditions = append(conditions, fmt.Sprintf("errorCodeIs(err, %q)", o.Error))
			} else {
				conditions = append(conditions, fmt.Sprintf("err == nil && out.%s == %q", w.State.Go, o.Equals))
			}
		}
		p.p("case %s:\nreturn wait%s", strings.Join(conditions, ",\n"), plan.UpperFirst(group[0].State))
	}
	p.p("}\nreturn waitUnnamed\n}\n")
}

// grouped joins neighboring outcomes that lead to the same result.
func grouped(list []plan.Outcome) [][]plan.Outcome {
	var groups [][]plan.Outcome
	for i, o := range list {
		if i == 0 || o.State != list[i-1].State {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], o)
	}
	return groups
}

// outcomes describes in words when a waiter ends.
func outcomes(w *plan.Waiter) string {
	var parts []string
	for _, state := range []string{"success", "failure"} {
		var on []string
		for _, o := range w.Outcomes {
			switch {
			case o.State != state:
			case o.Error != "":
				on = append(on, "the error "+o.Error)
			default:
				on = append(on, o.Equals)
			}
		}
		if len(on) > 0 {
			parts = append(parts, plan.UpperFirst(state)+" is "+strings.Join(on, " or ")+".")
		}
	}
	return strings.Join(parts, " ")
}

func seconds(s float64) string {
	if s == 1 {
		return "second"
	}
	return fmt.Sprintf("%g seconds", s)
}

func duration(p *printer, s float64) string {
	if s == float64(int(s)) {
		return p.text("%d * @time.Second", int(s))
	}
	return p.text("%d * @time.Millisecond", int(s*1000))
}
