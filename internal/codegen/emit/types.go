package emit

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// structs prints types/types.go.
func structs(p *printer, pl *plan.Plan) {
	for _, s := range pl.Structs {
		p.doc(about(s.Go, s.Doc))
		structType(p, s)
	}
}

// enums prints types/enums.go.
func enums(p *printer, pl *plan.Plan) {
	for _, e := range pl.Enums {
		p.doc(about(e.Go, e.Doc), "The service may send values that are not listed here.")
		p.p("type %s string\n", e.Go)
		p.p("// Enum values for %s.", e.Go)
		p.p("const (")
		for _, v := range e.Values {
			p.doc(v.Doc)
			p.p("%s %s = %q", v.Go, e.Go, v.Value)
		}
		p.p(")\n")
		p.doc(fmt.Sprintf("Values returns the values of %s that the model lists.", e.Go))
		p.p("func (%s) Values() []%[1]s {", e.Go)
		p.p("return []%s{", e.Go)
		for _, v := range e.Values {
			p.p("%s,", v.Go)
		}
		p.p("}\n}\n")
	}
}

// unions prints types/unions.go.
func unions(p *printer, pl *plan.Plan) {
	for _, u := range pl.Unions {
		p.doc(about(u.Go, u.Doc), "It is one of:")
		for _, m := range u.Members {
			p.p("//   - [*%s]", m.Go)
		}
		p.p("//   - [*UnknownUnionMember], which only the service sends")
		p.p("type %s interface {\nis%[1]s()\n}\n", u.Go)
		for _, m := range u.Members {
			p.doc(about(m.Go, m.Doc), strings.Join(m.Check.Facts(m.Type), " "))
			p.p("type %s struct {\nValue %s\n}\n", m.Go, goType(p, m.Type))
			p.p("func (*%s) is%s() {}\n", m.Go, u.Go)
		}
	}
	p.doc("UnknownUnionMember is a union member that this version of the module does not know. Encoding writes the value that was decoded.")
	p.p("type UnknownUnionMember struct {")
	p.p("Tag string // name of the member")
	p.p("Value []byte // its JSON")
	p.p("}\n")
	for _, u := range pl.Unions {
		p.p("func (*UnknownUnionMember) is%s() {}", u.Go)
	}
}

// errorTypes prints types/errors.go.
func errorTypes(p *printer, pl *plan.Plan) {
	for _, e := range pl.Errors {
		p.doc(about(e.Go, e.Doc))
		p.p("type %s struct {", e.Go)
		for _, m := range e.Members {
			p.doc(m.Doc)
			p.p("%s %s\n", m.Go, fieldType(p, m))
		}
		p.doc("The error code in the response, if it differs from the name of this type.")
		p.p("ErrorCodeOverride *string")
		p.p("}\n")

		p.doc("Error returns the code and the message.")
		p.p("func (e *%s) Error() string { return e.ErrorCode() + \": \" + e.ErrorMessage() }\n", e.Go)
		p.doc("ErrorMessage returns the message in the response, or an empty string.")
		p.p("func (e *%s) ErrorMessage() string {\nif e.Message == nil {\nreturn \"\"\n}\nreturn *e.Message\n}\n", e.Go)
		p.doc("ErrorCode returns the code of the error in the response.")
		p.p("func (e *%s) ErrorCode() string {\nif e == nil || e.ErrorCodeOverride == nil {\nreturn %q\n}\nreturn *e.ErrorCodeOverride\n}\n", e.Go, e.Wire)
		p.doc(fmt.Sprintf("ErrorFault reports that the error is a fault of the %s.", e.Fault))
		p.p("func (e *%s) ErrorFault() @smithy.ErrorFault { return @smithy.Fault%s }\n", e.Go, plan.UpperFirst(e.Fault))
	}
}
