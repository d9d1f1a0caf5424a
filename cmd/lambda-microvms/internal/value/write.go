package value

import (
	"math/big"
	"strconv"
	"unicode/utf8"
)

// JSON is how a document is written: as Python's json.dumps does with indent 4 or none.
type JSON struct {
	Indent int  // spaces; 0 writes one line
	ASCII  bool // escape what is not ASCII
	Tight  bool // no spaces
}

// Append appends a document.
func (j JSON) Append(b []byte, v any) []byte { return j.append(b, v, 0) }

// Compact returns a document in one line.
func Compact(v any) []byte { return JSON{}.Append(nil, v) }

func (j JSON) append(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case *big.Int:
		return v.Append(b, 10)
	case float64:
		switch text := FloatText(v); text {
		case "nan":
			return append(b, "NaN"...)
		case "inf", "-inf":
			return append(b, text[:len(text)-3]+"Infinity"...)
		default:
			return append(b, text...)
		}
	case string:
		return j.appendString(b, v)
	case []any:
		if len(v) == 0 {
			return append(b, "[]"...)
		}
		b = append(b, '[')
		for i, e := range v {
			b = j.separate(b, i, depth+1)
			b = j.append(b, e, depth+1)
		}
		return append(j.line(b, depth), ']')
	case *Map:
		if v.Len() == 0 {
			return append(b, "{}"...)
		}
		b = append(b, '{')
		for i, m := range v.Members() {
			b = j.separate(b, i, depth+1)
			b = append(j.appendString(b, m.Name), ':')
			if !j.Tight {
				b = append(b, ' ')
			}
			b = j.append(b, m.Value, depth+1)
		}
		return append(j.line(b, depth), '}')
	}
	panic("value: not a document")
}

func (j JSON) separate(b []byte, i, depth int) []byte {
	if i > 0 {
		b = append(b, ',')
		if j.Indent == 0 && !j.Tight {
			b = append(b, ' ')
		}
	}
	return j.line(b, depth)
}

func (j JSON) line(b []byte, depth int) []byte {
	if j.Indent == 0 {
		return b
	}
	b = append(b, '\n')
	for range depth * j.Indent {
		b = append(b, ' ')
	}
	return b
}

func (j JSON) appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r < 0x20:
			b = appendUnit(b, uint32(r))
		case r < 0x7f || r == 0x7f && !j.ASCII:
			b = append(b, byte(r))
		case !j.ASCII:
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			b = appendUnit(b, 0xd800+uint32(r-0x10000)>>10)
			b = appendUnit(b, 0xdc00+uint32(r-0x10000)&0x3ff)
		default:
			b = appendUnit(b, uint32(r))
		}
	}
	return append(b, '"')
}

func appendUnit(b []byte, unit uint32) []byte {
	return append(append(b, `\u`...), hex(unit, 4)...)
}
