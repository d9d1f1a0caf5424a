package session_test

import (
	"net/http"
	"testing"

	"github.com/microvm-go/lambdamicrovms/session"
)

// BenchmarkRoundTrip measures what a session adds to its transport.
func BenchmarkRoundTrip(b *testing.B) {
	srv := newService(b)
	resp := newResponse(http.StatusOK, "")
	s := srv.start(b, func(o *session.Options) {
		o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return resp, nil })
	})
	req := newRequest(b, http.MethodGet, s.URL(0)+"/a")
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Authorization", "Bearer x")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.RoundTrip(req); err != nil {
			b.Fatal(err)
		}
	}
}
