package restjson

import (
	"strings"
	"testing"
)

func TestPathTo(t *testing.T) {
	long := strings.Repeat("é", maxPathName)
	tests := []struct {
		src  string // up to the place whose path is asked for
		want string
	}{
		{``, ""},
		{`  `, ""},
		{`{`, ""},
		{`{"a`, ""},
		{`{"a"`, "a"},
		{`{"a":`, "a"},
		{`{"a":"b`, "a"},
		{`{"a":"b"`, "a"},
		{`{"a":"b",`, ""},
		{`{"a":1,"b":`, "b"},
		{`{"a":{"b":{}},"c":{"d":{`, "c.d"},
		{`{"a":[`, "a[0]"},
		{`{"a":[{"x":1},"]}",[2`, "a[2][0]"},
		{`[[],[{"a":[1],"b":`, "[1][0].b"},
		{`{"a b":{"":{"a-b_9":{"\u0041":`, `["a b"][""].a-b_9.A`},
		{`{"a.b":`, `["a.b"]`},
		{`{"a\"b":{"` + "\xff" + `":`, `["a\"b"]["` + "\ufffd" + `"]`},
		{`{"` + long + `":`, `["` + strings.Repeat("é", maxPathName/2) + `…"]`},
		{`{"x` + long + `":`, `["x` + strings.Repeat("é", maxPathName/2-1) + `…"]`},
		{`{"` + strings.Repeat("x", maxPathName+1) + `":`, `["` + strings.Repeat("x", maxPathName) + `…"]`},
		{strings.Repeat("[", maxPathLevels), strings.Repeat("[0]", maxPathLevels)},
		{strings.Repeat("[", maxPathLevels+1), strings.Repeat("[0]", maxPathLevels) + "…"},
	}
	for _, test := range tests {
		// The rest of the document must not matter.
		for _, rest := range []string{"", "1}", `,"z":[`, "\xff"} {
			if got := pathTo(test.src+rest, len(test.src)); got != test.want {
				t.Errorf("path to the end of %s is %s, want %s", test.src, got, test.want)
			}
		}
	}
}
