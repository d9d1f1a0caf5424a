// Package jmespath evaluates JMESPath expressions with the results of Python's jmespath
// 1.x, which the AWS CLI prints: hashes and keys in the order in which they are written,
// integers of any size, strings ordered by < and >, and no grammar beyond that version's.
package jmespath

import (
	"errors"
	"fmt"
	"math"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct{ root node }

// Search evaluates the expression on a document. The result may share parts with it.
func (e *Expression) Search(document any) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(evaluationError)
			if !ok {
				panic(p)
			}
			result, err = nil, failed.error
		}
	}()
	return e.root.eval(document), nil
}

// evaluationError is the panic value that unwinds an evaluation.
type evaluationError struct{ error }

func fail(format string, args ...any) { panic(evaluationError{fmt.Errorf(format, args...)}) }

type node interface{ eval(v any) any }

// eval is called where an expression is not the argument of a function.
func (n exprefNode) eval(any) any {
	fail("Object of type _Expression is not JSON serializable")
	return nil
}

type (
	identityNode        struct{}
	literalNode         struct{ value any }
	fieldNode           string
	indexNode           struct{ index any }
	sliceNode           struct{ parts [3]any }
	flattenNode         struct{ base node }
	pipeNode            struct{ left, right node }
	projectionNode      struct{ base, each node }
	valueProjectionNode struct{ base, each node }
	filterNode          struct{ base, each, condition node }
	multiListNode       []node
	multiHashNode       []pair
	pair                struct {
		name  string
		value node
	}
	orNode         struct{ left, right node }
	andNode        struct{ left, right node }
	notNode        struct{ operand node }
	comparatorNode struct {
		operator    kind
		left, right node
	}
	exprefNode   struct{ expression node }
	functionNode struct {
		name string
		args []node
	}
)

func (identityNode) eval(v any) any     { return v }
func (n literalNode) eval(any) any      { return n.value }
func (n pipeNode) eval(v any) any       { return n.right.eval(n.left.eval(v)) }
func (n functionNode) eval(v any) any   { return call(n.name, n.args, v) }
func (n projectionNode) eval(v any) any { return project(n.base.eval(v), n.each, nil) }
func (n filterNode) eval(v any) any     { return project(n.base.eval(v), n.each, n.condition) }

func (n fieldNode) eval(v any) any {
	if m, ok := v.(*value.Map); ok {
		member, _ := m.Get(string(n))
		return member
	}
	return nil
}

func (n indexNode) eval(v any) any {
	list, ok := v.([]any)
	i, fits := n.index.(int64)
	if !ok || !fits {
		return nil
	}
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return nil
	}
	return list[i]
}

// bound returns a part of a slice, within the range of lists.
func bound(part any) int {
	f := value.Float(part)
	return int(max(-math.MaxInt32, min(math.MaxInt32, f)))
}

func (n sliceNode) eval(v any) any {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	step := 1
	if n.parts[2] != nil {
		step = bound(n.parts[2])
	}
	if step == 0 {
		panic(evaluationError{errors.New("slice step cannot be zero")})
	}
	low, high := 0, len(list)
	if step < 0 {
		low, high = -1, len(list)-1
	}
	limit := func(part any, otherwise int) int {
		if part == nil {
			return otherwise
		}
		i := bound(part)
		if i < 0 {
			i += len(list)
		}
		return max(low, min(high, i))
	}
	start, stop := limit(n.parts[0], low), limit(n.parts[1], high)
	if step < 0 {
		start, stop = limit(n.parts[0], high), limit(n.parts[1], low)
	}
	part := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		part = append(part, list[i])
	}
	return part
}

func (n flattenNode) eval(v any) any {
	list, ok := n.base.eval(v).([]any)
	if !ok {
		return nil
	}
	merged := []any{}
	for _, e := range list {
		if inner, ok := e.([]any); ok {
			merged = append(merged, inner...)
		} else {
			merged = append(merged, e)
		}
	}
	return merged
}

// project evaluates each on the elements that meet the condition, and leaves out nulls.
func project(base any, each, condition node) any {
	list, ok := base.([]any)
	if !ok {
		return nil
	}
	collected := []any{}
	for _, e := range list {
		if condition != nil && isFalse(condition.eval(e)) {
			continue
		}
		if v := each.eval(e); v != nil {
			collected = append(collected, v)
		}
	}
	return collected
}

func (n valueProjectionNode) eval(v any) any {
	m, ok := n.base.eval(v).(*value.Map)
	if !ok {
		return nil
	}
	return project(mapValues(m), n.each, nil)
}

func mapValues(m *value.Map) []any {
	list := []any{}
	for _, member := range m.Members() {
		list = append(list, member.Value)
	}
	return list
}

func (n multiListNode) eval(v any) any {
	if v == nil {
		return nil
	}
	list := make([]any, len(n))
	for i, e := range n {
		list[i] = e.eval(v)
	}
	return list
}

func (n multiHashNode) eval(v any) any {
	if v == nil {
		return nil
	}
	m := new(value.Map)
	for _, p := range n {
		m.Set(p.name, p.value.eval(v))
	}
	return m
}

func (n orNode) eval(v any) any {
	if left := n.left.eval(v); !isFalse(left) {
		return left
	}
	return n.right.eval(v)
}

func (n andNode) eval(v any) any {
	if left := n.left.eval(v); isFalse(left) {
		return left
	}
	return n.right.eval(v)
}

func (n notNode) eval(v any) any {
	return isFalse(n.operand.eval(v))
}

func isFalse(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *value.Map:
		return v.Len() == 0
	}
	return false
}

func (n comparatorNode) eval(v any) any {
	left, right := n.left.eval(v), n.right.eval(v)
	switch n.operator {
	case eq:
		return equals(left, right)
	case ne:
		return !equals(left, right)
	}
	if !comparable(left) || !comparable(right) {
		return nil
	}
	order := compare(left, right, operatorText(n.operator))
	switch n.operator {
	case lt:
		return order < 0
	case lte:
		return order <= 0
	case gt:
		return order > 0
	}
	return order >= 0
}

func operatorText(k kind) string {
	return map[kind]string{lt: "<", lte: "<=", gt: ">", gte: ">="}[k]
}

func comparable(v any) bool { _, isString := v.(string); return isString || value.IsNumber(v) }

func compare(left, right any, operator string) int {
	order, ok := value.Compare(left, right)
	if !ok {
		fail("'%s' not supported between instances of '%s' and '%s'", operator, value.TypeName(left), value.TypeName(right))
	}
	return order
}

// equals is Python's equality, except that a bool is not a number.
func equals(left, right any) bool {
	_, leftBool := left.(bool)
	_, rightBool := right.(bool)
	if leftBool != rightBool {
		return false
	}
	if _, ok := left.(exprefNode); ok {
		return false
	}
	return value.Equal(left, right)
}
