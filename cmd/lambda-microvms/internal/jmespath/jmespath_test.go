package jmespath

import (
	"os"
	"testing"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// testdata/python.json has expressions with what Python's jmespath 1.0.1 makes of them on
// a document: a result as JSON, an error of the compilation, or one of the evaluation.
func TestPython(t *testing.T) {
	text, err := os.ReadFile("testdata/python.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.ReadJSON(string(text))
	if err != nil {
		t.Fatal(err)
	}
	document, _ := v.(*value.Map).Get("document")
	cases, _ := v.(*value.Map).Get("cases")
	for _, c := range cases.([]any) {
		expression, outcome, want := c.([]any)[0].(string), c.([]any)[1].(string), c.([]any)[2].(string)
		e, err := Compile(expression)
		if err != nil {
			if outcome != "compile" || err.Error() != want {
				t.Errorf("%s: %v\nwant %s", expression, err, want)
			}
			continue
		}
		result, err := e.Search(document)
		switch {
		case outcome == "compile":
			t.Errorf("%s: no error, want %s", expression, want)
		case err != nil && outcome == "result":
			t.Errorf("%s: %v, want %s", expression, err, want)
		case err != nil: // the texts are ours where Python shows a value
		case outcome == "fail":
			t.Errorf("%s: %s, want the error %s", expression, value.Compact(result), want)
		case string(value.Compact(result)) != want:
			t.Errorf("%s: %s, want %s", expression, value.Compact(result), want)
		}
	}
}
