package restjson

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnmarshalYAML(t *testing.T) {
	type object = map[string]any
	at := time.Unix(1_795_000_000, 0).UTC()
	tests := map[string]struct {
		tree any // what a YAML library decodes
		want string
		err  string
	}{
		"nothing":             {nil, "{}", ""},
		"scalars":             {object{"text": "a", "flag": true, "small": 7, "large": int64(8), "ratio": 0.5}, `{"flag":true,"large":8,"ratio":0.5,"small":7,"text":"a"}`, ""},
		"unsigned":            {object{"small": uint64(7)}, `{"small":7}`, ""},
		"whole float":         {object{"small": 7.0}, `{"small":7}`, ""},
		"date":                {object{"at": at}, `{"at":1795000000}`, ""},
		"null":                {object{"text": nil}, "{}", ""},
		"lists and maps":      {object{"names": []any{"a", "b"}, "vars": object{"k": "v"}}, `{"names":["a","b"],"vars":{"k":"v"}}`, ""},
		"names of any type":   {map[any]any{"vars": map[any]any{"k": "v"}}, `{"vars":{"k":"v"}}`, ""},
		"a number as name":    {object{"vars": map[any]any{1: "v"}}, "", "unexpected YAML in vars: a name is not a string; write it in quotes"},
		"a number for text":   {object{"vars": object{"k": 1}}, "", "unexpected YAML in vars.k: want a string, got a number; write the value in quotes"},
		"a list for text":     {object{"text": []any{}}, "", "unexpected YAML in text: want a string, got an array"},
		"text for a number":   {object{"small": "x"}, "", "unexpected YAML in small: want a 32-bit integer, got a string"},
		"beyond 64 bits":      {object{"large": uint64(1 << 63)}, "", "unexpected YAML in large: number out of the range of a 64-bit integer"},
		"a type of a library": {object{"text": struct{}{}}, "", "unexpected YAML in text: a value of type struct {} has no form in JSON"},
		"outside JSON's time": {object{"at": time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)}, "", "unexpected YAML in at: time outside the years 1 to 9999"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var d document
			decode := func(into any) error {
				*into.(*any) = test.tree
				return nil
			}
			err := UnmarshalYAML(decode, func(data []byte) error { return UnmarshalStrict(data, &d) })
			if test.err != "" {
				var typed *YAMLError
				if !errors.As(err, &typed) || err.Error() != test.err {
					t.Errorf("got error %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := Marshal(&d)
			if diff := cmp.Diff(test.want, string(got)); diff != "" || err != nil {
				t.Errorf("error %v, -want +got:\n%s", err, diff)
			}
		})
	}
}

// Errors of the library, which have line and column, are returned unchanged.
func TestUnmarshalYAMLReturnsErrorsOfTheLibrary(t *testing.T) {
	want := errors.New("line 3")
	err := UnmarshalYAML(func(any) error { return want }, func([]byte) error { t.Error("read anyway"); return nil })
	if err != want {
		t.Errorf("got %v", err)
	}
}

func TestMarshalYAML(t *testing.T) {
	text, small, large, ratio, flag := "a", int32(7), int64(1<<62), 0.5, true
	d := document{
		Text: &text, Small: &small, Large: &large, Ratio: &ratio, Flag: &flag, Secret: &text,
		Names: []level{"x"}, Grid: [][]int32{{1}, {}}, Inner: &document{}, Vars: map[string]level{"k": "v"},
	}
	want := map[string]any{
		"text": "a", "small": int64(7), "large": int64(1 << 62), "ratio": 0.5, "flag": true, "secret": "a",
		"names": []any{"x"}, "grid": []any{[]any{int64(1)}, []any{}}, "inner": map[string]any{}, "vars": map[string]any{"k": "v"},
	}
	got, err := MarshalYAML(&d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
