package value

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep documents may nest.
const maxDepth = 500

// syntaxError is what is wrong with a text that is not JSON, in the words of Python. It
// repeats nothing of the text.
type syntaxError struct {
	Message      string
	Line, Column int // from 1
	Offset       int // in characters
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Message, e.Line, e.Column, e.Offset)
}

type reader struct {
	text string
	at   int
}

// ReadJSON reads a JSON text.
func ReadJSON(text string) (v any, err error) {
	r := &reader{text: text}
	defer func() {
		if p := recover(); p != nil {
			syntax, ok := p.(*syntaxError)
			if !ok {
				panic(p)
			}
			v, err = nil, syntax
		}
	}()
	if strings.HasPrefix(text, "\ufeff") {
		r.fail(0, "Unexpected UTF-8 BOM (decode using utf-8-sig)")
	}
	r.space()
	v = r.value(0)
	r.space()
	if r.at < len(text) {
		r.fail(r.at, "Extra data")
	}
	return v, nil
}

func (r *reader) fail(at int, message string) {
	before := r.text[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	panic(&syntaxError{
		Message: message, Line: strings.Count(before, "\n") + 1,
		Column: utf8.RuneCountInString(before[line:]) + 1, Offset: utf8.RuneCountInString(before),
	})
}

func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *reader) peek() byte {
	if r.at < len(r.text) {
		return r.text[r.at]
	}
	return 0
}

func (r *reader) value(depth int) any {
	if depth > maxDepth {
		r.fail(r.at, "Too many levels")
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.array(depth)
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	}
	for _, word := range [...]struct {
		text  string
		value any
	}{{"null", nil}, {"true", true}, {"false", false}} {
		if strings.HasPrefix(r.text[r.at:], word.text) {
			r.at += len(word.text)
			return word.value
		}
	}
	r.fail(r.at, "Expecting value")
	return nil
}

func (r *reader) object(depth int) *Map {
	m := new(Map)
	r.at++
	r.space()
	if r.peek() == '}' {
		r.at++
		return m
	}
	for {
		if r.peek() != '"' {
			r.fail(r.at, "Expecting property name enclosed in double quotes")
		}
		name := r.str()
		r.space()
		if r.peek() != ':' {
			r.fail(r.at, "Expecting ':' delimiter")
		}
		r.at++
		r.space()
		m.Set(name, r.value(depth+1))
		r.space()
		switch r.peek() {
		case '}':
			r.at++
			return m
		case ',':
			r.at++
			r.space()
		default:
			r.fail(r.at, "Expecting ',' delimiter")
		}
	}
}

func (r *reader) array(depth int) []any {
	list := []any{}
	r.at++
	r.space()
	if r.peek() == ']' {
		r.at++
		return list
	}
	for {
		list = append(list, r.value(depth+1))
		r.space()
		switch r.peek() {
		case ']':
			r.at++
			return list
		case ',':
			r.at++
			r.space()
		default:
			r.fail(r.at, "Expecting ',' delimiter")
		}
	}
}

func (r *reader) number() any {
	start := r.at
	digits := func() int {
		from := r.at
		for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
			r.at++
		}
		return r.at - from
	}
	if r.peek() == '-' {
		r.at++
	}
	if r.peek() == '0' {
		r.at++
	} else if digits() == 0 {
		r.fail(start, "Expecting value")
	}
	whole := r.at
	if r.peek() == '.' {
		if r.at++; digits() == 0 {
			r.at = whole
		}
	}
	if c := r.peek(); r.at > start && (c == 'e' || c == 'E') {
		mark := r.at
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		if digits() == 0 {
			r.at = mark
		}
	}
	text := r.text[start:r.at]
	if r.at == whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i
		}
		i, _ := new(big.Int).SetString(text, 10)
		return i
	}
	f, _ := strconv.ParseFloat(text, 64)
	if math.IsInf(f, 0) {
		r.fail(start, "Number out of range")
	}
	return f
}

func (r *reader) str() string {
	start := r.at
	r.at++
	if end := strings.IndexAny(r.text[r.at:], "\"\\\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"); end >= 0 && r.text[r.at+end] == '"' {
		s := r.text[r.at : r.at+end]
		r.at += end + 1
		return s
	}
	var b strings.Builder
	for {
		if r.at >= len(r.text) {
			r.fail(start, "Unterminated string starting at")
		}
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return b.String()
		case c == '\\':
			r.escape(start, &b)
		case c < 0x20:
			r.fail(r.at, "Invalid control character at")
		default:
			b.WriteByte(c)
			r.at++
		}
	}
}

func (r *reader) escape(start int, b *strings.Builder) {
	at := r.at
	if at+1 >= len(r.text) {
		r.fail(start, "Unterminated string starting at")
	}
	c := r.text[at+1]
	if c == 'u' {
		unit := r.unit()
		if utf16.IsSurrogate(unit) && strings.HasPrefix(r.text[r.at:], `\u`) {
			mark := r.at
			if whole := utf16.DecodeRune(unit, r.unit()); whole != utf8.RuneError {
				unit = whole
			} else {
				r.at = mark
			}
		}
		b.WriteRune(unit)
		return
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		r.fail(at, `Invalid \escape`)
	}
	b.WriteByte("\"\\/\b\f\n\r\t"[i])
	r.at += 2
}

// unit reads one \uXXXX.
func (r *reader) unit() rune {
	if r.at+6 <= len(r.text) {
		if n, err := strconv.ParseUint(r.text[r.at+2:r.at+6], 16, 16); err == nil {
			r.at += 6
			return rune(n)
		}
	}
	r.fail(r.at+1, `Invalid \uXXXX escape`)
	return 0
}
