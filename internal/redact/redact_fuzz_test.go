package redact_test

import (
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// No run of a secret survives, whatever is around it, in every form, and with every
// character that Clean removes inside it.
func FuzzRedact(f *testing.F) {
	f.Add("Kx7Jq2mWv9Lp4Rt8-Zb3N", "before ", " after")
	f.Add("0123456789abcdef\x00ghijklm\u00adnop", "%", "%")
	f.Add(`a\u0041&amp;b%41+/==c0123456789`, `\`, ";")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		letters := 0
		for _, c := range secret {
			if c >= 0x80 || c == '%' || c == '\\' || c == '&' { // what an escape within the secret is, is for the table above
				return
			}
			if '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
				letters++
			}
		}
		if letters < 16 || strings.ContainsAny(before+after, `%\&`) {
			return
		}
		secrets := redact.New([]string{secret})
		for name, encode := range encodings() {
			text := encode(before + secret + after)
			got := secrets.Redact(text)
			if strings.Contains(got, encode(secret)) || !strings.Contains(got, redact.Text) {
				t.Errorf("%s: %q becomes %q", name, text, got)
			}
			if cleaned := secrets.Clean(text, 1<<20); strings.Contains(cleaned, redact.Clean(encode(secret), 1<<20)) {
				t.Errorf("%s, cleaned: %q becomes %q", name, text, cleaned)
			}
		}
	})
}
