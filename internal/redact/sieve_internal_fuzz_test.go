package redact

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// If a text passes the sieve, the index finds nothing in it: neither in a text of the
// fuzzer nor in one that holds a part of the secret, in any encoding and at any place.
func FuzzSieve(f *testing.F) {
	for _, secret := range []string{
		"Kx7Jq2mWv9Lp4Rt8-Zb3N", "hunter22", "p4ssw0rd+/", "\x01\x02\x03\x04\x05\x06\x07\x08x9", "пароль-секретный-длинный",
		`a\u0041&amp;b%41+/==c0123456789`, "--------++++++++", "AKIDEXAMPL3", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "quote\"d0123456789",
	} {
		f.Add(secret, "x", "before ", uint8(3), uint8(20))
		f.Add(secret, "x", "b", uint8(0), uint8(20))
	}
	f.Fuzz(func(t *testing.T, secret, text, before string, from, to uint8) {
		s := New([]string{secret})
		s.build()
		part := secret[min(int(from), len(secret)):]
		part = part[:min(int(to), len(part))]
		for _, whole := range []string{secret, part, before + secret, before + part} {
			b := []byte(whole)
			for _, text := range []string{
				text, whole, text + whole, text + " " + strings.ToUpper(whole), strconv.Quote(whole), jsonText(whole), jsonText(jsonText(whole)),
				hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
				strings.ToLower(base64.StdEncoding.EncodeToString(b)), base32.StdEncoding.EncodeToString(b), text + base32.HexEncoding.EncodeToString(b),
				fmt.Sprintf("%d", b), fmt.Sprintf("%#v", b), fmt.Sprintf("%x", jsonText(whole)),
				base64.StdEncoding.EncodeToString([]byte(jsonText(whole))), base32.StdEncoding.EncodeToString([]byte(jsonText(whole))),
			} {
				v := newSieve()
				v.add(text)
				v.add(before)
				passes := s.passes(v)
				v.release()
				if found := s.index.find(reduce(text), ""); passes && len(found) > 0 {
					t.Errorf("%q holds %v of %q", text, found, secret)
				}
			}
		}
	})
}
