package lambdamicrovms

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Validators are pooled, because calls through an interface move them to the heap.
var validators = sync.Pool{New: func() any { return new(validator) }}

// validator checks one input. Generated code calls its methods and the generic functions
// below, once for each constrained member. They allocate nothing unless a rule is broken.
type validator struct {
	requiredOnly bool
	anyEnum      bool
	path         []place // of the current structure
	found        []*ConstraintError
}

// place is one step of a path: a member and perhaps an item of it.
type place struct {
	name  string
	key   string // of a map entry
	index int    // of a list item
	kind  placeKind
}

type placeKind uint8

const (
	inMember placeKind = iota
	inList
	inMap
)

func (p place) appendTo(path string) string {
	path = joinPath(path, p.name)
	switch p.kind {
	case inList:
		path += "[" + strconv.Itoa(p.index) + "]"
	case inMap:
		path += "[" + strconv.Quote(cut(p.key, maxKeyText)) + "]"
	}
	return path
}

// within runs a check inside a structure or a union.
func (v *validator) within(at place, check func()) {
	v.path = append(v.path, at)
	check()
	last := len(v.path) - 1
	v.path[last] = place{} // a pooled validator must not keep the input alive
	v.path = v.path[:last]
}

func (v *validator) fail(at place, violation ConstraintError) {
	for _, step := range v.path {
		violation.Path = step.appendTo(violation.Path)
	}
	violation.Path = at.appendTo(violation.Path)
	v.found = append(v.found, &violation)
}

// presence says whether a member must be set.
type presence bool

const (
	optional presence = false
	required presence = true
)

// has reports whether a member is set, so that its value can be checked. If the member is
// required and not set, has records a violation.
func (v *validator) has(name string, set bool, need presence) bool {
	if !set && need == required {
		v.fail(place{name: name}, ConstraintError{Rule: RuleRequired})
	}
	return set
}

// present checks a required member that has no other rules.
func (v *validator) present(name string, set bool) { v.has(name, set, required) }

// stringRule holds the rules of a string. The zero value allows everything.
type stringRule struct {
	min, max int               // code points; max 0: no limit
	match    func(string) bool // nil: no pattern
	pattern  string            // the source of match, for errors
	secret   bool              // the value is sensitive
}

func (v *validator) string(name string, s *string, need presence, rule *stringRule) {
	if v.has(name, s != nil, need) {
		v.text(place{name: name}, *s, rule, false)
	}
}

// text checks a string, or a map key.
func (v *validator) text(at place, s string, rule *stringRule, key bool) {
	if v.requiredOnly || rule == nil {
		return
	}
	// A code point takes one to four bytes, so the length in bytes often decides without
	// counting.
	if n := len(s); n < rule.min || rule.min > 1 && n/utf8.UTFMax < rule.min || rule.max > 0 && n > rule.max {
		n = utf8.RuneCountInString(s)
		if n < rule.min || rule.max > 0 && n > rule.max {
			v.fail(at, ConstraintError{Rule: RuleLength, Key: key, Limit: sizeText(rule.min, rule.max, "character", "characters"), Given: strconv.Itoa(n)})
		}
	}
	if rule.match != nil && !rule.match(s) {
		given := redact.Text
		if !rule.secret {
			given = quoted(s)
		}
		v.fail(at, ConstraintError{Rule: RulePattern, Key: key, Limit: rule.pattern, Given: given})
	}
}

func quoted(s string) string { return strconv.Quote(cut(s, maxValueText)) }

// matchDFA reports whether the automaton in table accepts the whole of s.
//
// Tables are printed by internal/codegen/pattern. A state is a head byte and four bytes
// for each edge. The head byte is the number of edges, with the top bit set if s may end
// here. An edge is the first and last symbol that take it, then the offset of the next
// state, high byte first. A symbol is an ASCII character, or 0x80 for any other. The
// first state in the table is the start.
func matchDFA(table, s string) bool {
	state := 0
next:
	for _, r := range s {
		symbol := byte(min(r, 0x80))
		edges := int(table[state] & 0x7f)
		for at := state + 1; edges > 0; at, edges = at+4, edges-1 {
			if table[at] <= symbol && symbol <= table[at+1] {
				state = int(table[at+2])<<8 | int(table[at+3])
				continue next
			}
		}
		return false
	}
	return table[state]&0x80 != 0
}

// sizeText returns the words for the bounds of a length or size. If most is 0 there is no
// upper bound.
func sizeText(least, most int, unit, units string) string {
	var text string
	count := most
	switch {
	case most == 0:
		count, text = least, fmt.Sprintf("at least %d ", least)
	case least == 0:
		text = fmt.Sprintf("at most %d ", most)
	case least == most:
		text = fmt.Sprintf("exactly %d ", most)
	default:
		text = fmt.Sprintf("%d to %d ", least, most)
	}
	if count == 1 {
		return text + unit
	}
	return text + units
}

// rangeRule holds the bounds of a number, both inclusive.
type rangeRule struct{ min, max int64 }

// The values of a bound that is not set.
const (
	noMin = -1 << 63
	noMax = 1<<63 - 1
)

func (v *validator) int32(name string, n *int32, need presence, rule *rangeRule) {
	if v.has(name, n != nil, need) {
		v.number(name, int64(*n), rule)
	}
}

func (v *validator) int64(name string, n *int64, need presence, rule *rangeRule) {
	if v.has(name, n != nil, need) {
		v.number(name, *n, rule)
	}
}

