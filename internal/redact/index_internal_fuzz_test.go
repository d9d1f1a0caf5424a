package redact

import (
	"strings"
	"testing"
)

// If isWithout finds no secret in a text, there is none in the reduced text.
func FuzzIsWithout(f *testing.F) {
	for _, text := range []string{
		"", "short", "a text about nothing", "before Kx7Jq2mWv9Lp4Rt8-Zb3N after", "KX7JQ2MW, then V9LP4RT8",
		"x-4b78374a71", `\u004bx7Jq2mW`, "%4Bx7Jq2mWv9Lp4Rt8", "Kx7Jq2mé", "S3g3SnEybVd2OUxwNFJ0OC1aYjNO", "Kx7Jq2m", "&#75;x7J",
	} {
		f.Add("Kx7Jq2mWv9Lp4Rt8-Zb3N", text)
	}
	f.Fuzz(func(t *testing.T, secret, text string) {
		s := New([]string{secret})
		s.build()
		for _, text := range []string{text, text + secret, strings.ToUpper(secret) + text} {
			if found := s.index.find(reduce(text), ""); s.index.isWithout(text) && len(found) > 0 {
				t.Errorf("%q holds %v of %q", text, found, secret)
			}
		}
	})
}

// Most texts about a call hold no secret, so such a text must not cost memory.
func TestIsWithoutAllocatesNothing(t *testing.T) {
	s := New([]string{"Kx7Jq2mWv9Lp4Rt8-Zb3N"})
	s.indexing.Do(s.build) // otherwise the sieve, which has a test of its own, looks first
	const text = "https response error StatusCode: 503, RequestID: 0123-4567, api error ServiceUnavailable: Service Unavailable"
	if s.Redact(text) != text {
		t.Fatal("it holds a secret")
	}
	if n := testing.AllocsPerRun(20, func() { s.Redact(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
