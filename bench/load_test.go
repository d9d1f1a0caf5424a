package bench

import (
	"maps"
	"testing"
	"time"
)

func TestDrive(t *testing.T) {
	const calls, goroutines = 100, 4
	load, err := Drive(Ours, Small, goroutines, calls, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if load.Calls != calls || load.Again != 0 || load.PerSecond <= 0 || load.P99 < load.P50 ||
		load.Connections < 1 {
		t.Errorf("got %+v", load)
	}
}

// Each client is first equally often, and follows another as often as it precedes it.
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
