package configuration

import (
	"strings"
	"testing"
)

// What the diff shows is what --set understands.
func FuzzPath(f *testing.F) {
	for _, text := range []string{"description=x", `environmentVariables["a\u0000"]=b`, "resources[0].minimumMemoryInMiB:=1", "a.b[", "hooks:=", "[\"", ".=", "x:==y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		edits, err := ParseEdits(update, []string{text}, nil)
		if err != nil {
			return
		}
		again, err := ParseEdits(update, []string{edits[0].path + `:=null`}, nil)
		if err != nil && !strings.Contains(err.Error(), "is required") {
			t.Fatalf("%q is %q: %v", text, edits[0].path, err)
		}
		if err == nil && again[0].path != edits[0].path {
			t.Errorf("%q is %q and then %q", text, edits[0].path, again[0].path)
		}
	})
}
