//go:build !race

package redact

import "testing"

// Most texts about a call hold no secret, so such a text must not cost memory, nor an
// index of the secrets.
func TestSieveAllocatesNothing(t *testing.T) {
	secrets := []string{"Kx7Jq2mWv9Lp4Rt8-Zb3N", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	const text = "https response error StatusCode: 503, RequestID: 8b1f1a5e-2f6c-4f1f-9c35-5bb7a0c0a9a1, api error ServiceUnavailable: Service Unavailable"
	s := New(secrets)
	s.Redact(text)
	if s.indexed.Load() {
		t.Error("the text did not pass")
	}
	if n := testing.AllocsPerRun(maxSieves-2, func() { s.Redact(text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	s.Redact("it is " + secrets[0])
	if !s.indexed.Load() {
		t.Error("a secret passed")
	}
}
