package value

import (
	"math"
	"math/big"
	"strings"
)

// IsNumber reports whether v is an integer or a float.
func IsNumber(v any) bool {
	switch v.(type) {
	case int64, *big.Int, float64:
		return true
	}
	return false
}

// Equal reports whether two documents are equal in Python, where true is 1 and 1 is 1.0.
func Equal(a, b any) bool {
	a, b = unbool(a), unbool(b)
	switch x := a.(type) {
	case nil:
		return b == nil
	case string:
		y, ok := b.(string)
		return ok && x == y
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !Equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case *Map:
		y, ok := b.(*Map)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for _, m := range x.Members() {
			if other, ok := y.Get(m.Name); !ok || !Equal(m.Value, other) {
				return false
			}
		}
		return true
	}
	order, ok := Compare(a, b)
	return ok && order == 0
}

func unbool(v any) any {
	switch v {
	case true:
		return int64(1)
	case false:
		return int64(0)
	}
	return v
}

// Compare orders two numbers, or two strings by code point. It fails for anything else,
// and for what is not a number.
func Compare(a, b any) (order int, ok bool) {
	if x, isString := a.(string); isString {
		y, isString := b.(string)
		return strings.Compare(x, y), isString
	}
	if !IsNumber(a) || !IsNumber(b) || isNaN(a) || isNaN(b) {
		return 0, false
	}
	return exact(a).Cmp(exact(b)), true
}

func isNaN(v any) bool { f, ok := v.(float64); return ok && math.IsNaN(f) }

// exact returns a number without rounding.
func exact(v any) *big.Float {
	f := new(big.Float)
	switch v := v.(type) {
	case int64:
		return f.SetInt64(v)
	case *big.Int:
		return f.SetInt(v)
	case float64:
		return f.SetFloat64(v)
	}
	return f
}

// Float returns a number as a float.
func Float(v any) float64 { f, _ := exact(v).Float64(); return f }

// Add adds two numbers: integers exactly.
func Add(a, b any) any {
	x, y := bigInt(a), bigInt(b)
	if x == nil || y == nil {
		return Float(a) + Float(b)
	}
	return Int(x.Add(x, y))
}

// bigInt returns a copy of an integer, nil for a float.
func bigInt(v any) *big.Int {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v)
	case *big.Int:
		return new(big.Int).Set(v)
	}
	return nil
}

// Abs returns the absolute value of a number.
func Abs(v any) any {
	if i := bigInt(v); i != nil {
		return Int(i.Abs(i))
	}
	return math.Abs(Float(v))
}

// Round rounds a number to an integer by math.Floor or math.Ceil. Infinity stays.
func Round(v any, round func(float64) float64) any {
	f, ok := v.(float64)
	if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
		return v
	}
	i, _ := big.NewFloat(round(f)).Int(nil)
	return Int(i)
}
