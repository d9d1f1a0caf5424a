package output

import (
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// AppendText appends a document in the text format: tab-separated lines, each with the
// scalars of one structure, after the upper-cased name of the member that holds it.
func AppendText(b []byte, v any) []byte { return appendValue(b, v, nil, nil) }

// appendValue appends v. label is the name of the member that holds v, nil at the top;
// columns are the scalars that a list's structures have in common, nil outside of lists.
func appendValue(b []byte, v any, label *string, columns []string) []byte {
	switch v := v.(type) {
	case *value.Map:
		return appendStructure(b, v, label, columns)
	case []any:
		return appendList(b, v, label)
	}
	return append(append(b, value.Text(v)...), '\n')
}

func appendList(b []byte, list []any, label *string) []byte {
	if len(list) == 0 {
		return b
	}
	if slices.ContainsFunc(list, isMap) {
		columns := scalarNames(list)
		for _, e := range list {
			b = appendValue(b, e, label, columns)
		}
		return b
	}
	var scalars, rest []any
	for _, e := range list {
		if value.Scalar(e) {
			scalars = append(scalars, e)
		} else {
			rest = append(rest, e)
		}
	}
	b = appendScalars(b, scalars, label)
	for _, e := range rest {
		b = appendValue(b, e, label, nil)
	}
	return b
}

func appendScalars(b []byte, list []any, label *string) []byte {
	if len(list) == 0 {
		return b
	}
	if label != nil {
		for _, e := range list {
			b = append(b, strings.ToUpper(*label)+"\t"+value.Text(e)+"\n"...)
		}
		return b
	}
	for i, e := range list {
		if i > 0 {
			b = append(b, '\t')
		}
		b = append(b, value.Text(e)...)
	}
	return append(b, '\n')
}

func appendStructure(b []byte, m *value.Map, label *string, columns []string) []byte {
	var fields, rest []string
	if columns == nil {
		for _, name := range m.Names() {
			if v, _ := m.Get(name); value.Scalar(v) {
				fields = append(fields, value.Text(v))
			} else {
				rest = append(rest, name)
			}
		}
	} else {
		for _, name := range columns {
			field := ""
			if v, ok := m.Get(name); ok {
				field = value.Repr(v)
				if value.Scalar(v) {
					field = value.Text(v)
				}
			}
			fields = append(fields, field)
		}
		for _, name := range m.Names() {
			if !slices.Contains(columns, name) {
				rest = append(rest, name)
			}
		}
	}
	if len(fields) > 0 {
		if label != nil {
			fields = append([]string{strings.ToUpper(*label)}, fields...)
		}
		b = append(b, strings.Join(fields, "\t")+"\n"...)
	}
	for _, name := range rest {
		v, _ := m.Get(name)
		b = appendValue(b, v, &name, nil)
	}
	return b
}

func isMap(v any) bool { _, ok := v.(*value.Map); return ok }

// scalarNames returns the names under which any structure of a list has a scalar, sorted.
func scalarNames(list []any) []string {
	seen := new(value.Map)
	for _, e := range list {
		if m, ok := e.(*value.Map); ok {
			for _, member := range m.Members() {
				if value.Scalar(member.Value) {
					seen.Set(member.Name, nil)
				}
			}
		}
	}
	names := seen.Names()
	if names == nil {
		names = []string{}
	}
	return names
}
