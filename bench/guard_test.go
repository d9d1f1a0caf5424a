package bench

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

const committed = "testdata/allocations.txt"

// The allocations of our calls are exact numbers, the same on every machine, so a change
// that adds one shows here. They depend on the version of Go, too: after a new one has
// changed them, -update accepts them.
func TestAllocationsDoNotRise(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	type guarded struct {
		name string
		call Call
	}
	guard := []guarded{
		{"construct", Construct(Ours)},
		{"stack", Ours.Least(NewStub("{}"))},
		{"retried", Retried(Ours)},
		{"failed", Failed(Ours)},
		{"poll of a waiter", Waited()},
		{"page of a paginator", Paged()},
		{"decode 50 items", Page(50)},
	}
	for _, size := range Sizes {
		guard = append(guard, guarded{size.String() + " call", Ours.Call(Setup{HTTP: NewStub(Ours.Response(size))}, size)})
		for _, part := range Parts {
			guard = append(guard, guarded{size.String() + " " + part.Name, part.Call(size)})
		}
	}

	limits := readLimits(t)
	var b strings.Builder
	for _, g := range guard {
		var err error
		allocations := int(testing.AllocsPerRun(200, func() {
			if e := g.call(); e != nil {
				err = e
			}
		}))
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		fmt.Fprintf(&b, "%4d %s\n", allocations, g.name)
		switch limit, known := limits[g.name]; {
		case *update:
		case !known:
			t.Errorf("%s: %d allocations, and no number in %s: go test -update", g.name, allocations, committed)
		case allocations > limit:
			t.Errorf("%s: %d allocations, %d before", g.name, allocations, limit)
		case allocations < limit:
			t.Logf("%s: %d allocations, %d before: go test -update keeps that", g.name, allocations, limit)
		}
	}
	if *update {
		if err := os.WriteFile(committed, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func readLimits(t *testing.T) map[string]int {
	t.Helper()
	f, err := os.Open(committed)
	if err != nil {
		if *update {
			return nil
		}
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	limits := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		number, name, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("%s: %v", committed, err)
		}
		limits[name] = n
	}
	return limits
}
