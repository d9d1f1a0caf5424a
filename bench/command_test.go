package bench

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReport(t *testing.T) {
	results := filepath.Join(t.TempDir(), "RESULTS.md")
	if err := os.WriteFile(results, []byte("# Results\n\n## Commands\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	report := &Report{Title: "Pack", Body: "1\n", Plot: "<svg/>", PlotName: "pack.svg"}
	if err := report.write(results); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"RESULTS.md": "# Results\n\n## Pack\n\n1\n\n## Commands\n",
		"pack.svg":   "<svg/>",
	} {
		if got, err := os.ReadFile(filepath.Join(filepath.Dir(results), name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, want)
		}
	}
}
