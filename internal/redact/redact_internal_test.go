package redact

import (
	"html"
	"testing"
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
