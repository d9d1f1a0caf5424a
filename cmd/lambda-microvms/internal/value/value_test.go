package value

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Python 3.11 prints for the same texts.
func TestReadAndWrite(t *testing.T) {
	for _, test := range []struct{ text, compact, repr string }{
		{`null`, `null`, `None`},
		{` [true, false] `, `[true, false]`, `[True, False]`},
		{`{"b": 1, "a": 2, "b": 3}`, `{"b": 3, "a": 2}`, `{'b': 3, 'a': 2}`},
		{`9007199254740993`, `9007199254740993`, `9007199254740993`},
		{`-92233720368547758080`, `-92233720368547758080`, `-92233720368547758080`},
		{`1.0`, `1.0`, `1.0`},
		{`1e16`, `1e+16`, `1e+16`},
		{`1e15`, `1000000000000000.0`, `1000000000000000.0`},
		{`0.0001`, `0.0001`, `0.0001`},
		{`0.00001`, `1e-05`, `1e-05`},
		{`"a\"b\u00e9\ud83d\ude00\n"`, `"a\"bé😀\n"`, `'a"bé😀\n'`},
		{`"it's"`, `"it's"`, `"it's"`},
		{`"\u0001\u007f"`, "\"\\u0001\x7f\"", `'\x01\x7f'`},
		{`{}`, `{}`, `{}`},
		{`[]`, `[]`, `[]`},
	} {
		v, err := ReadJSON(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := string(Compact(v)); got != test.compact {
			t.Errorf("%s is written as %s, want %s", test.text, got, test.compact)
		}
		if got := Repr(v); got != test.repr {
			t.Errorf("repr of %s is %s, want %s", test.text, got, test.repr)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:              "Expecting value: line 1 column 1 (char 0)",
		`{`:             "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
		`{"a"}`:         "Expecting ':' delimiter: line 1 column 5 (char 4)",
		`{"a": 1 "b"}`:  "Expecting ',' delimiter: line 1 column 9 (char 8)",
		"[1,\n é]":      "Expecting value: line 2 column 2 (char 5)",
		`1 2`:           "Extra data: line 1 column 3 (char 2)",
		`"abc`:          "Unterminated string starting at: line 1 column 1 (char 0)",
		"\"a\nb\"":      "Invalid control character at: line 1 column 3 (char 2)",
		`"\x"`:          `Invalid \escape: line 1 column 2 (char 1)`,
		`"\u12"`:        `Invalid \uXXXX escape: line 1 column 3 (char 2)`,
		`-`:             "Expecting value: line 1 column 1 (char 0)",
		`nul`:           "Expecting value: line 1 column 1 (char 0)",
		`1e999`:         "Number out of range: line 1 column 1 (char 0)",
		"\ufeff{}":      "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
		"[" + deep(600): "Too many levels: line 1 column 502 (char 501)",
	} {
		_, err := ReadJSON(text)
		var syntax *syntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

func deep(n int) string { return strings.Repeat("[", n) }

func TestIndent(t *testing.T) {
	v := NewMap(Member{"a", []any{int64(1), NewMap()}}, Member{"b", NewMap(Member{"c", nil})})
	want := "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": {\n        \"c\": null\n    }\n}"
	if diff := cmp.Diff(want, string(JSON{Indent: 4}.Append(nil, v))); diff != "" {
		t.Error(diff)
	}
	if got := string(JSON{ASCII: true}.Append(nil, "é😀")); got != `"\u00e9\ud83d\ude00"` {
		t.Error(got)
	}
}

func TestMap(t *testing.T) {
	m := new(Map)
	for i := range int64(40) {
		m.Set(FloatText(float64(i)), i)
	}
	m.Set("3.0", "changed")
	m.Delete("0.0")
	if v, _ := m.Get("3.0"); v != "changed" || m.Len() != 39 || m.Has("0.0") || m.Members()[2].Name != "3.0" {
		t.Error(m)
	}
	if v, _ := m.Clone().Get("39.0"); v != int64(39) {
		t.Error(v)
	}
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]any{
		"5": int64(5), "-5": int64(-5), "+1_000": int64(1000), "99999999999999999999": nil,
	} {
		if want == nil {
			want, _ = new(big.Int).SetString(text, 10)
		}
		if got, ok := ParseInt(text); !ok || Text(got) != Text(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got, ok := ParseInt("\t5 "); !ok || got != int64(5) {
		t.Error(got, ok)
	}
	for _, text := range []string{"", "five", "1.5", "--1", "_1", "1_", "1__0", "0x10", "+"} {
		if got, ok := ParseInt(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}