func (v *validator) number(name string, n int64, rule *rangeRule) {
	if v.requiredOnly || rule.min <= n && n <= rule.max {
		return
	}
	var limit string
	switch {
	case rule.max == noMax:
		limit = fmt.Sprintf("at least %d", rule.min)
	case rule.min == noMin:
		limit = fmt.Sprintf("at most %d", rule.max)
	default:
		limit = fmt.Sprintf("%d to %d", rule.min, rule.max)
	}
	v.fail(place{name: name}, ConstraintError{Rule: RuleRange, Limit: limit, Given: strconv.FormatInt(n, 10)})
}

// enumRule holds the values that the model knows, in its order.
type enumRule []string

func (v *validator) enum(name string, value string, need presence, rule enumRule) {
	if v.has(name, value != "", need) {
		v.oneOf(place{name: name}, value, rule)
	}
}

func (v *validator) oneOf(at place, value string, rule enumRule) {
	if v.requiredOnly || v.anyEnum || slices.Contains(rule, value) {
		return
	}
	limit := strings.Join(rule, ", ")
	if len(rule) > 1 {
		limit = "one of " + limit
	}
	v.fail(at, ConstraintError{Rule: RuleEnum, Limit: limit, Given: quoted(value)})
}

// sizeRule holds the bounds of a list's or map's size. The zero value allows everything.
type sizeRule struct{ min, max int } // max 0: no limit

func (v *validator) size(name string, n int, set bool, need presence, rule sizeRule, unit, units string) {
	if v.has(name, set, need) && !v.requiredOnly && (n < rule.min || rule.max > 0 && n > rule.max) {
		v.fail(place{name: name}, ConstraintError{Rule: RuleSize, Limit: sizeText(rule.min, rule.max, unit, units), Given: strconv.Itoa(n)})
	}
}

// strings checks a list of strings; a nil rule allows all of them.
func (v *validator) strings(name string, list []string, need presence, size sizeRule, rule *stringRule) {
	v.size(name, len(list), list != nil, need, size, "item", "items")
	for i, s := range list {
		v.text(place{name: name, index: i, kind: inList}, s, rule, false)
	}
}

// stringMap checks a map of strings; a nil rule allows all keys or values.
func (v *validator) stringMap(name string, entries map[string]string, need presence, size sizeRule, key, value *stringRule) {
	v.size(name, len(entries), entries != nil, need, size, "entry", "entries")
	entry := func(k string) {
		at := place{name: name, key: k, kind: inMap}
		v.text(at, k, key, true)
		v.text(at, entries[k], value, false)
	}
	before := len(v.found)
	for k := range entries {
		entry(k)
	}
	if len(v.found) > before { // again in sorted order, so that errors are deterministic
		v.found = v.found[:before]
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			entry(k)
		}
	}
}

// enums checks a list of enum values. The empty string is not a value of any enum.
func enums[S ~string](v *validator, name string, list []S, need presence, size sizeRule, rule enumRule) {
	v.size(name, len(list), list != nil, need, size, "item", "items")
	for i, value := range list {
		v.oneOf(place{name: name, index: i, kind: inList}, string(value), rule)
	}
}

// The generic functions below are compiled once for each type, so they leave the work to
// functions that are not.

// nested checks a structure.
func nested[T any](v *validator, name string, s *T, need presence, check func(*validator, *T)) {
	if v.has(name, s != nil, need) {
		v.within(place{name: name}, func() { check(v, s) })
	}
}

// structs checks a list of structures; a nil check allows all of them.
func structs[T any](v *validator, name string, list []T, need presence, size sizeRule, check func(*validator, *T)) {
	v.size(name, len(list), list != nil, need, size, "item", "items")
	if check == nil {
		return
	}
	for i := range list {
		v.within(place{name: name, index: i, kind: inList}, func() { check(v, &list[i]) })
	}
}

// union checks a union; U is its interface.
func union[U any](v *validator, name string, u U, need presence, check func(*validator, U)) {
	if v.has(name, any(u) != nil, need) {
		checkUnion(v, place{name: name}, u, check)
	}
}

// unions checks a list of unions.
func unions[U any](v *validator, name string, list []U, need presence, size sizeRule, check func(*validator, U)) {
	v.size(name, len(list), list != nil, need, size, "item", "items")
	for i, u := range list {
		checkUnion(v, place{name: name, index: i, kind: inList}, u, check)
	}
}

// checkUnion rejects a nil union or member itself. Otherwise check validates the member
// that is set, or calls unknownMember.
func checkUnion[U any](v *validator, at place, u U, check func(*validator, U)) {
	v.within(at, func() {
		if v.someMember(u) {
			check(v, u)
		}
	})
}

func (v *validator) someMember(u any) bool {
	member := reflect.ValueOf(u)
	if !member.IsValid() || member.Kind() == reflect.Pointer && member.IsNil() {
		v.noMember("none")
		return false
	}
	return true
}

// unknownMember rejects the current union, whose member the model does not know.
func (v *validator) unknownMember(u any) {
	if unknown, ok := u.(*types.UnknownUnionMember); ok {
		v.noMember(quoted(unknown.Tag))
		return
	}
	v.noMember(fmt.Sprintf("%T", u))
}

func (v *validator) noMember(given string) {
	if !v.requiredOnly {
		v.fail(place{}, ConstraintError{Rule: RuleUnion, Limit: "exactly one member of the model", Given: given})
	}
}
