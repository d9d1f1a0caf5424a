package restjson

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Strings are searched eight bytes at a time. The first byte becomes the lowest byte of a
// word, so the lowest bit that a test sets marks the first matching byte. Higher bits may
// be wrong, because a subtraction borrows from higher bytes; only the lowest is used.
const (
	wordSize = 8
	everyLow = 0x0101010101010101 // one in each byte
	everyTop = 0x8080808080808080 // the top bit of each byte
)

// loadWord returns the eight bytes of s from i on.
func loadWord(s string, i int) uint64 {
	b := s[i : i+wordSize]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// specialBytes sets the top bit of the first byte of a word that is a quote, a backslash
// or a control character: what ends a run of plain bytes in a JSON string, and what must
// be escaped in one. Zero means that there is none. Each subtraction borrows from the top
// bit of a byte that is too small; non-ASCII bytes have that bit themselves and are left
// out.
func specialBytes(word uint64) uint64 {
	control := word - everyLow*' '
	quote := (word ^ everyLow*'"') - everyLow
	slash := (word ^ everyLow*'\\') - everyLow
	return (control | quote | slash) &^ word & everyTop
}

func isSpecial(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// firstByte returns the index of the byte that the lowest bit set is in.
func firstByte(mask uint64) int { return bits.TrailingZeros64(mask) / 8 }

// scanString scans a string from the byte after its opening quote, and returns the
// position of its closing quote. A simple string has no escapes and is valid UTF-8, so
// that its text needs no copy.
func scanString(src string, pos int) (end int, simple bool, bad problem) {
	start, escaped := pos, false
	var seen uint64 // all bytes, or-ed; a set top bit says that some are not ASCII
	for {
		for pos+wordSize <= len(src) {
			word := loadWord(src, pos)
			seen |= word
			if special := specialBytes(word); special != 0 {
				pos += firstByte(special)
				break
			}
			pos += wordSize
		}
		if pos == len(src) {
			return pos, false, truncated
		}
		switch c := src[pos]; {
		case c == '"':
			simple = !escaped && (seen&everyTop == 0 || utf8.ValidString(src[start:pos]))
			return pos, simple, ""
		case c == '\\':
			escaped = true
			if pos, bad = scanEscape(src, pos); bad != "" {
				return pos, false, bad
			}
		case c < ' ':
			return pos, false, badControl
		default:
			seen |= uint64(c)
			pos++
		}
	}
}

// scanEscape scans an escape; pos is that of the backslash.
func scanEscape(src string, pos int) (end int, bad problem) {
	pos++
	if pos == len(src) {
		return pos, truncated
	}
	switch src[pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return pos + 1, ""
	case 'u':
		pos++
		for end := pos + 4; pos < end; pos++ {
			if pos == len(src) {
				return pos, truncated
			}
			if _, ok := hexDigit(src[pos]); !ok {
				return pos, badEscape
			}
		}
		return pos, ""
	}
	return pos, badEscape
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// text returns the value of a scanned string; raw is the text between its quotes. Half a
// surrogate pair and each byte that is not UTF-8 become U+FFFD.
func text(raw string, simple bool) string {
	if simple {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		run := i
		for i < len(raw) && raw[i] != '\\' && raw[i] < utf8.RuneSelf {
			i++
		}
		b.WriteString(raw[run:i])
		switch {
		case i == len(raw):
		case raw[i] == '\\':
			r, size := unescape(raw[i:])
			b.WriteRune(r)
			i += size
		default:
			r, size := utf8.DecodeRuneInString(raw[i:])
			b.WriteRune(r)
			i += size
		}
	}
	return b.String()
}

// unescape decodes the escape at the start of raw, or the two of a surrogate pair. It
// returns the character and the number of bytes decoded.
func unescape(raw string) (r rune, size int) {
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = codeUnit(raw)
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if rest := raw[6:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if pair := utf16.DecodeRune(r, codeUnit(rest)); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default:
		return rune(c), 2
	}
}

// codeUnit returns the number XXXX of the \uXXXX at the start of raw.
func codeUnit(raw string) rune {
	var r rune
	for i := 2; i < 6; i++ {
		digit, _ := hexDigit(raw[i])
		r = r<<4 | digit
	}
	return r
}

// appendString appends s as a JSON string, with the same escapes as encoding/json with
// SetEscapeHTML(false).
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	done := 0 // s[:done] is appended
	for i := 0; i < len(s); {
		i = skipPlain(s, i)
		if i == len(s) {
			break
		}
		c := s[i]
		if c < utf8.RuneSelf {
			buf = append(buf, s[done:i]...)
			buf = appendEscape(buf, c)
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			buf = append(buf, s[done:i]...)
			buf = append(buf, `\ufffd`...)
			done = i + size
		case r == '\u2028', r == '\u2029':
			// JavaScript treats these two characters as line ends, so encoding/json
			// escapes them.
			buf = append(buf, s[done:i]...)
			buf = append(buf, `\u202`...)
			buf = append(buf, hexDigits[r&0xf])
			done = i + size
		}
		i += size
	}
	buf = append(buf, s[done:]...)
	return append(buf, '"')
}

// IsPlain reports whether a JSON string contains s without escapes. It may report false
// for such a string if it is not ASCII.
func IsPlain(s string) bool { return skipPlain(s, 0) == len(s) }

// skipPlain returns the position of the next byte that is special or not ASCII.
func skipPlain(s string, i int) int {
	for i+wordSize <= len(s) {
		word := loadWord(s, i)
		if special := specialBytes(word) | word&everyTop; special != 0 {
			return i + firstByte(special)
		}
		i += wordSize
	}
	for i < len(s) && !isSpecial(s[i]) && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

const hexDigits = "0123456789abcdef"

// appendEscape appends the escape of an ASCII character.
func appendEscape(buf []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(buf, '\\', c)
	case '\b':
		return append(buf, '\\', 'b')
	case '\f':
		return append(buf, '\\', 'f')
	case '\n':
		return append(buf, '\\', 'n')
	case '\r':
		return append(buf, '\\', 'r')
	case '\t':
		return append(buf, '\\', 't')
	}
	return append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
