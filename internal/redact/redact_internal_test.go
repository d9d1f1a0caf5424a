package redact

import (
	"html"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHTMLText(t *testing.T) {
	text := "é"
	for c := range rune(0x80) {
		text += string(c)
	}
	if got, want := htmlText(text), html.EscapeString(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAppendStrings(t *testing.T) {
	for _, c := range []struct {
		secret string
		want   []string
	}{
		{"no JSON: \"a\"", nil},
		{`"a string"`, nil},
		{`{"name": "a", "list" : ["b", 1, {"c":"d"}], "empty": ""}`, []string{"a", "b", "d", ""}},
		{`["escaped \" quote", "back\\", "a\u0026\u003c"]`, []string{`escaped " quote`, `back\`, "a&<"}},
		{`["cut`, nil},
		{`["cut\`, nil},
		{`{`, nil},
	} {
		if diff := cmp.Diff(c.want, appendStrings(nil, c.secret)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.secret, diff)
		}
	}
}
