package output

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Text of the service cannot steer a terminal. Elsewhere it stays as it is.
func TestTerminal(t *testing.T) {
	document := value.NewMap(value.Member{Name: "a\x1b", Value: []any{"\x1b[2J\u009b\u202eé\t\n"}})
	for _, test := range []struct {
		format              Format
		terminal, elsewhere string
	}{
		{Text, "A\\X1B\t\\x1b[2J\\x9b\\u202eé\t\n\n", "A\x1b\t\x1b[2J\u009b\u202eé\t\n\n"},
		{
			JSON, "{\n    \"a\\u001b\": [\n        \"\\u001b[2J\\u009b\\u202eé\\t\\n\"\n    ]\n}\n",
			"{\n    \"a\\u001b\": [\n        \"\\u001b[2J\u009b\u202eé\\t\\n\"\n    ]\n}\n",
		},
	} {
		for _, isTerminal := range []bool{true, false} {
			want := test.elsewhere
			if isTerminal {
				want = test.terminal
			}
			var got bytes.Buffer
			p := Printer{Format: test.format, Terminal: isTerminal, Out: &got}
			if err := p.Print("Title", document, false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("%s, terminal %v: -want +got:\n%s", test.format, isTerminal, diff)
			}
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"web": "web", "日本": "日本", "a\r\nb\tc": `a\x0d\x0ab\x09c`, "\x7f\u2066": `\x7f\u2066`,
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
