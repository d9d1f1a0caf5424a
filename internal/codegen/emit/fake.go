package emit

import (
	"fmt"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// Fake returns fake/operations.go, with which the fake finds the operation of a request
// and decodes its input. It is separate from Files because the other behavior of package
// fake is hand-written for this service only.
func Fake(pl *plan.Plan) ([]byte, error) {
	p := newPrinter(pl.Module+"/fake", pl.Config)
	fakeNames(p, pl)
	fakeRoutes(p, pl)
	fakeOverrides(p, pl)
	fakeDispatch(p, pl)
	fakeStatuses(p, pl)
	return p.source()
}

func fakeNames(p *printer, pl *plan.Plan) {
	p.p("// The operations of the service.")
	p.p("const (")
	for _, op := range pl.Operations {
		p.p("%s Operation = %q", op.Go, op.Wire)
	}
	p.p(")\n")
}

func fakeRoutes(p *printer, pl *plan.Plan) {
	p.p("// routes has the method, path template and success status of each operation.")
	p.p("var routes = [...]route{")
	for _, op := range pl.Operations {
		p.p("{%s, %q, %q, %d},", op.Go, op.Method, op.URI, op.Status)
	}
	p.p("}\n")
}

func fakeOverrides(p *printer, pl *plan.Plan) {
	p.doc("Overrides replace the operations whose fields are not nil. They receive the decoded and validated input of a call; " +
		"their output or error is sent as the service would send it.")
	p.p("type Overrides struct {")
	for _, op := range pl.Operations {
		p.p("%s Override[@root.%s, @root.%s]", op.Go, op.Input.Go, op.Output.Go)
	}
	p.p("}\n")
}

// fakeDispatch prints the dispatch of a request to the handler of its operation. It
// decodes path and query after the body, so that the body cannot set their members.
func fakeDispatch(p *printer, pl *plan.Plan) {
	p.p("// dispatch decodes the input of the call and invokes its operation.")
	p.p("func (c *call) dispatch() (@restjson.Encoder, error) {")
	p.p("switch c.operation {")
	for _, op := range pl.Operations {
		p.p("case %s:", op.Go)
		p.p("in := new(@root.%s)", op.Input.Go)
		if op.Body {
			p.p("c.readBody(in)")
		}
		for _, s := range op.Path {
			if s.Label != nil {
				p.p("in.%s = c.label(%q)", s.Label.Go, s.Label.Wire)
			}
		}
		for _, m := range op.Queries {
			p.p("in.%s = %s", m.Go, fakeQuery(p, m))
		}
		p.p("return invoke(c, in, c.overrides.%s, c.%s)", op.Go, plan.LowerFirst(op.Go))
	}
	p.p("}\nreturn nil, errNoRoute\n}")
}

func fakeStatuses(p *printer, pl *plan.Plan) {
	p.p("// statusOf returns the HTTP status of an error code of the service, or zero.")
	p.p("func statusOf(code string) int {")
	p.p("switch code {")
	for _, e := range pl.Errors {
		p.p("case %q:\nreturn %d", e.Wire, e.Status)
	}
	p.p("}\nreturn 0\n}")
}

func fakeQuery(p *printer, m *plan.Member) string {
	switch m.Type.Kind {
	case plan.EnumKind:
		return fmt.Sprintf("queryEnum[%s](c, %q)", goType(p, m.Type), m.HTTPName)
	case plan.Int32:
		return fmt.Sprintf("c.queryInt32(%q)", m.HTTPName)
	case plan.Bool:
		p.errs = append(p.errs, fmt.Errorf("%s: package fake reads no boolean from a query", m.Wire))
		return "nil"
	case plan.List:
		return fmt.Sprintf("c.queryStrings(%q)", m.HTTPName)
	default:
		return fmt.Sprintf("c.queryString(%q)", m.HTTPName)
	}
}
