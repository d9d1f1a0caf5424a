package pattern

import (
	"fmt"
	"io"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// dfa is an automaton that starts in state 0.
type dfa struct {
	next   []row
	accept []bool
}

// row holds the next state for each symbol.
type row [symbols]int

// dead is the state that accepts nothing.
const dead = -1

func symbolOf(r rune) int { return int(min(r, other)) }

func (d *dfa) match(s string) bool {
	state := 0
	for _, r := range s {
		if state = d.next[state][symbolOf(r)]; state == dead {
			return false
		}
	}
	return d.accept[state]
}

// maxStates limits the work, and the size of a table, whose offsets have sixteen bits.
const maxStates = 1000

// newDFA runs the subset construction over the program of a pattern.
func newDFA(prog *syntax.Prog) (*dfa, error) {
	steps := make([]*[symbols]bool, len(prog.Inst))
	for pc := range prog.Inst {
		step, err := symbolsOf(&prog.Inst[pc])
		if err != nil {
			return nil, err
		}
		steps[pc] = step
	}

	d := &dfa{}
	numbers := map[string]int{}
	var sets [][]uint32
	number := func(set []uint32) (int, error) {
		if len(set) == 0 {
			return dead, nil
		}
		slices.Sort(set)
		key := fmt.Sprint(set)
		if known, ok := numbers[key]; ok {
			return known, nil
		}
		if len(sets) == maxStates {
			return dead, errTooComplex
		}
		numbers[key] = len(sets)
		sets = append(sets, set)
		return len(sets) - 1, nil
	}

	// The start state is not in numbers: no edge may lead back to it, since ^ holds only
	// there.
	sets = append(sets, []uint32{uint32(prog.Start)})
	for state := 0; state < len(sets); state++ {
		var here syntax.EmptyOp
		if state == 0 {
			here = syntax.EmptyBeginText
		}
		atEnd := closure(prog, sets[state], here|syntax.EmptyEndText)
		d.accept = append(d.accept, slices.ContainsFunc(atEnd, func(pc uint32) bool { return prog.Inst[pc].Op == syntax.InstMatch }))

		inside := closure(prog, sets[state], here)
		var next row
		for symbol := range next {
			var set []uint32
			for _, pc := range inside {
				if step := steps[pc]; step != nil && step[symbol] && !slices.Contains(set, prog.Inst[pc].Out) {
					set = append(set, prog.Inst[pc].Out)
				}
			}
			var err error
			if next[symbol], err = number(set); err != nil {
				return nil, err
			}
		}
		d.next = append(d.next, next)
	}
	return d.minimal(), nil
}

// symbolsOf returns the symbols that an instruction consumes, nil for one that consumes
// nothing.
func symbolsOf(inst *syntax.Inst) (*[symbols]bool, error) {
	switch inst.Op {
	case syntax.InstEmptyWidth:
		if syntax.EmptyOp(inst.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil, errAssertion
		}
		return nil, nil
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
	default:
		return nil, nil
	}

	pairs := inst.Rune
	switch inst.Op {
	case syntax.InstRuneAny, syntax.InstRuneAnyNotNL: // the pattern "." excludes one of them, the newline
		pairs = []rune{0, unicode.MaxRune}
	default:
		if len(pairs) == 1 { // a literal, perhaps in both cases
			pairs = nil
			for r, first := inst.Rune[0], inst.Rune[0]; ; {
				pairs = append(pairs, r, r)
				if r = unicode.SimpleFold(r); r == first || syntax.Flags(inst.Arg)&syntax.FoldCase == 0 {
					break
				}
			}
			slices.Sort(pairs)
		}
	}
	all, none := coverage(pairs)
	if !all && !none {
		return nil, errSome
	}
	var step [symbols]bool
	for r := rune(0); r < other; r++ {
		step[r] = inst.MatchRune(r)
	}
	step[other] = all
	return &step, nil
}

// closure returns the instructions that are reachable without consuming a character, at a
// position where the assertions in hold are true.
func closure(prog *syntax.Prog, set []uint32, hold syntax.EmptyOp) []uint32 {
	var reached []uint32
	var visit func(pc uint32)
	visit = func(pc uint32) {
		if slices.Contains(reached, pc) {
			return
		}
		reached = append(reached, pc)
		switch inst := &prog.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			visit(inst.Out)
			visit(inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			visit(inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^hold == 0 {
				visit(inst.Out)
			}
		}
	}
	for _, pc := range set {
		visit(pc)
	}
	return reached
}

// minimal merges equivalent states and drops those that accept nothing. It numbers states
// in the order of a search from the start.
func (d *dfa) minimal() *dfa {
	// A block is a set of states that are not distinguished yet. Split blocks until none
	// can be split.
	blocks := make([]int, len(d.next))
	for state, accept := range d.accept {
		if accept {
			blocks[state] = 1
		}
	}
	for count := 0; ; {
		type signature struct {
			block int
			next  row // with blocks instead of states
		}
		known := map[signature]int{}
		refined := make([]int, len(blocks))
		for state, next := range d.next {
			for symbol, to := range next {
				if to != dead {
					next[symbol] = blocks[to]
				}
			}
			key := signature{blocks[state], next}
			if _, ok := known[key]; !ok {
				known[key] = len(known)
			}
			refined[state] = known[key]
		}
		blocks = refined
		if len(known) == count {
			break
		}
		count = len(known)
	}

	alive := d.finish()
	small := &dfa{}
	numbers := map[int]int{} // of blocks
	var states []int         // one state of each block
	number := func(state int) int {
		if state == dead || alive[state] == nil {
			return dead
		}
		block := blocks[state]
		if _, ok := numbers[block]; !ok {
			numbers[block] = len(states)
			states = append(states, state)
		}
		return numbers[block]
	}
	if number(0) == dead { // a pattern that accepts nothing
		states = append(states, 0)
	}
	for i := 0; i < len(states); i++ {
		var next row
		for symbol, to := range d.next[states[i]] {
			next[symbol] = number(to)
		}
		small.next = append(small.next, next)
		small.accept = append(small.accept, d.accept[states[i]])
	}
	return small
}

// finish returns, for each state, the symbols of a shortest path to an accepting state.
// It is empty but not nil for an accepting state, and nil if there is no path.
func (d *dfa) finish() [][]int {
	ways := make([][]int, len(d.next))
	for state, accept := range d.accept {
		if accept {
			ways[state] = []int{}
		}
	}
	for length, grown := 0, true; grown; length++ {
		grown = false
		for state, next := range d.next {
			if ways[state] != nil {
				continue
			}
			for _, symbol := range preferred() {
				if to := next[symbol]; to != dead && ways[to] != nil && len(ways[to]) == length {
					ways[state] = append([]int{symbol}, ways[to]...)
					grown = true
					break
				}
			}
		}
	}
	return ways
}

// edges returns the transitions of a state, as runs of symbols that lead to the same
// state.
func (d *dfa) edges(state int) []edge {
	var edges []edge
	for symbol, to := range d.next[state] {
		switch last := len(edges) - 1; {
		case to == dead:
		case last >= 0 && edges[last].to == to && edges[last].last == symbol-1:
			edges[last].last = symbol
		default:
			edges = append(edges, edge{symbol, symbol, to})
		}
	}
	return edges
}

type edge struct{ first, last, to int }

// table encodes the automaton for matchDFA.
func (d *dfa) table() (rows []string, err error) {
	offsets, offset := make([]int, len(d.next)), 0
	for state := range d.next {
		offsets[state] = offset
		offset += 1 + 4*len(d.edges(state))
	}
	if offset > 1<<16 {
		return nil, errTooComplex
	}
	for state, accept := range d.accept {
		edges := d.edges(state)
		head := len(edges) // below 128, because neighboring edges lead to different states
		if accept {
			head |= 0x80
		}
		encoded := []byte{byte(head)}
		for _, e := range edges {
			encoded = append(encoded, byte(e.first), byte(e.last), byte(offsets[e.to]>>8), byte(offsets[e.to]))
		}
		rows = append(rows, string(encoded))
	}
	return rows, nil
}

// print prints the table, several states to a line.
func (d *dfa) print(out io.Writer, rows []string) {
	fmt.Fprint(out, "\tconst table = \"\"")
	var line strings.Builder
	flush := func() {
		fmt.Fprintf(out, " +\n\t\t\"%s\"", line.String())
		line.Reset()
	}
	for _, encoded := range rows {
		var text strings.Builder
		for _, b := range []byte(encoded) {
			switch {
			case b == '"' || b == '\\':
				text.WriteString("\\" + string(rune(b)))
			case ' ' <= b && b <= '~':
				text.WriteByte(b)
			default:
				fmt.Fprintf(&text, "\\x%02x", b)
			}
		}
		if line.Len() > 0 && line.Len()+text.Len() > 110 {
			flush()
		}
		line.WriteString(text.String())
	}
	flush()
	fmt.Fprint(out, "\n\treturn matchDFA(table, s)\n")
}
