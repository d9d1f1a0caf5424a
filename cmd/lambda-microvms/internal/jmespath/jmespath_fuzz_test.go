package jmespath

import (
	"testing"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

func FuzzCompile(f *testing.F) {
	f.Add("items[?a > `1`].{b: c[0:2], d: sort_by(e, &f)[-1]} | [0]")
	document, err := value.ReadJSON(`{"items": [{"a": 2, "c": [1, 2], "e": [{"f": 1}]}], "n": null}`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, expression string) {
		if e, err := Compile(expression); err == nil {
			_, _ = e.Search(document)
		}
	})
}
