package pattern

import (
	"slices"
	"strings"
	"sync"
)

// preferred lists the symbols in order of readability in an example.
var preferred = sync.OnceValue(func() []int {
	all := make([]int, symbols)
	for symbol := range all {
		all[symbol] = symbol
	}
	slices.SortStableFunc(all, func(a, b int) int { return rank(a) - rank(b) })
	return all
})

func rank(symbol int) int {
	switch r := rune(symbol); {
	case isLower(r):
		return 0
	case isUpper(r), isDigit(r):
		return 1
	case ' ' < r && r < 0x7f:
		return 2
	case r == other:
		return 3
	default:
		return 4
	}
}

// beyond are the characters beyond ASCII that examples use.
var beyond = []rune{'é', '\u00a0', '²', 'Ⅷ', '世', '€', '\u2028', '😀'}

// symbolText returns a character for a symbol. For other it returns one that is in the
// pattern's class.
func (m *Matcher) symbolText(symbol int) string {
	if symbol < other {
		return string(rune(symbol))
	}
	if m.class != nil {
		for _, r := range append(slices.Clone(beyond), m.class.rest...) {
			if m.class.has(r) {
				return string(r)
			}
		}
		for r := rune(other); ; r++ {
			if m.class.has(r) {
				return string(r)
			}
		}
	}
	return string(beyond[0])
}

// Example returns a string of exactly length characters that the pattern accepts, if
// there is one. The same arguments give the same string.
func (m *Matcher) Example(length int) (string, bool) {
	d := m.dfa
	edges := make([][]edge, len(d.next))
	for state := range edges {
		edges[state] = d.edges(state)
	}
	// ends[n][state]: n more characters can lead to an accepting state.
	ends := [][]bool{d.accept}
	for n := 1; n <= length; n++ {
		ways := make([]bool, len(d.next))
		for state := range ways {
			ways[state] = slices.ContainsFunc(edges[state], func(e edge) bool { return ends[n-1][e.to] })
		}
		ends = append(ends, ways)
	}
	if !ends[length][0] {
		return "", false
	}
	var text strings.Builder
	state := 0
	for n := length; n > 0; n-- {
		for _, symbol := range preferred() {
			if to := d.next[state][symbol]; to != dead && ends[n-1][to] {
				text.WriteString(m.symbolText(symbol))
				state = to
				break
			}
		}
	}
	return text.String(), true
}

// Examples returns strings that just match the pattern and strings that just do not,
// sorted. Those inside use every edge of the automaton, with the first and last character
// of its range. Those outside fail at every state: by a character next to a range, by one
// beyond ASCII, or by ending too early.
func (m *Matcher) Examples() (inside, outside []string) {
	d := m.dfa
	finish := d.finish()
	add := func(s string) {
		if m.Match(s) {
			inside = append(inside, s)
		} else {
			outside = append(outside, s)
		}
	}
	text := func(symbols []int) string {
		var out strings.Builder
		for _, symbol := range symbols {
			out.WriteString(m.symbolText(symbol))
		}
		return out.String()
	}

	reach := map[int]string{0: ""}
	for queue := []int{0}; len(queue) > 0; queue = queue[1:] {
		state := queue[0]
		before, after := reach[state], text(finish[state])
		add(before)
		add(before + after)
		for _, r := range beyond {
			add(before + string(r) + after)
		}
		for _, e := range d.edges(state) {
			for _, symbol := range []int{e.first, e.last} {
				add(before + m.symbolText(symbol) + text(finish[e.to]))
			}
			for _, symbol := range []int{e.first - 1, e.last + 1} {
				if 0 <= symbol && symbol < other {
					add(before + string(rune(symbol)) + after)
				}
			}
		}
		for _, symbol := range preferred() {
			to := d.next[state][symbol]
			if _, seen := reach[to]; to != dead && !seen {
				reach[to] = before + m.symbolText(symbol)
				queue = append(queue, to)
			}
		}
	}
	return tidy(inside), tidy(outside)
}

func tidy(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// Examples compiles a pattern and returns its examples.
func Examples(pattern string) (inside, outside []string, err error) {
	m, err := Compile(pattern)
	if err != nil {
		return nil, nil, err
	}
	inside, outside = m.Examples()
	return inside, outside, nil
}
