package restjson

import (
	"strconv"
	"time"
)

// String reads a string; null is "".
func (r *Reader) String() string {
	s, _ := r.readString()
	return s
}

// Bool reads a boolean; null is false.
func (r *Reader) Bool() bool {
	b, _ := r.readBool()
	return b
}

// Int32 reads an integer; null is 0.
func (r *Reader) Int32() int32 {
	n, _ := r.readInteger("a 32-bit integer", 32)
	return int32(n)
}

// Int64 reads an integer; null is 0.
func (r *Reader) Int64() int64 {
	n, _ := r.readInteger("a 64-bit integer", 64)
	return n
}

// Float64 reads a number, or the strings "NaN", "Infinity" and "-Infinity"; null is 0.
func (r *Reader) Float64() float64 {
	f, _ := r.readFloat64()
	return f
}

// Time reads epoch seconds as a time in UTC; null is the zero time.
func (r *Reader) Time() time.Time {
	t, _ := r.readTime()
	return t
}

// StringPtr reads a string; null is nil.
func (r *Reader) StringPtr() *string {
	if s, ok := r.readString(); ok {
		return r.strings.pointer(s)
	}
	return nil
}

// BoolPtr reads a boolean; null is nil.
func (r *Reader) BoolPtr() *bool {
	if b, ok := r.readBool(); ok {
		return r.bools.pointer(b)
	}
	return nil
}

// Int32Ptr reads an integer; null is nil.
func (r *Reader) Int32Ptr() *int32 {
	if n, ok := r.readInteger("a 32-bit integer", 32); ok {
		return r.int32s.pointer(int32(n))
	}
	return nil
}

// Int64Ptr reads an integer; null is nil.
func (r *Reader) Int64Ptr() *int64 {
	if n, ok := r.readInteger("a 64-bit integer", 64); ok {
		return r.int64s.pointer(n)
	}
	return nil
}

// Float64Ptr reads a number as Float64 does; null is nil.
func (r *Reader) Float64Ptr() *float64 {
	if f, ok := r.readFloat64(); ok {
		return r.float64s.pointer(f)
	}
	return nil
}

// TimePtr reads epoch seconds as a time in UTC; null is nil.
func (r *Reader) TimePtr() *time.Time {
	if t, ok := r.readTime(); ok {
		return r.times.pointer(t)
	}
	return nil
}

// In the functions below ok is false for null and after an error.

func (r *Reader) readString() (s string, ok bool) {
	if r.kind() != stringKind {
		return "", r.mismatch("a string")
	}
	start := r.pos + 1
	end, simple, bad := scanString(r.src, start)
	if bad != "" {
		r.syntaxError(end, bad)
		return "", false
	}
	r.pos = end + 1
	return text(r.src[start:end], simple), true
}

func (r *Reader) readBool() (b, ok bool) {
	if r.kind() != booleanKind {
		return false, r.mismatch("a boolean")
	}
	if r.src[r.pos] == 't' {
		ok = r.readLiteral("true")
		return ok, ok
	}
	return false, r.readLiteral("false")
}

func (r *Reader) readInteger(want string, bits int) (n int64, ok bool) {
	start, number, ok := r.readNumber(want)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(number, 10, bits)
	if err != nil {
		r.typeError(start, numberProblem(err, want))
		return 0, false
	}
	return n, true
}

func (r *Reader) readFloat64() (f float64, ok bool) {
	const want = "a number"
	if r.kind() == stringKind {
		start := r.pos
		s, ok := r.readString()
		if !ok {
			return 0, false
		}
		f, ok := parseFloatName(s)
		if !ok {
			r.typeError(start, "want a number, got a string")
		}
		return f, ok
	}
	start, number, ok := r.readNumber(want)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		r.typeError(start, numberProblem(err, "a 64-bit float"))
		return 0, false
	}
	return f, true
}

func (r *Reader) readTime() (t time.Time, ok bool) {
	start, number, ok := r.readNumber("epoch seconds")
	if !ok {
		return time.Time{}, false
	}
	if t, ok = parseEpoch(number); !ok {
		r.typeError(start, "epoch seconds outside the years 1 to 9999")
	}
	return t, ok
}

// readNumber reads a number and returns its text and where that starts.
func (r *Reader) readNumber(want string) (start int, number string, ok bool) {
	if r.kind() != numberKind {
		return 0, "", r.mismatch(want)
	}
	start = r.pos
	end, bad := scanNumber(r.src, start)
	if bad != "" {
		r.syntaxError(end, bad)
		return 0, "", false
	}
	r.pos = end
	return start, r.src[start:end], true
}
