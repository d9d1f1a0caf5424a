package jmespath

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// function is a function with the types of its parameters: alternatives are separated by
// "|".
type function struct {
	params   []string
	variadic bool
	run      func(args []any) any
}

// lookup returns a function, or nil.
func lookup(name string) *function {
	one := func(run func(any) any, param string) *function {
		return &function{params: []string{param}, run: func(args []any) any { return run(args[0]) }}
	}
	two := func(run func(a, b any) any, params ...string) *function {
		return &function{params: params, run: func(args []any) any { return run(args[0], args[1]) }}
	}
	switch name {
	case "abs":
		return one(value.Abs, "number")
	case "avg":
		return one(avg, "array-number")
	case "ceil":
		return one(func(v any) any { return value.Round(v, math.Ceil) }, "number")
	case "contains":
		return two(contains, "array|string", "")
	case "ends_with":
		return two(func(a, b any) any { return strings.HasSuffix(a.(string), b.(string)) }, "string", "string")
	case "floor":
		return one(func(v any) any { return value.Round(v, math.Floor) }, "number")
	case "join":
		return two(join, "string", "array-string")
	case "keys":
		return one(keys, "object")
	case "length":
		return one(length, "string|array|object")
	case "map":
		return two(mapEach, "expref", "array")
	case "max":
		return one(func(v any) any { return extreme(v.([]any), nil, 1) }, "array-number|array-string")
	case "max_by":
		return two(func(a, b any) any { return extremeBy(a, b, 1, "max_by") }, "array", "expref")
	case "merge":
		return &function{params: []string{"object"}, variadic: true, run: merge}
	case "min":
		return one(func(v any) any { return extreme(v.([]any), nil, -1) }, "array-number|array-string")
	case "min_by":
		return two(func(a, b any) any { return extremeBy(a, b, -1, "min_by") }, "array", "expref")
	case "not_null":
		return &function{params: []string{""}, variadic: true, run: notNull}
	case "reverse":
		return one(reverse, "array|string")
	case "sort":
		return one(func(v any) any { return sorted(v.([]any), v.([]any)) }, "array-string|array-number")
	case "sort_by":
		return two(sortBy, "array", "expref")
	case "starts_with":
		return two(func(a, b any) any { return strings.HasPrefix(a.(string), b.(string)) }, "string", "string")
	case "sum":
		return one(sum, "array-number")
	case "to_array":
		return one(toArray, "")
	case "to_number":
		return one(toNumber, "")
	case "to_string":
		return one(toString, "")
	case "type":
		return one(func(v any) any { return typeOf(v) }, "string|number|boolean|array|object|null")
	case "values":
		return one(func(v any) any { return mapValues(v.(*value.Map)) }, "object")
	}
	return nil
}

// call evaluates the arguments and calls a function with them.
func call(name string, nodes []node, v any) any {
	args := make([]any, len(nodes))
	for i, n := range nodes {
		if e, ok := n.(exprefNode); ok {
			args[i] = e
		} else {
			args[i] = n.eval(v)
		}
	}
	f := lookup(name)
	if f == nil {
		fail("Unknown function: %s()", name)
	}
	plural := "s"
	if len(f.params) == 1 {
		plural = ""
	}
	switch {
	case f.variadic && len(args) < len(f.params):
		fail("Expected at least %d argument%s for function %s(), received %d", len(f.params), plural, name, len(args))
	case !f.variadic && len(args) != len(f.params):
		fail("Expected %d argument%s for function %s(), received %d", len(f.params), plural, name, len(args))
	}
	for i, arg := range args {
		param := f.params[min(i, len(f.params)-1)]
		if _, ok := arg.(exprefNode); ok && param == "" {
			fail("Object of type _Expression is not JSON serializable")
		}
		if param != "" && !hasType(arg, strings.Split(param, "|")) {
			failType(name, arg, strings.Split(param, "|"))
		}
	}
	return f.run(args)
}

// failType does not show the value, as Python does: it may be a secret of the response.
func failType(name string, v any, want []string) {
	for i := range want {
		want[i] = "'" + want[i] + "'"
	}
	fail("In function %s(), invalid type for value, expected one of: [%s], received: \"%s\"",
		name, strings.Join(want, ", "), typeOf(v))
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case *value.Map:
		return "object"
	case exprefNode:
		return "expref"
	}
	return "number"
}

