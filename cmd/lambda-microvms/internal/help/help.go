// Package help writes the manual pages of the operations, in the layout of the AWS CLI
// reference.
package help

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
)

// Option is a global option, or one that several operations have.
type Option struct {
	Name, Kind, Doc string
	Short           string // a letter that stands for it
	Flag            bool
	Many, Required  bool
	Choices         []string
}

// Operation returns the page of an operation: synopsis, options, global options, output.
func Operation(program string, op *api.Operation, shared, global []Option) string {
	p := new(page)
	p.line("[ %s ]", program)
	p.heading("Name")
	p.line("%s", op.Command)
	p.heading("Description")
	p.line("%s", op.Doc)
	if pg := op.Paginator; pg != nil {
		p.line("")
		p.line("%s is a paginated operation. Multiple API calls may be issued in order to retrieve the entire data set of results. "+
			"You can disable pagination by providing the --no-paginate argument.", op.Command)
		p.line("When using --output text and the --query argument on a paginated response, "+
			"the --query argument must extract data from the results of the following query expressions: %s", pg.Items)
	}
	p.heading("Synopsis")
	p.synopsis(op, shared, global)
	p.heading("Options")
	for _, m := range options(op) {
		p.option(m)
	}
	p.shared(shared)
	p.heading("Global Options")
	p.shared(global)
	p.heading("Output")
	p.members(op.Output, 0)
	if len(op.Output.Members) == 0 {
		p.line("None")
	}
	return p.String()
}

// options are the members of the input that the page shows: not those of pages.
func options(op *api.Operation) []*api.Member {
	var list []*api.Member
	for i := range op.Input.Members {
		m := &op.Input.Members[i]
		if pg := op.Paginator; pg == nil || m.Name != pg.InputToken && m.Name != pg.Limit {
			list = append(list, m)
		}
	}
	return list
}

type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) heading(text string) { p.line("\n%s\n", strings.ToUpper(text)) }

func (p *page) synopsis(op *api.Operation, shared, global []Option) {
	p.line("%s", op.Command)
	for _, m := range options(op) {
		text := "--" + m.Option + " <value>"
		if m.Shape.Kind == api.Boolean {
			text = "--" + m.Option + " | --no-" + m.Option
		}
		if !m.Required || m.Token {
			text = "[" + text + "]"
		}
		p.line("%s", text)
	}
	for _, o := range append(append([]Option{}, shared...), global...) {
		switch {
		case o.Name == "cli-input-json | --cli-input-yaml", o.Flag:
			p.line("[--%s]", o.Name)
		default:
			p.line("[--%s <value>]", o.Name)
		}
	}
}

func (p *page) shared(list []Option) {
	for _, o := range list {
		p.line("\n--%s (%s)\n", o.Name, o.Kind)
		p.line("%s", o.Doc)
		p.values(o.Choices)
	}
}

func (p *page) option(m *api.Member) {
	p.line("\n--%s (%s)%s\n", m.Option, m.Shape.Kind, required(m.Required && !m.Token))
	p.line("%s", m.Doc)
	p.union(m.Shape)
	p.constraints(m.Shape)
	p.values(m.Shape.Values)
	p.inner(m.Shape, 0)
	if m.Shape.Scalar() {
		return
	}
	if m.Shape.Kind == api.List && m.Shape.Elem.Scalar() {
		p.line("\nSyntax:\n\n%s %[1]s ...", word(m.Shape.Elem))
		return
	}
	p.line("\nShorthand Syntax:\n\n%s", shorthandSyntax(m.Shape))
	p.line("\nJSON Syntax:\n\n%s", jsonSyntax(m.Shape, 0))
}

func required(is bool) string {
	if is {
		return " [required]"
	}
	return ""
}

func (p *page) union(s *api.Shape) {
	if s.Kind != api.Union {
		return
	}
	var names []string
	for _, m := range s.Members {
		names = append(names, m.Name)
	}
	p.line("\nNote\nThis is a Tagged Union structure. Only one of the following top level keys can be set: %s.", strings.Join(names, ", "))
}

func (p *page) constraints(s *api.Shape) {
	if !s.HasMin && !s.HasMax && s.Pattern == "" {
		return
	}
	p.line("\nConstraints:")
	if s.HasMin {
		p.line("- min: %d", s.Min)
	}
	if s.HasMax {
		p.line("- max: %d", s.Max)
	}
	if s.Pattern != "" {
		p.line("- pattern: %s", strings.TrimSuffix(strings.TrimPrefix(s.Pattern, "^"), "$"))
	}
}

func (p *page) values(list []string) {
	if len(list) == 0 {
		return
	}
	p.line("\nPossible values:")
	for _, v := range list {
		p.line("- %s", v)
	}
}

// inner describes what a list, map or structure holds.
func (p *page) inner(s *api.Shape, depth int) {
	switch s.Kind {
	case api.List:
		p.part("("+s.Elem.Kind.String()+")", "", s.Elem, depth+1)
	case api.Map:
		p.part("key -> ("+s.Key.Kind.String()+")", "", s.Key, depth+1)
		p.part("value -> ("+s.Elem.Kind.String()+")", "", s.Elem, depth+1)
	default:
		p.members(s, depth+1)
	}
}

func (p *page) members(s *api.Shape, depth int) {
	for i := range s.Members {
		m := &s.Members[i]
		p.part(fmt.Sprintf("%s -> (%s)%s", m.Name, m.Shape.Kind, required(m.Required && depth > 0)), m.Doc, m.Shape, depth)
	}
}

func (p *page) part(title, doc string, s *api.Shape, depth int) {
	inner := new(page)
	inner.line("\n%s", title)
	if doc != "" {
		inner.line("\n%s", doc)
	}
	inner.union(s)
	inner.constraints(s)
	inner.values(s.Values)
	inner.inner(s, 0)
	for _, line := range strings.Split(strings.TrimSuffix(inner.String(), "\n"), "\n") {
		if line != "" {
			line = strings.Repeat("  ", min(depth, 1)) + line
		}
		p.line("%s", line)
	}
}
