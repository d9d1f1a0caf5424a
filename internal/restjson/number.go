package restjson

import (
	"errors"
	"math"
	"strconv"
)

// The restJson1 protocol writes numbers that JSON lacks as these strings.
const (
	notANumber       = "NaN"
	positiveInfinity = "Infinity"
	negativeInfinity = "-Infinity"
)

// appendFloat appends the shortest form of f that parses to f again. It uses an exponent
// where encoding/json does.
func appendFloat(buf []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return appendString(buf, notANumber)
	case math.IsInf(f, 1):
		return appendString(buf, positiveInfinity)
	case math.IsInf(f, -1):
		return appendString(buf, negativeInfinity)
	}
	abs := math.Abs(f)
	if abs == 0 || 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(buf, f, 'f', -1, 64)
	}
	buf = strconv.AppendFloat(buf, f, 'e', -1, 64)
	if n := len(buf); buf[n-4] == 'e' && buf[n-3] == '-' && buf[n-2] == '0' {
		buf = append(buf[:n-2], buf[n-1]) // e-09 becomes e-9
	}
	return buf
}

// parseFloatName returns the number that the protocol writes as the string s.
func parseFloatName(s string) (f float64, ok bool) {
	switch s {
	case notANumber:
		return math.NaN(), true
	case positiveInfinity:
		return math.Inf(1), true
	case negativeInfinity:
		return math.Inf(-1), true
	}
	return 0, false
}

// numberProblem says why a well-formed number is not of the type want. It does not use
// the text of err, an error of strconv, because that quotes the number.
func numberProblem(err error, want string) string {
	if errors.Is(err, strconv.ErrRange) {
		return "number out of the range of " + want
	}
	return "want " + want + ", got a number with a fraction or exponent"
}