func hasType(v any, types []string) bool {
	for _, t := range types {
		whole, elements, _ := strings.Cut(t, "-")
		if typeOf(v) != whole {
			continue
		}
		if elements == "" || !slices.ContainsFunc(v.([]any), func(e any) bool { return typeOf(e) != elements }) {
			return true
		}
	}
	return false
}

func avg(v any) any {
	list := v.([]any)
	if len(list) == 0 {
		return nil
	}
	return value.Float(sum(v)) / float64(len(list))
}

func sum(v any) any {
	var total any = int64(0)
	for _, e := range v.([]any) {
		total = value.Add(total, e)
	}
	return total
}

func contains(subject, search any) any {
	if text, ok := subject.(string); ok {
		part, ok := search.(string)
		if !ok {
			fail("'in <string>' requires string as left operand, not %s", value.TypeName(search))
		}
		return strings.Contains(text, part)
	}
	return slices.ContainsFunc(subject.([]any), func(e any) bool { return value.Equal(e, search) })
}

func join(separator, list any) any {
	var parts []string
	for _, e := range list.([]any) {
		parts = append(parts, e.(string))
	}
	return strings.Join(parts, separator.(string))
}

func keys(v any) any {
	list := []any{}
	for _, m := range v.(*value.Map).Members() {
		list = append(list, m.Name)
	}
	return list
}

func length(v any) any {
	switch v := v.(type) {
	case string:
		return int64(utf8.RuneCountInString(v))
	case []any:
		return int64(len(v))
	case *value.Map:
		return int64(v.Len())
	}
	return nil
}

func mapEach(e, list any) any {
	mapped := []any{}
	for _, v := range list.([]any) {
		mapped = append(mapped, e.(exprefNode).expression.eval(v))
	}
	return mapped
}

// extreme returns the first largest (direction 1) or smallest (-1) element by the keys,
// which are the elements themselves unless given.
func extreme(list, by []any, direction int) any {
	if len(list) == 0 {
		return nil
	}
	if by == nil {
		by = list
	}
	operator := ">"
	if direction < 0 {
		operator = "<"
	}
	best := 0
	for i := range list {
		if i > 0 && compare(by[i], by[best], operator)*direction > 0 {
			best = i
		}
	}
	return list[best]
}

func extremeBy(list, e any, direction int, name string) any {
	return extreme(list.([]any), keysBy(list.([]any), e, name, "number", "string"), direction)
}

// keysBy evaluates an expression on each element. The results must be of one of the
// types.
func keysBy(list []any, e any, name string, types ...string) []any {
	by := make([]any, len(list))
	for i, v := range list {
		by[i] = e.(exprefNode).expression.eval(v)
		if !slices.Contains(types, typeOf(by[i])) {
			failType(name, by[i], slices.Clone(types))
		}
	}
	return by
}

func merge(args []any) any {
	merged := new(value.Map)
	for _, arg := range args {
		for _, m := range arg.(*value.Map).Members() {
			merged.Set(m.Name, m.Value)
		}
	}
	return merged
}

func notNull(args []any) any {
	for _, arg := range args {
		if arg != nil {
			return arg
		}
	}
	return nil
}

func reverse(v any) any {
	if text, ok := v.(string); ok {
		runes := []rune(text)
		slices.Reverse(runes)
		return string(runes)
	}
	list := slices.Clone(v.([]any))
	slices.Reverse(list)
	return list
}

// sorted returns the elements in the order of their keys; equal ones keep their order.
func sorted(list, by []any) any {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(by[a], by[b], "<") })
	result := make([]any, len(list))
	for i, at := range order {
		result[i] = list[at]
	}
	return result
}

func sortBy(v, e any) any {
	list := v.([]any)
	if len(list) == 0 {
		return list
	}
	first := e.(exprefNode).expression.eval(list[0])
	if t := typeOf(first); t != "string" && t != "number" {
		failType("sort_by", first, []string{"string", "number"})
	}
	return sorted(list, keysBy(list, e, "sort_by", typeOf(first)))
}

func toArray(v any) any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func toNumber(v any) any {
	text, ok := v.(string)
	if !ok {
		if value.IsNumber(v) {
			return v
		}
		return nil
	}
	if i, ok := value.ParseInt(text); ok {
		return i
	}
	// Python's float does not read hexadecimal numbers, Go's does.
	if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); !strings.ContainsAny(text, "xXpP") && (err == nil || math.IsInf(f, 0)) {
		return f
	}
	return nil
}

func toString(v any) any {
	if text, ok := v.(string); ok {
		return text
	}
	return string(value.JSON{ASCII: true, Tight: true}.Append(nil, v))
}
