package plan

import (
	"fmt"
	"sort"
	"strings"
	"unicode"
)

// goName makes an exported Go name of a wire name.
func (p *planner) goName(wire string) string {
	name := UpperFirst(wire)
	for _, r := range p.plan.Rename {
		name = strings.ReplaceAll(name, r[0], r[1])
	}
	return name
}

// prose puts Go names into documentation where the model says wire names.
func (p *planner) prose(doc string) string {
	for _, r := range p.plan.Rename {
		doc = strings.ReplaceAll(doc, r[0], r[1])
	}
	return doc
}

// enumName makes the part of a constant's name that stands for its value: IN_PROGRESS is InProgress, ARM_64 is Arm64.
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

// scope holds the names of one package (or one struct) and refuses to give one away twice.
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

// LowerFirst makes an unexported name.
func LowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// UpperFirst makes an exported name.
func UpperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func sortBy[T any](list []T, key func(T) string) {
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
}

func (p *planner) errorf(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}
