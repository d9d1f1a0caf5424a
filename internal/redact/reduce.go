package redact

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxEscapings limits how many nested levels of escapes are decoded.
const maxEscapings = 5

// A reduced text has only the letters and digits of a text, which encodings keep. ASCII
// letters are in lower case. start and end are the position of each byte in the original
// text; if they are nil, the positions are the same.
type reduced struct {
	text       []byte
	start, end []int32
}

func (r *reduced) origin(from, to int) (start, end int32) {
	if r.start == nil {
		return int32(from), int32(to) //nolint:gosec // texts are shorter than 2 GiB
	}
	return r.start[from], r.end[to-1]
}

func (r *reduced) append(c rune, start, end int32) {
	n := len(r.text)
	r.text = utf8.AppendRune(r.text, c)
	for range len(r.text) - n {
		r.start, r.end = append(r.start, start), append(r.end, end)
	}
}

// reduce decodes the escapes of JSON, HTML, URLs and Go strings until there are none, and
// drops everything but letters and digits. So it does not matter how a text was quoted,
// escaped, broken into lines or cleaned.
func reduce(text string) reduced {
	plain := reduced{text: []byte(text)}
	for range maxEscapings {
		if !bytes.ContainsAny(plain.text, `%\&`) {
			break
		}
		decoded, changed := plain.unescape()
		if !changed {
			break
		}
		plain = decoded
	}

	kept := reduced{text: make([]byte, 0, len(plain.text)), start: make([]int32, 0, len(plain.text)), end: make([]int32, 0, len(plain.text))}
	for i := 0; i < len(plain.text); {
		c, n := utf8.DecodeRune(plain.text[i:])
		if isKept(c) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			start, end := plain.origin(i, i+n)
			kept.append(c, start, end)
		}
		i += n
	}
	return kept
}

// isKept reports whether reduce keeps a character. It drops Latin-1, because &#233; may
// be the character é or one byte of another character.
func isKept(c rune) bool {
	if c < utf8.RuneSelf {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	return c > 0xff && c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c))
}

// unescape decodes one level of escapes.
func (r *reduced) unescape() (decoded reduced, changed bool) {
	decoded = reduced{text: make([]byte, 0, len(r.text)), start: make([]int32, 0, len(r.text)), end: make([]int32, 0, len(r.text))}
	for i := 0; i < len(r.text); {
		value, n := unescaped(r.text[i:])
		changed = changed || n > 0
		if n == 0 {
			value, n = r.text[i:i+1], 1
		}
		start, end := r.origin(i, i+n)
		for _, c := range value {
			decoded.text = append(decoded.text, c)
			decoded.start, decoded.end = append(decoded.start, start), append(decoded.end, end)
		}
		i += n
	}
	return decoded, changed
}

// unescaped decodes the escape at the start of a text. n is the length of the escape, or
// 0 if there is none.
func unescaped(text []byte) (value []byte, n int) {
	switch text[0] {
	case '%':
		if c, ok := hexNumber(text, 1, 2); ok {
			return []byte{byte(c)}, 3
		}
		if len(text) > 1 && text[1] == 'u' {
			if c, ok := hexNumber(text, 2, 4); ok {
				return utf8.AppendRune(nil, c), 6
			}
		}
	case '\\':
		return backslashed(text)
	case '&':
		return entity(text)
	}
	return nil, 0
}

func hexNumber(text []byte, from, digits int) (rune, bool) {
	if len(text) < from+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[from:from+digits]), 16, 32)
	return rune(n), err == nil //nolint:gosec // at most 8 digits; what is no character becomes U+FFFD
}

func backslashed(text []byte) (value []byte, n int) {
	if len(text) < 2 {
		return nil, 0
	}
	switch c := text[1]; c {
	case '\\', '/', '"', '\'':
		return []byte{c}, 2
	case 'n', 'r', 't', 'b', 'f', 'v', 'a':
		return []byte{' '}, 2
	case 'x':
		if c, ok := hexNumber(text, 2, 2); ok {
			return []byte{byte(c)}, 4
		}
	case 'U':
		if c, ok := hexNumber(text, 2, 8); ok {
			return utf8.AppendRune(nil, c), 10
		}
	case 'u':
		if len(text) > 2 && text[2] == '{' { // of JavaScript and Rust
			return braced(text)
		}
		c, ok := hexNumber(text, 2, 4)
		if !ok {
			return nil, 0
		}
		if utf16.IsSurrogate(c) && len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
			if low, ok := hexNumber(text, 8, 4); ok {
				return utf8.AppendRune(nil, utf16.DecodeRune(c, low)), 12
			}
		}
		return utf8.AppendRune(nil, c), 6
	case '0', '1', '2', '3':
		if len(text) >= 4 {
			if c, err := strconv.ParseUint(string(text[1:4]), 8, 8); err == nil {
				return []byte{byte(c)}, 4
			}
		}
	}
	return nil, 0
}

// braced decodes an escape such as \u{7b}, which has up to six digits.
func braced(text []byte) (value []byte, n int) {
	digits := bytes.IndexByte(text[3:min(len(text), 10)], '}')
	if c, ok := hexNumber(text, 3, max(digits, 0)); ok {
		return utf8.AppendRune(nil, c), digits + 4
	}
	return nil, 0
}

// maxEntity is the length of the longest entity that is decoded.
const maxEntity = 12

func entity(text []byte) (value []byte, n int) {
	name, _, ok := strings.Cut(string(text[1:min(len(text), maxEntity)]), ";")
	if !ok {
		return nil, 0
	}
	n = len(name) + 2
	switch name {
	case "amp":
		return []byte{'&'}, n
	case "lt", "gt", "quot", "apos", "nbsp":
		return []byte{' '}, n
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if digits == name {
		return nil, 0
	}
	if rest := strings.TrimLeft(digits, "xX"); rest != digits {
		digits, base = rest, 16
	}
	c, err := strconv.ParseUint(digits, base, 31)
	if err != nil {
		return nil, 0
	}
	return utf8.AppendRune(nil, rune(c)), n
}
