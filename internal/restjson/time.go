package restjson

import (
	"strconv"
	"strings"
	"time"
)

// Timestamps are epoch seconds, from the year 1 to the year 9999.
const (
	minEpoch = -62135596800 // 0001-01-01T00:00:00Z
	maxEpoch = 253402300799 // 9999-12-31T23:59:59Z
)

// epochOf splits t into a sign, seconds and nanoseconds. It fails if t is out of range.
func epochOf(t time.Time) (negative bool, sec, nsec int64, ok bool) {
	sec, nsec = t.Unix(), int64(t.Nanosecond())
	if sec < minEpoch || sec > maxEpoch {
		return false, 0, 0, false
	}
	if sec >= 0 {
		return false, sec, nsec, true
	}
	if nsec > 0 { // Nanosecond is never negative, even before 1970
		return true, -(sec + 1), 1e9 - nsec, true
	}
	return true, -sec, 0, true
}

// appendEpoch appends seconds with as many digits of the fraction as it has.
func appendEpoch(buf []byte, negative bool, sec, nsec int64) []byte {
	if negative {
		buf = append(buf, '-')
	}
	buf = strconv.AppendInt(buf, sec, 10)
	if nsec == 0 {
		return buf
	}
	buf = append(buf, '.')
	for unit := int64(1e8); nsec > 0; unit /= 10 {
		buf = append(buf, byte('0'+nsec/unit))
		nsec %= unit
	}
	return buf
}

// parseEpoch returns the time for a number of seconds in well-formed JSON. It is exact to
// the nanosecond, unlike a float64, and truncates further digits. It fails if the time is
// out of range.
func parseEpoch(number string) (t time.Time, ok bool) {
	negative := number[0] == '-'
	if negative {
		number = number[1:]
	}
	mantissa, exponent := number, int64(0)
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, exponent = number[:i], parseExponent(number[i+1:])
	}
	point := strings.IndexByte(mantissa, '.')
	if point < 0 {
		point = len(mantissa)
	}

	var sec, nsec int64
	place := int64(point) - 1 + exponent // of the next digit, as a power of ten
	for i := 0; i < len(mantissa); i++ {
		if mantissa[i] == '.' {
			continue
		}
		digit := int64(mantissa[i] - '0')
		switch {
		case place > 11:
			if digit != 0 {
				return time.Time{}, false // years beyond 9999
			}
		case place >= 0:
			sec = sec*10 + digit
		case place >= -9:
			nsec = nsec*10 + digit
		}
		place--
	}
	// Missing digits are zeros.
	if sec != 0 {
		for ; place >= 0; place-- {
			sec *= 10
		}
	}
	if nsec != 0 {
		for ; place >= -9; place-- {
			nsec *= 10
		}
	}

	if negative {
		sec, nsec = -sec, -nsec
	}
	t = time.Unix(sec, nsec).UTC()
	if s := t.Unix(); s < minEpoch || s > maxEpoch {
		return time.Time{}, false
	}
	return t, true
}

// parseExponent parses the exponent of a number. No document is long enough for exponents
// beyond the limit to differ in effect.
func parseExponent(s string) int64 {
	const limit = 1 << 48
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	var n int64
	for i := 0; i < len(s) && n < limit; i++ {
		n = n*10 + int64(s[i]-'0')
	}
	if negative {
		return -n
	}
	return n
}
