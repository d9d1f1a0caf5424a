package restjson

import (
	"strconv"
	"time"
)

// redacted replaces a secret that is set.
const redacted = "[REDACTED]"

// A Writer appends JSON to a buffer. The zero value is ready for use.
//
// Methods named after a type write one value; those that end in Field, and the functions
// that take a name, write a member of an object, unless it is unset: nil, or "" for an
// enum. Commas are written automatically.
type Writer struct {
	// ExplicitNulls writes unset members as null, as the service does, rather than leave
	// them out.
	ExplicitNulls bool
	// Redact writes [REDACTED] for secret members, and for raw JSON, which may contain
	// secrets.
	Redact bool
	// OnSecret, if set, is called with each secret that is written.
	OnSecret func(string)

	buf  []byte
	keys []string // sorted keys of the maps being written, outermost map first
	err  error
}

// Reset makes w a zero Writer, but keeps its buffer. The result of an earlier Bytes
// becomes invalid.
func (w *Writer) Reset() { *w = Writer{buf: w.buf[:0], keys: w.keys[:0]} }

// Bytes returns what was written. It is valid until the next write or Reset.
func (w *Writer) Bytes() []byte { return w.buf }

// Err returns the first error. A value that cannot be written as JSON was written as
// null.
func (w *Writer) Err() error { return w.err }

// fail records an error about the next value, and writes null in its place.
func (w *Writer) fail(problem string) {
	if w.err == nil {
		w.err = &ValueError{Path: pathTo(string(w.buf), len(w.buf)), Problem: problem}
	}
	w.Null()
}

// separate appends the comma before a name or value if one is needed. None is needed
// after the three bytes below, which never end a value.
func (w *Writer) separate() {
	if n := len(w.buf); n > 0 {
		switch w.buf[n-1] {
		case '{', '[', ':':
		default:
			w.buf = append(w.buf, ',')
		}
	}
}

// Begin begins an object.
func (w *Writer) Begin() { w.begin('{') }

// End ends an object.
func (w *Writer) End() { w.end('}') }

// Reopen removes the end of the object written last, so that more members can follow
// before another End.
func (w *Writer) Reopen() { w.buf = w.buf[:len(w.buf)-1] }

func (w *Writer) begin(c byte) {
	w.separate()
	w.buf = append(w.buf, c)
}

func (w *Writer) end(c byte) { w.buf = append(w.buf, c) }

// Key writes the name of a member. Its value must be written next.
func (w *Writer) Key(name string) {
	w.separate()
	w.buf = append(appendString(w.buf, name), ':')
}

// Null writes null.
func (w *Writer) Null() {
	w.separate()
	w.buf = append(w.buf, "null"...)
}

// String writes a string. Bytes that are not UTF-8 become U+FFFD.
func (w *Writer) String(s string) {
	w.separate()
	w.buf = appendString(w.buf, s)
}

// Bool writes a boolean.
func (w *Writer) Bool(b bool) {
	w.separate()
	w.buf = strconv.AppendBool(w.buf, b)
}

// Int32 writes an integer.
func (w *Writer) Int32(n int32) { w.Int64(int64(n)) }

// Int64 writes an integer.
func (w *Writer) Int64(n int64) {
	w.separate()
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Float64 writes a number, or one of the strings "NaN", "Infinity" and "-Infinity".
func (w *Writer) Float64(f float64) {
	w.separate()
	w.buf = appendFloat(w.buf, f)
}

// Time writes a time as epoch seconds, exact to the nanosecond and without an exponent. A
// time outside the years 1 to 9999 (UTC) is an error.
func (w *Writer) Time(t time.Time) {
	negative, sec, nsec, ok := epochOf(t)
	if !ok {
		w.fail("time outside the years 1 to 9999")
		return
	}
	w.separate()
	w.buf = appendEpoch(w.buf, negative, sec, nsec)
}

// Raw writes a value that already is JSON, and fails if it is not.
func (w *Writer) Raw(json []byte) {
	if w.Redact {
		w.String(redacted)
		return
	}
	r := Reader{src: string(json)}
	value := r.RawValue()
	if err := r.End(); err != nil {
		w.fail("raw value is not JSON")
		return
	}
	w.separate()
	w.buf = append(w.buf, value...)
}

// Secret writes a string, or [REDACTED] under Redact.
func (w *Writer) Secret(s string) {
	if w.OnSecret != nil {
		w.OnSecret(s)
	}
	if w.Redact {
		s = redacted
	}
	w.String(s)
}

// set begins a member and reports whether the caller must write its value. It returns
// false for an unset member, which it leaves out, or writes as null with ExplicitNulls.
func (w *Writer) set(name string, isSet bool) bool {
	if !isSet && !w.ExplicitNulls {
		return false
	}
	w.Key(name)
	if !isSet {
		w.Null()
	}
	return isSet
}

// StringField writes a string member.
func (w *Writer) StringField(name string, v *string) {
	if w.set(name, v != nil) {
		w.String(*v)
	}
}

// SecretField writes a string member, or [REDACTED] under Redact.
func (w *Writer) SecretField(name string, v *string) {
	if w.set(name, v != nil) {
		w.Secret(*v)
	}
}

// EnumField writes a string member that is unset if "".
func (w *Writer) EnumField(name, v string) {
	if w.set(name, v != "") {
		w.String(v)
	}
}

// BoolField writes a boolean member.
func (w *Writer) BoolField(name string, v *bool) {
	if w.set(name, v != nil) {
		w.Bool(*v)
	}
}

// Int32Field writes an integer member.
func (w *Writer) Int32Field(name string, v *int32) {
	if w.set(name, v != nil) {
		w.Int32(*v)
	}
}

// Int64Field writes an integer member.
func (w *Writer) Int64Field(name string, v *int64) {
	if w.set(name, v != nil) {
		w.Int64(*v)
	}
}

// Float64Field writes a number member as Float64 does.
func (w *Writer) Float64Field(name string, v *float64) {
	if w.set(name, v != nil) {
		w.Float64(*v)
	}
}

// TimeField writes a time member as Time does.
func (w *Writer) TimeField(name string, v *time.Time) {
	if w.set(name, v != nil) {
		w.Time(*v)
	}
}
