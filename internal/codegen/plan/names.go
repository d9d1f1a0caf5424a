package plan

import (
	"fmt"
	"sort"
	"strings"
	"unicode"
)

// goName turns a wire name into an exported Go name.
func (p *planner) goName(wire string) string {
	name := UpperFirst(wire)
	for _, r := range p.plan.Rename {
		name = strings.ReplaceAll(name, r[0], r[1])
	}
	return name
}

// prose replaces wire names in documentation of the model by Go names.
func (p *planner) prose(doc string) string {
	for _, r := range p.plan.Rename {
		doc = strings.ReplaceAll(doc, r[0], r[1])
	}
	return doc
}

// enumName turns an enum value into a part of a constant's name: IN_PROGRESS becomes
// InProgress, ARM_64 becomes Arm64.
func enumName(value string) string {
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		if w == strings.ToUpper(w) {
			w = strings.ToLower(w)
		}
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// scope holds the names of one package or struct, and reports an error if a name is used
// twice.
type scope struct {
	name  string
	taken map[string]string
}

func newScope(name string) *scope { return &scope{name: name, taken: make(map[string]string)} }

func (s *scope) take(p *planner, name, what string) {
	if other, ok := s.taken[name]; ok {
		p.errorf("%s: %s and %s would both be called %s", s.name, other, what, name)
		return
	}
	s.taken[name] = what
}

// LowerFirst turns a name into an unexported one.
func LowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// UpperFirst turns a name into an exported one.
func UpperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func sortBy[T any](list []T, key func(T) string) {
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
}

func (p *planner) errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}
