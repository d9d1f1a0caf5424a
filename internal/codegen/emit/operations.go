package emit

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// operation prints api_op_X.go: the method, its interface, Input, Output and the
// operation value.
func operation(p *printer, op *plan.Operation) {
	call := p.text("%s(ctx @context.Context, params *%[1]sInput, optFns ...func(*Options)) (*%[1]sOutput, error)", op.Go)

	p.doc(does(op.Go, op.Doc), fmt.Sprintf("%s %s. IAM action lambda:%s.%s", op.Method, op.URI, op.Wire, modeledErrors(op)))
	p.p("func (c *Client) %s {", call)
	p.p("return invoke(ctx, c, &%s, params, optFns)", plan.LowerFirst(op.Go))
	p.p("}\n")
	p.doc(fmt.Sprintf("%sAPIClient is the method %s of *Client, for callers that want to replace it with a stub.", op.Go, op.Go))
	p.p("type %sAPIClient interface {\n%s\n}\n", op.Go, call)

	p.doc(fmt.Sprintf("%s is the input of %s.", op.Input.Go, op.Go))
	structType(p, op.Input)
	p.doc(fmt.Sprintf("%s is the output of %s.", op.Output.Go, op.Go))
	structType(p, op.Output)

	flags := ""
	if op.ReadOnly {
		flags += ", readOnly: true"
	}
	if op.Returns {
		flags += ", returns: true"
	}
	p.p("var %s = operation[%s, %s]{operationInfo{name: %q, method: %q, slot: slot%s%s}}",
		plan.LowerFirst(op.Go), op.Input.Go, op.Output.Go, op.Wire, op.Method, op.Go, flags)
}

func modeledErrors(op *plan.Operation) string {
	if len(op.Errors) == 0 {
		return ""
	}
	names := make([]string, len(op.Errors))
	for i, e := range op.Errors {
		names[i] = e.Go
	}
	return " Errors that the model declares, in package types: " + strings.Join(names, ", ") + "."
}

// operations prints operations.go: the index of each operation in Client.chains.
func operations(p *printer, pl *plan.Plan) {
	p.p("const (")
	p.doc("ServiceID is the name of the service in configuration keys and service options.")
	p.p("ServiceID = %q", pl.ServiceID)
	p.doc("ServiceAPIVersion is the version of the API that the model describes.")
	p.p("ServiceAPIVersion = %q\n", pl.APIVersion)
	p.p("signingName = %q // the service that requests are signed for", pl.SigningName)
	p.p("endpointPrefix = %q // the first label of host names", pl.EndpointPrefix)
	p.p(")\n")
	p.doc("The slot of an operation is its index in Client.chains.")
	p.p("const (")
	for i, op := range pl.Operations {
		if i == 0 {
			p.p("slot%s = iota", op.Go)
		} else {
			p.p("slot%s", op.Go)
		}
	}
	p.p("operationCount")
	p.p(")")
}

// structType prints the type of a struct without its comment.
func structType(p *printer, s *plan.Struct) {
	if len(s.Members) == 0 && s.Role != plan.Output {
		p.p("type %s struct{}\n", s.Go)
		return
	}
	p.p("type %s struct {", s.Go)
	for i, m := range s.Members {
		if i > 0 {
			p.p("")
		}
		p.doc(m.Doc, memberFacts(m, s.Role))
		p.p("%s %s", m.Go, fieldType(p, m))
	}
	if s.Role == plan.Output {
		if len(s.Members) > 0 {
			p.p("")
		}
		p.doc("Metadata of the call: request ID, raw response, attempts.")
		p.p("ResultMetadata @middleware.Metadata")
	}
	p.p("}\n")
}

// memberFacts returns the paragraph about the constraints of a member.
func memberFacts(m *plan.Member, role plan.Role) string {
	var facts []string
	switch {
	case m.Required && role == plan.Output:
		facts = append(facts, "Always present in responses.")
	case m.Required:
		facts = append(facts, "Required.")
	}
	return strings.Join(append(facts, m.Check.Facts(m.Type)...), " ")
}
