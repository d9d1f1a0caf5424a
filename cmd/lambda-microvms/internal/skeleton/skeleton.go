// Package skeleton makes the documents of --generate-cli-skeleton.
package skeleton

import (
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Input returns a sample of a shape: all members, with the first value of enums and zero
// values otherwise.
func Input(shape *api.Shape) any { return sample(shape, "", false) }

// Output returns a sample of a shape in which strings are the names of their members.
func Output(shape *api.Shape) any { return sample(shape, "", true) }

func sample(shape *api.Shape, name string, names bool) any {
	switch shape.Kind {
	case api.Boolean:
		return true
	case api.Integer, api.Long:
		return int64(0)
	case api.Double:
		return 0.0
	case api.Timestamp:
		return "1970-01-01T00:00:00"
	case api.List:
		return []any{sample(shape.Elem, shape.Elem.Name, names)}
	case api.Map:
		return value.NewMap(value.Member{Name: "KeyName", Value: sample(shape.Elem, "", names)})
	case api.Structure, api.Union:
		m := new(value.Map)
		for i := range shape.Members {
			member := &shape.Members[i]
			m.Set(member.Name, sample(member.Shape, member.Name, names))
		}
		return m
	}
	return text(shape, name, names)
}

func text(shape *api.Shape, name string, names bool) string {
	switch {
	case names:
		return name
	case len(shape.Values) > 0:
		return shape.Values[0]
	}
	return ""
}

// InputYAML returns the sample of Input as YAML, with a comment on each member: whether
// it is required, what it is for, and which values it has.
func InputYAML(shape *api.Shape) []byte {
	if len(shape.Members) == 0 {
		return []byte("{}\n")
	}
	w := new(yamlWriter)
	w.structure(shape, 0)
	return w.out
}

type yamlWriter struct{ out []byte }

func (w *yamlWriter) line(text, comment string) {
	w.out = append(w.out, text+comment+"\n"...)
}

func (w *yamlWriter) structure(shape *api.Shape, indent int) {
	for i := range shape.Members {
		member := &shape.Members[i]
		gap := " "
		if i == 0 {
			gap = "  " // ruamel.yaml puts the first comment of a mapping one column further
		}
		w.member(member.Name, member.Shape, gap+"# "+comment(member), indent)
	}
}

func (w *yamlWriter) member(name string, shape *api.Shape, comment string, indent int) {
	key := strings.Repeat(" ", indent) + name + ":"
	switch {
	case shape.Kind == api.Map:
		w.line(key, comment)
		w.member("KeyName", shape.Elem, "", indent+2)
	case shape.Kind == api.List:
		w.line(key, comment)
		w.item(shape.Elem, indent)
	case shape.Scalar():
		w.line(key+" "+scalar(shape), comment)
	case len(shape.Members) == 0:
		w.line(key+" {}", comment)
	default:
		w.line(key, comment)
		w.structure(shape, indent+2)
	}
}

// item writes a list of one element.
func (w *yamlWriter) item(shape *api.Shape, indent int) {
	dash := strings.Repeat(" ", indent) + "- "
	if shape.Scalar() {
		w.line(dash+scalar(shape), "")
		return
	}
	before := len(w.out)
	w.structure(shape, indent+2)
	if len(w.out) > before { // the dash takes the place of the first indentation
		copy(w.out[before:], dash)
	}
}

func scalar(shape *api.Shape) string {
	switch v := sample(shape, "", false).(type) {
	case bool:
		return "true"
	case string:
		if v == "" || shape.Kind == api.Timestamp {
			return "'" + v + "'"
		}
		return v
	default:
		return value.Text(v)
	}
}

func comment(m *api.Member) string {
	var parts []string
	if m.Required {
		parts = append(parts, "[REQUIRED]")
	}
	if m.Doc != "" {
		parts = append(parts, firstClause(m.Doc))
	}
	if len(m.Shape.Values) > 0 {
		parts = append(parts, "Valid values are: "+strings.Join(m.Shape.Values, ", ")+".")
	}
	return strings.Join(parts, " ")
}

// firstClause returns a text up to its first full stop or colon, as the AWS CLI does.
func firstClause(text string) string {
	if end := strings.IndexAny(text, ".:"); end >= 0 {
		text = text[:end]
	}
	return text + "."
}
