package bench

import (
	"os"
	"strings"
	"testing"
)

const linkedPackages = "testdata/packages.txt"

// A program that makes one call must not grow unnoticed.
func TestProgramDoesNotGrow(t *testing.T) {
	if raceDetector || testing.Short() {
		t.Skip("it builds the same programs as without")
	}
	builder := Builder{Dir: ".", Bin: t.TempDir()}

	packages, _, err := builder.Packages("ours")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(packages, "\n") + "\n"
	if *update {
		if err := os.WriteFile(linkedPackages, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(linkedPackages); err != nil || got != string(want) {
		t.Errorf("it links other packages than %s has (%v); go test -update accepts them:\n%s", linkedPackages, err, got)
	}

	// The linker keeps a method if a reachable interface has it, so a small change can
	// link these again.
	unwanted := []struct{ part, why string }{
		{"log/slog.(*handleState)", "only SlogLogger needs the handlers of log/slog"},
		{"encoding/json.(*Encoder)", "only the handlers of log/slog need encoding/json"},
		{"encoding/json.Unmarshal", "the client has its own decoder"},
		{"html.", "its table of entities takes 60 KB"},
		{"regexp.", "patterns are generated functions"},
		{"lambdamicrovms.(*UpdateMicroVMImageInput).DecodeJSON", "only programs that read inputs from files need it"},
		{"lambdamicrovms.(*RunMicroVMInput)", "the program calls another operation"},
		{"lambdamicrovms.(*GetMicroVMImageOutput)", "the program calls another operation"},
	}
	symbols, err := builder.Symbols("ours")
	if err != nil {
		t.Fatal(err)
	}
	if len(symbols) == 0 {
		t.Fatal("the program has no symbols")
	}
	for _, s := range symbols {
		if s.Kind != 'T' && s.Kind != 't' {
			continue
		}
		for _, u := range unwanted {
			if strings.Contains(s.Name, u.part) {
				t.Errorf("it links %s: %s", s.Name, u.why)
			}
		}
	}

	// Sizes depend on the version of Go, but less so their ratio.
	const limit = 0.66
	var sizes []int64
	for _, name := range []string{"nethttp", "ours", "lambda"} {
		size, err := builder.Build(name)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, size)
	}
	if share := float64(sizes[1]-sizes[0]) / float64(sizes[2]-sizes[0]); share > limit {
		t.Errorf("the bytes above net/http are %.2f of those of service/lambda, at most %.2f are allowed: %d, %d", share, limit, sizes[1]-sizes[0], sizes[2]-sizes[0])
	} else {
		t.Logf("the bytes above net/http are %.3f of those of service/lambda", share)
	}
}
