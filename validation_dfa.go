package lambdamicrovms

// matchDFA reports whether the automaton in table accepts the whole of s.
//
// Tables are printed by internal/codegen/pattern. A state is a head byte, its
// number of edges with the top bit set if s may end here, and four bytes for
// each edge: the first and last symbol that take it, then the offset of the
// next state, high byte first. The first state is the start. A symbol is an
// ASCII character, or 0x80 for any other.
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
