package bench

import (
	"maps"
	"testing"
)

// Each comes first, and follows each other, equally often.
func TestTurns(t *testing.T) {
	const n = 4
	first, after := map[int]int{}, map[[2]int]int{}
	for round := range 2 * n {
		seen := map[int]bool{}
		for i := range n {
			who := turn(round, i, n)
			seen[who] = true
			if i == 0 {
				first[who]++
			} else {
				after[[2]int{turn(round, i-1, n), who}]++
			}
		}
		if len(seen) != n {
			t.Errorf("round %d: only %v", round, seen)
		}
	}
	if want := (map[int]int{0: 2, 1: 2, 2: 2, 3: 2}); !maps.Equal(first, want) {
		t.Errorf("they come first %v times, want %v", first, want)
	}
	for pair, times := range after {
		if times != after[[2]int{pair[1], pair[0]}] {
			t.Errorf("%v follow each other %d times, the other way round %d times", pair, times, after[[2]int{pair[1], pair[0]}])
		}
	}
}
