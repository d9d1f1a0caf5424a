package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strconv"
)

// addEncodings adds the encodings of a secret that reduce does not decode.
func (x *index) addEncodings(secret string) {
	x.addEncoded([]byte(secret))
	if text := jsonText(secret); text != secret {
		x.addEncoded([]byte(text)) // the whole JSON body may be encoded
	}
}

func (x *index) addEncoded(form []byte) {
	eachEncoding(form, func(needle []byte) bool {
		x.add(needle, "")
		return true
	})
}

// eachEncoding calls yield with each encoding of a form, until it returns false. The
// encoding is valid until yield returns. eachEncoding reports whether yield always
// returned true.
func eachEncoding(form []byte, yield func([]byte) bool) bool {
	scratch := make([]byte, 0, 4*len(form)+8)
	for _, c := range form {
		scratch = strconv.AppendUint(scratch, uint64(c), 10)
	}
	if !yield(scratch) {
		return false
	}
	scratch = scratch[:0]
	for _, c := range form { // as %#v prints bytes
		scratch = strconv.AppendUint(append(scratch, "0x"...), uint64(c), 16)
	}
	if !yield(scratch) || !yield(hex.AppendEncode(scratch[:0], form)) {
		return false
	}
	// In the encoding of a longer text a secret can begin at any place in a group of
	// characters. Its first and last characters also encode the neighboring bytes.
	shifted := append(make([]byte, 4, 4+len(form)), form...)
	for shift := range 3 {
		scratch = base64.RawStdEncoding.AppendEncode(scratch[:0], shifted[4-shift:])
		if !yield(lettersAndDigits(inner(scratch, shift, len(form), 6))) {
			return false
		}
	}
	for shift := range 5 {
		scratch = base32.StdEncoding.WithPadding(base32.NoPadding).AppendEncode(scratch[:0], shifted[4-shift:])
		if !yield(lettersAndDigits(inner(scratch, shift, len(form), 5))) {
			return false
		}
	}
	return true
}

// inner returns the characters of an encoding that encode only the secret. Each character
// encodes the given number of bits. The secret has size bytes and follows shift others.
func inner(encoded []byte, shift, size, bits int) []byte {
	first, last := (shift*8+bits-1)/bits, (shift+size)*8/bits
	return encoded[min(first, last):last]
}

// lettersAndDigits reduces an encoding in place. Encodings have no escapes, and their
// other characters depend on the variant.
func lettersAndDigits(encoded []byte) []byte {
	kept := encoded[:0]
	for _, c := range encoded {
		if !isKept(rune(c)) {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		kept = append(kept, c)
	}
	return kept
}
