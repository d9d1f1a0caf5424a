package pattern

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"slices"
	"sort"
	"strings"
	"unicode"
)

// class is a pattern like ^[a-z]+$ or ^([a-z]*)$.
type class struct {
	pairs []rune // sorted pairs of first and last characters, as in regexp/syntax
	empty bool   // the empty string matches: * instead of +

	// For a class with some of the characters beyond ASCII: the Unicode tables that the
	// pattern names, and the pairs outside these tables.
	tables []string
	rest   []rune
}

// maxRest limits the pairs that are printed besides the tables.
const maxRest = 16

// singleClass returns nil if the pattern is not a repeated class.
func singleClass(re *syntax.Regexp, pattern string) (*class, error) {
	for re.Op == syntax.OpConcat || re.Op == syntax.OpCapture {
		subs := re.Sub
		for len(subs) > 1 && subs[0].Op == syntax.OpBeginText {
			subs = subs[1:]
		}
		for len(subs) > 1 && subs[len(subs)-1].Op == syntax.OpEndText {
			subs = subs[:len(subs)-1]
		}
		if len(subs) != 1 {
			return nil, nil
		}
		re = subs[0]
	}
	if re.Op != syntax.OpPlus && re.Op != syntax.OpStar {
		return nil, nil
	}
	c := &class{empty: re.Op == syntax.OpStar}
	for re = re.Sub[0]; re.Op == syntax.OpCapture; {
		re = re.Sub[0]
	}
	switch {
	case re.Op == syntax.OpCharClass:
		c.pairs = re.Rune
	case re.Op == syntax.OpLiteral && len(re.Rune) == 1 && re.Flags&syntax.FoldCase == 0:
		c.pairs = []rune{re.Rune[0], re.Rune[0]}
	case re.Op == syntax.OpAnyCharNotNL:
		c.pairs = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return nil, nil
	}
	if len(c.pairs) == 0 || len(c.pairs) == 2 && c.pairs[0] == 0 && c.pairs[1] == unicode.MaxRune {
		return nil, nil // no character, or any character: a loop is not needed
	}
	if c.some() {
		return c, c.explain(pattern)
	}
	return c, nil
}

// some reports whether the class holds some but not all of the characters beyond ASCII.
func (c *class) some() bool {
	all, none := coverage(c.pairs)
	return !all && !none
}

// explain finds the Unicode tables that the class consists of.
func (c *class) explain(pattern string) error {
	tableName := regexp.MustCompile(`\\p(?:\{(\w+)\}|([A-Z]))`)
	var named []*unicode.RangeTable
	for _, found := range tableName.FindAllStringSubmatch(pattern, -1) {
		name := found[1] + found[2]
		table, known := unicode.Categories[name]
		if !known {
			table, known = unicode.Scripts[name]
		}
		if !known || slices.Contains(c.tables, name) {
			continue
		}
		c.tables, named = append(c.tables, name), append(named, table)
	}
	for r := rune(other); r <= unicode.MaxRune; r++ {
		in, isNamed := c.has(r), unicode.In(r, named...)
		switch {
		case isNamed && !in:
			return fmt.Errorf("a class without \\p{%s} as a whole is not supported", strings.Join(c.tables, `} and \p{`))
		case !in || isNamed:
		case len(c.rest) > 0 && c.rest[len(c.rest)-1] == r-1:
			c.rest[len(c.rest)-1] = r
		default:
			c.rest = append(c.rest, r, r)
		}
	}
	if len(c.rest) > 2*maxRest {
		return errSome
	}
	return nil
}

func (c *class) has(r rune) bool {
	n := sort.Search(len(c.pairs)/2, func(i int) bool { return r <= c.pairs[2*i+1] })
	return 2*n < len(c.pairs) && c.pairs[2*n] <= r
}

func (c *class) match(s string) bool {
	for _, r := range s {
		if !c.has(r) {
			return false
		}
	}
	return c.empty || s != ""
}

