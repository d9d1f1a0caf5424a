package help

import (
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
)

// shorthandSyntax returns an example of the shorthand syntax of a shape.
func shorthandSyntax(s *api.Shape) string {
	if s.Kind == api.List {
		return shorthand(s.Elem, 0) + " ..."
	}
	return shorthand(s, 0)
}

func shorthand(s *api.Shape, depth int) string {
	switch s.Kind {
	case api.Structure, api.Union:
		parts := make([]string, len(s.Members))
		for i := range s.Members {
			parts[i] = s.Members[i].Name + "=" + shorthand(s.Members[i].Shape, depth+1)
		}
		return braced(strings.Join(parts, ","), depth)
	case api.Map:
		v := shorthand(s.Elem, depth+1)
		return braced("KeyName1="+v+",KeyName2="+v, depth)
	case api.List:
		v := shorthand(s.Elem, depth+1)
		if s.Elem.Scalar() && depth <= 1 {
			return v + "," + v
		}
		return "[" + v + "," + v + "]"
	}
	return s.Kind.String()
}

func braced(text string, depth int) string {
	if depth == 0 {
		return text
	}
	return "{" + text + "}"
}

// jsonSyntax returns an example of the JSON syntax of a shape.
func jsonSyntax(s *api.Shape, depth int) string {
	outer, inner := strings.Repeat("  ", depth), strings.Repeat("  ", depth+1)
	switch s.Kind {
	case api.Structure, api.Union:
		if len(s.Members) == 0 {
			return "{\n\n" + outer + "}"
		}
		parts := make([]string, len(s.Members))
		for i := range s.Members {
			parts[i] = inner + `"` + s.Members[i].Name + `": ` + jsonSyntax(s.Members[i].Shape, depth+1)
		}
		return "{\n" + strings.Join(parts, ",\n") + "\n" + outer + "}"
	case api.Map:
		return "{" + word(s.Key) + ": " + jsonSyntax(s.Elem, depth+1) + "\n" + inner + "...}"
	case api.List:
		if s.Elem.Scalar() {
			v := word(s.Elem)
			return "[" + v + ", ...]"
		}
		return "[\n" + inner + jsonSyntax(s.Elem, depth+1) + "\n" + inner + "...\n" + outer + "]"
	}
	return word(s)
}

// word is a scalar as the syntax shows it.
func word(s *api.Shape) string {
	switch {
	case len(s.Values) > 0:
		return `"` + strings.Join(s.Values, `"|"`) + `"`
	case s.Kind == api.String:
		return `"string"`
	case s.Kind == api.Boolean:
		return "true|false"
	}
	return s.Kind.String()
}
