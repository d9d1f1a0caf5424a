package emit

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/pattern"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// validators prints validators.go: a line for each member with a constraint.
func validators(p *printer, pl *plan.Plan) {
	for _, op := range pl.Operations {
		p.p("func (in *%s) validate(v *validator) {", op.Input.Go)
		members(p, op.Input, "in")
		p.p("}\n")
	}
	for _, s := range pl.Structs {
		if s.Checked {
			p.p("func validate%s(v *validator, s *@types.%[1]s) {", s.Go)
			members(p, s, "s")
			p.p("}\n")
		}
	}
	for _, u := range pl.Unions {
		if u.Checked {
			unionValidator(p, u)
		}
	}
}

func members(p *printer, s *plan.Struct, receiver string) {
	for _, m := range s.Members {
		need := "optional"
		if m.Required {
			need = "required"
		}
		if line := validateMember(m.Type, m.Check, m.Go, receiver+"."+m.Go, need); line != "" {
			p.p("%s", line)
		}
	}
}

func validateMember(t *plan.Type, c *plan.Check, name, field, need string) string {
	required := need == "required"
	switch t.Kind {
	case plan.String:
		if c.Rule != nil {
			return fmt.Sprintf("v.string(%q, %s, %s, &%s)", name, field, need, c.Rule.Go)
		}
	case plan.Int32:
		if c.Rule != nil {
			return fmt.Sprintf("v.int32(%q, %s, %s, &%s)", name, field, need, c.Rule.Go)
		}
	case plan.Int64:
		if c.Rule != nil {
			return fmt.Sprintf("v.int64(%q, %s, %s, &%s)", name, field, need, c.Rule.Go)
		}
	case plan.EnumKind:
		return fmt.Sprintf("v.enum(%q, string(%s), %s, %s)", name, field, need, c.Rule.Go)
	case plan.StructKind:
		if c.Func != "" {
			return fmt.Sprintf("nested(v, %q, %s, %s, %s)", name, field, need, c.Func)
		}
	case plan.UnionKind:
		return fmt.Sprintf("union(v, %q, %s, %s, %s)", name, field, need, c.Func)
	case plan.List:
		args := fmt.Sprintf("%q, %s, %s, %s", name, field, need, size(c))
		nothing := !required && c.Size == nil
		switch {
		case t.Elem.Kind == plan.String && (!nothing || c.Elem.Rule != nil):
			return fmt.Sprintf("v.strings(%s, %s)", args, pointer(c.Elem.Rule))
		case t.Elem.Kind == plan.EnumKind:
			return fmt.Sprintf("enums(v, %s, %s)", args, c.Elem.Rule.Go)
		case t.Elem.Kind == plan.UnionKind:
			return fmt.Sprintf("unions(v, %s, %s)", args, c.Elem.Func)
		case t.Elem.Kind == plan.StructKind && c.Elem.Func != "":
			return fmt.Sprintf("structs(v, %s, %s)", args, c.Elem.Func)
		case c.Size != nil:
			return fmt.Sprintf("v.size(%q, len(%s), %s != nil, %s, %s, \"item\", \"items\")", name, field, field, need, size(c))
		}
	case plan.Map:
		if t.Elem.Kind == plan.String && (required || c.Size != nil || c.Key != nil || c.Elem.Rule != nil) {
			return fmt.Sprintf("v.stringMap(%q, %s, %s, %s, %s, %s)", name, field, need, size(c), pointer(c.Key), pointer(c.Elem.Rule))
		}
		if c.Size != nil {
			return fmt.Sprintf("v.size(%q, len(%s), %s != nil, %s, %s, \"entry\", \"entries\")", name, field, field, need, size(c))
		}
	}
	if required {
		return fmt.Sprintf("v.present(%q, %s != nil)", name, field)
	}
	return ""
}

func size(c *plan.Check) string {
	if c.Size == nil {
		return "sizeRule{}"
	}
	return c.Size.Go
}

func pointer(r *plan.Rule) string {
	if r == nil {
		return "nil"
	}
	return "&" + r.Go
}

func unionValidator(p *printer, u *plan.Union) {
	p.p("func validate%s(v *validator, u @types.%[1]s) {", u.Go)
	p.p("switch u := u.(type) {")
	for _, m := range u.Members {
		p.p("case *@types.%s:", m.Go)
		field := "u.Value"
		if m.Type.Pointer() {
			field = "&u.Value"
		}
		if line := validateMember(m.Type, m.Check, plan.UpperFirst(strings.TrimPrefix(m.Go, u.Go+"Member")), field, "optional"); line != "" {
			p.p("%s", line)
		}
	}
	p.p("default:\nv.unknownMember(u)\n}\n}\n")
}

// rules prints rules.go: the rules of validators.go, as data that needs no initialization
// at program start, and the matchers.
func rules(p *printer, pl *plan.Plan) {
	if len(pl.Rules) == 0 {
		return
	}
	p.doc("Each rule is one constraint of the model; several members may share it.")
	p.p("var (")
	for _, r := range pl.Rules {
		switch r.Kind {
		case plan.StringRule:
			p.p("%s = stringRule{%s}", r.Go, stringRule(r))
		case plan.RangeRule:
			p.p("%s = rangeRule{min: %s, max: %s}", r.Go, bound(r.Min, "noMin"), bound(r.Max, "noMax"))
		case plan.SizeRule:
			p.p("%s = sizeRule{%s}", r.Go, strings.Join(lengths(r), ", "))
		case plan.EnumRule:
			p.p("%s = enumRule{%s}", r.Go, quoted(r.Values))
		}
	}
	p.p(")\n")
	printed := make(map[string]bool)
	for _, r := range pl.Rules {
		if r.Matcher == "" || printed[r.Matcher] {
			continue
		}
		printed[r.Matcher] = true
		m, err := pattern.Compile(r.Pattern)
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s: %w", r.Go, err))
			continue
		}
		for _, name := range m.Imports() {
			p.imports[p.known[name]] = true
		}
		p.p("%s", m.Source(r.Matcher))
	}
}

func stringRule(r *plan.Rule) string {
	fields := lengths(r)
	if r.Matcher != "" {
		fields = append(fields, fmt.Sprintf("match: %s, pattern: %s", r.Matcher, literal(r.Pattern)))
	}
	if r.Secret {
		fields = append(fields, "secret: true")
	}
	return strings.Join(fields, ", ")
}

func lengths(r *plan.Rule) []string {
	var fields []string
	if r.Min != nil {
		fields = append(fields, fmt.Sprintf("min: %d", *r.Min))
	}
	if r.Max != nil {
		fields = append(fields, fmt.Sprintf("max: %d", *r.Max))
	}
	return fields
}

func bound(n *int64, none string) string {
	if n == nil {
		return none
	}
	return fmt.Sprint(*n)
}

// literal returns a pattern as a Go literal, in backquotes if possible.
func literal(s string) string {
	if strings.Contains(s, "`") {
		return fmt.Sprintf("%q", s)
	}
	return "`" + s + "`"
}