// dfa returns the automaton of the class. Its symbol for characters beyond ASCII stands
// for those in the class.
func (c *class) dfa() *dfa {
	var loop row
	for s := range loop {
		loop[s] = dead
		_, none := coverage(c.pairs)
		if s < other && c.has(rune(s)) || s == other && !none {
			loop[s] = 1
		}
	}
	d := &dfa{next: []row{loop, loop}, accept: []bool{c.empty, true}}
	return d.minimal()
}

// print prints the loop. If the class has all characters beyond ASCII or none, it loops
// over bytes, because each byte of such a character decides alike.
func (c *class) print(out io.Writer) {
	all, _ := coverage(c.pairs)
	cases := c.asciiCases(!all)
	list := strings.Join(cases, ", ")
	switch {
	case c.some():
		fmt.Fprint(out, "\tfor _, c := range s {\n\t\tswitch {\n")
		if list != "" {
			list += ",\n\t\t\t"
		}
		list += c.beyondASCII()
	case !slices.ContainsFunc(cases, func(condition string) bool { return !strings.HasPrefix(condition, equal) }):
		fmt.Fprint(out, "\tfor i := 0; i < len(s); i++ {\n\t\tswitch s[i] {\n")
		list = strings.ReplaceAll(list, equal, "")
	default:
		fmt.Fprint(out, "\tfor i := 0; i < len(s); i++ {\n\t\tswitch c := s[i]; {\n")
	}
	if !all {
		list += ":\n\t\tdefault"
	}
	fmt.Fprintf(out, "\t\tcase %s:\n\t\t\treturn false\n\t\t}\n\t}\n", list)
	if c.empty {
		fmt.Fprint(out, "\treturn true\n")
	} else {
		fmt.Fprint(out, "\treturn s != \"\"\n")
	}
}

const equal = "c == "

// beyondASCII returns the condition for characters beyond ASCII, of a class with some of
// them.
func (c *class) beyondASCII() string {
	in := pairCases(c.rest)
	if len(c.tables) > 0 {
		in = append([]string{"unicode.In(c, unicode." + strings.Join(c.tables, ", unicode.") + ")"}, in...)
	}
	condition := strings.Join(in, " || ")
	if len(in) > 1 {
		condition = "(" + condition + ")"
	}
	return "c > unicode.MaxASCII && " + condition
}

// asciiCases returns the conditions for the ASCII characters in the class or, if in is
// false, outside of it. Letters come first.
func (c *class) asciiCases(in bool) []string {
	var cases []string
	for _, kind := range []func(rune) bool{isLower, isUpper, isDigit, isSign} {
		var pairs []rune
		for r := rune(0); r < other; r++ {
			switch {
			case c.has(r) != in || !kind(r):
			case len(pairs) > 0 && pairs[len(pairs)-1] == r-1:
				pairs[len(pairs)-1] = r
			default:
				pairs = append(pairs, r, r)
			}
		}
		cases = append(cases, pairCases(pairs)...)
	}
	return cases
}

func isLower(r rune) bool { return 'a' <= r && r <= 'z' }
func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }
func isDigit(r rune) bool { return '0' <= r && r <= '9' }
func isSign(r rune) bool  { return !isLower(r) && !isUpper(r) && !isDigit(r) }

func pairCases(pairs []rune) []string {
	var cases []string
	for i := 0; i < len(pairs); i += 2 {
		switch first, last := pairs[i], pairs[i+1]; {
		case first == 0:
			cases = append(cases, fmt.Sprintf("c <= %q", last))
		case first == last:
			cases = append(cases, fmt.Sprintf(equal+"%q", first))
		case first+1 == last:
			cases = append(cases, fmt.Sprintf(equal+"%q", first), fmt.Sprintf(equal+"%q", last))
		default:
			cases = append(cases, fmt.Sprintf("%q <= c && c <= %q", first, last))
		}
	}
	return cases
}
