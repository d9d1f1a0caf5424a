package output

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// Names, states and tags come from the service and can hold what anybody has written into
// them. On a terminal, control characters in them could hide or forge output, so they are
// shown as escapes. Elsewhere the output is byte for byte that of the AWS CLI.

// steers reports whether a character is not shown but changes what a terminal shows:
// control characters, including bidirectional ones.
func steers(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u061c', r == '\u200e', r == '\u200f',
		'\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return false
}

// Line returns a text that takes one line and cannot steer a terminal.
func Line(text string) string { return escape(text, "") }

// escape shows the characters that steer a terminal as escapes, except those to keep.
func escape(text, keep string) string {
	dangerous := func(r rune) bool { return steers(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(text, dangerous) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !dangerous(r):
			b.WriteRune(r)
		case r < unicode.MaxLatin1:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmless returns a document whose texts cannot steer a terminal. Lines and tabs stay.
func harmless(v any) any {
	const keep = "\n\t"
	switch v := v.(type) {
	case string:
		return escape(v, keep)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = harmless(e)
		}
		return list
	case *value.Map:
		m := value.NewMap()
		for _, member := range v.Members() {
			m.Set(escape(member.Name, keep), harmless(member.Value))
		}
		return m
	}
	return v
}

// harmlessJSON writes the characters that JSON does not escape itself in its own escapes,
// which mean the same text.
func harmlessJSON(b []byte) []byte {
	text := string(b)
	dangerous := func(r rune) bool { return r >= ' ' && steers(r) } // line breaks are those of the layout
	if !strings.ContainsFunc(text, dangerous) {
		return b
	}
	var out strings.Builder
	for _, r := range text {
		if dangerous(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return []byte(out.String())
}
