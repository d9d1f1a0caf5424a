package params

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Validate checks the input of an operation: types, required and unknown members, union
// members, and lower limits. All that is wrong is in one error.
func Validate(shape *api.Shape, input *value.Map) error {
	var c checker
	c.check(shape, input, "")
	if len(c.problems) == 0 {
		return nil
	}
	return fault.Usage("Parameter validation failed:\n%s", strings.Join(c.problems, "\n"))
}

// ValidateAt checks a value for a shape like Validate, and also upper limits and the
// values of enums, which the AWS CLI leaves to the service. path names its place in the
// problems that it returns.
func ValidateAt(shape *api.Shape, v any, path string) (problems []string) {
	c := checker{strict: true}
	c.check(shape, v, path)
	return c.problems
}

type checker struct {
	strict   bool // beyond the AWS CLI
	problems []string
}

func (c *checker) report(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// placed names a place in the input.
func placed(path string) string {
	if path == "" {
		return "input"
	}
	return strings.TrimPrefix(path, ".")
}

func (c *checker) check(shape *api.Shape, v any, path string) {
	if !fits(shape.Kind, v) {
		shown := value.Repr(v)
		if s, ok := v.(string); ok {
			shown = s
		}
		if shape.SensitiveBelow() {
			shown = redact.Text
		}
		c.report("Invalid type for parameter %s, value: %s, type: <class '%s'>, valid types: %s",
			placed(path), shown, value.TypeName(v), classes(shape.Kind))
		return
	}
	switch v := v.(type) {
	case *value.Map:
		if shape.Kind == api.Map {
			if c.strict {
				c.length(shape, int64(v.Len()), path)
			}
			c.entries(shape, v, path)
		} else {
			c.structure(shape, v, path)
		}
	case []any:
		c.length(shape, int64(len(v)), path)
		for i, e := range v {
			c.check(shape.Elem, e, fmt.Sprintf("%s[%d]", path, i))
		}
	case string:
		c.length(shape, int64(utf8.RuneCountInString(v)), path)
		// The client would leave out an empty one: a filter would not filter.
		if (c.strict || v == "") && len(shape.Values) > 0 && !slices.Contains(shape.Values, v) {
			c.report("Invalid value for parameter %s, value: %s, valid values: %s", placed(path), v, strings.Join(shape.Values, ", "))
		}
	case int64:
		if shape.HasMin && v < shape.Min {
			c.report("Invalid value for parameter %s, value: %d, valid min value: %d", placed(path), v, shape.Min)
		} else if c.strict && shape.HasMax && v > shape.Max {
			c.report("Invalid value for parameter %s, value: %d, valid max value: %d", placed(path), v, shape.Max)
		} else if shape.Kind == api.Integer && int64(int32(v)) != v {
			c.report("Invalid value for parameter %s, value: %d, valid max value: 2147483647", placed(path), v)
		}
	case *big.Int:
		c.report("Invalid value for parameter %s, value: %s: too large", placed(path), v)
	}
}

func (c *checker) length(shape *api.Shape, n int64, path string) {
	if shape.HasMin && n < shape.Min {
		c.report("Invalid length for parameter %s, value: %d, valid min length: %d", placed(path), n, shape.Min)
	}
	if c.strict && shape.HasMax && n > shape.Max {
		c.report("Invalid length for parameter %s, value: %d, valid max length: %d", placed(path), n, shape.Max)
	}
}

func (c *checker) entries(shape *api.Shape, m *value.Map, path string) {
	for _, member := range m.Members() {
		c.check(shape.Key, member.Name, fmt.Sprintf("%s (key: %s)", path, member.Name))
		c.check(shape.Elem, member.Value, path+"."+member.Name)
	}
}

func (c *checker) structure(shape *api.Shape, m *value.Map, path string) {
	names := make([]string, len(shape.Members))
	for i := range shape.Members {
		names[i] = shape.Members[i].Name
	}
	if shape.Kind == api.Union {
		switch m.Len() {
		case 0:
			c.report("Must set one of the following keys for tagged unionstructure %s: %s.", placed(path), strings.Join(names, ". "))
		case 1:
		default:
			c.report("Invalid number of parameters set for tagged union structure %s. Can only set one of the following keys: %s.",
				placed(path), strings.Join(names, ". "))
		}
	}
	for i := range shape.Members {
		if member := &shape.Members[i]; member.Required && !m.Has(member.Name) {
			c.report("Missing required parameter in %s: \"%s\"", placed(path), member.Name)
		}
	}
	for _, given := range m.Members() {
		if shape.Member(given.Name) == nil {
			c.report("Unknown parameter in %s: \"%s\", must be one of: %s", placed(path), given.Name, strings.Join(names, ", "))
		}
	}
	for _, given := range m.Members() {
		if member := shape.Member(given.Name); member != nil {
			c.check(member.Shape, given.Value, path+"."+given.Name)
		}
	}
}

// fits reports whether a value has the type of a kind.
func fits(kind api.Kind, v any) bool {
	switch v.(type) {
	case string:
		return kind == api.String || kind == api.Timestamp
	case bool:
		return kind == api.Boolean
	case int64, *big.Int:
		return kind == api.Integer || kind == api.Long || kind == api.Double || kind == api.Timestamp
	case float64:
		return kind == api.Double || kind == api.Timestamp
	case []any:
		return kind == api.List
	case *value.Map:
		return kind == api.Structure || kind == api.Union || kind == api.Map
	}
	return false
}

// classes names the types of a kind as Python does.
func classes(kind api.Kind) string {
	switch kind {
	case api.Boolean:
		return "<class 'bool'>"
	case api.Integer, api.Long:
		return "<class 'int'>"
	case api.Double:
		return "<class 'float'>, <class 'decimal.Decimal'>, <class 'int'>"
	case api.List:
		return "<class 'list'>, <class 'tuple'>"
	case api.Structure, api.Union, api.Map:
		return "<class 'dict'>"
	}
	return "<class 'str'>"
}
