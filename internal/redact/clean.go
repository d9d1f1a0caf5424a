package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the maximum length in bytes of a text from outside in an error.
const MaxText = 2048

// Clean returns at most limit bytes of a text from outside. It removes characters that
// can make a terminal or a log deceive a reader: control characters, marks of writing
// direction and other invisible characters. White space becomes single spaces.
func Clean(text string, limit int) string {
	if isClean(text) {
		return cut(text, limit)
	}
	var b strings.Builder
	space := false
	for _, c := range text {
		switch {
		case unicode.IsSpace(c):
			space = true
		case c == utf8.RuneError || !unicode.IsPrint(c):
		default:
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(c)
		}
		if b.Len() > limit {
			break
		}
	}
	return cut(b.String(), limit)
}

// isClean reports whether a text consists of printable characters and single spaces.
func isClean(text string) bool {
	space := true // so that a space at the beginning is not clean
	for _, c := range text {
		if c == utf8.RuneError || !unicode.IsPrint(c) || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space || text == ""
}

// cut shortens a text to at most limit bytes, and marks that it was longer.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
