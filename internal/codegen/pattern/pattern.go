// Package pattern turns the regular expressions of a Smithy model into Go source that
// matches without package regexp: nothing is compiled when a program starts, and nothing
// is allocated for a match.
//
// A pattern that is one repeated character class becomes a loop with a switch. Any other
// becomes the table of a minimal automaton for matchDFA, a function of the package that
// the source is for.
//
// Patterns are read with the syntax of package regexp (with \s as [\t\n\f\r ], and . as
// any character but a newline) and always cover the whole value, anchors or not. Automata
// do not distinguish characters beyond ASCII. So only a pattern of a single class may
// contain some of them, such as \p{L}, without the others.
package pattern

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// A Matcher is a compiled pattern.
type Matcher struct {
	pattern string
	dfa     *dfa
	rows    []string // the automaton's table
	class   *class   // nil unless the pattern is a single class
}

// Compile reads a pattern. Its errors name the pattern.
func Compile(pattern string) (*Matcher, error) {
	m, err := compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", strconv.Quote(pattern), err)
	}
	return m, nil
}

func compile(pattern string) (*Matcher, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	parsed = parsed.Simplify()
	m := &Matcher{pattern: pattern}
	if m.class, err = singleClass(parsed, pattern); err != nil {
		return nil, err
	}
	if m.class != nil {
		m.dfa = m.class.dfa()
		return m, nil
	}
	prog, err := syntax.Compile(parsed)
	if err != nil {
		return nil, err
	}
	if m.dfa, err = newDFA(prog); err != nil {
		return nil, err
	}
	m.rows, err = m.dfa.table()
	return m, err
}

// Match reports whether the pattern accepts the whole of s, like the printed source.
func (m *Matcher) Match(s string) bool {
	if m.class != nil {
		return m.class.match(s)
	}
	return m.dfa.match(s)
}

// Imports returns what the source needs to import, sorted.
func (m *Matcher) Imports() []string {
	if m.class != nil && m.class.some() {
		return []string{"unicode"}
	}
	return nil
}

// Source returns a function of the type func(string) bool with its comment, formatted as
// gofmt does.
func (m *Matcher) Source(funcName string) string {
	text := m.pattern
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl) {
		text = strconv.Quote(text)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "// %s reports whether s matches\n//\n//\t%s\n", funcName, text)
	fmt.Fprintf(&out, "func %s(s string) bool {\n", funcName)
	if m.class != nil {
		m.class.print(&out)
	} else {
		m.dfa.print(&out, m.rows)
	}
	out.WriteString("}\n")
	return out.String()
}

// symbols is the number of input symbols of automata: the ASCII characters, and other,
// which stands for all other characters.
const (
	other   = 0x80
	symbols = other + 1
)

// coverage reports whether a class, given as sorted pairs of runes, has all or none of
// the characters beyond ASCII.
func coverage(pairs []rune) (all, none bool) {
	none = len(pairs) == 0 || pairs[len(pairs)-1] < other
	if !none {
		all = pairs[len(pairs)-2] <= other && pairs[len(pairs)-1] == unicode.MaxRune
	}
	return all, none
}

var (
	errSome       = errors.New("a class that holds only some characters beyond ASCII must be the whole pattern")
	errAssertion  = errors.New(`only the anchors ^ and $ of the whole value are supported`)
	errTooComplex = errors.New("the automaton is too large")
)
