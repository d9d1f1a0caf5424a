package session_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
)

// No value that callers get prints a token with any verb.
func TestNoTokenInPrint(t *testing.T) {
	srv := newService(t, fake.WithApplication(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 8080))
	sent := &tape{RoundTripper: srv}
	s := srv.start(t, func(o *session.Options) { o.Transport = sent })
	resp, err := s.Client().Get("/")
	if err != nil {
		t.Fatal(err)
	}
	secret := sent.secret()
	if len(secret) < 20 {
		t.Fatalf("the token is %q", secret)
	}
	_, nothing := s.Client().Get(s.URL(9))
	secrets := []string{secret}
	for _, req := range sent.requests {
		secrets = append(secrets, req.Header.Get("X-Aws-Proxy-Auth"))
	}
	sent.requests = nil

	values := map[string]any{
		"session":        s,
		"nil session":    (*session.Session)(nil),
		"client":         s.Client(),
		"clients":        []*http.Client{s.Client()},
		"sessions":       map[string]*session.Session{"a": s},
		"field":          struct{ S *session.Session }{s},
		"request":        resp.Request,
		"request header": resp.Request.Header,
		"response":       resp,
		"error":          nothing,
	}
	for name, value := range values {
		var logs bytes.Buffer
		slog.New(slog.NewJSONHandler(&logs, nil)).Info("value", "value", value)
		slog.New(slog.NewTextHandler(&logs, nil)).Info("value", "value", value)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&logs, verb, value)
		}
		for _, secret := range secrets {
			if strings.Contains(logs.String(), secret) || strings.Contains(logs.String(), fmt.Sprintf("%x", secret)) {
				t.Errorf("%s prints a token: %s", name, logs.String())
			}
		}
	}
	if want, got := "session.Session{"+s.ID()+", tokens: [REDACTED]}", fmt.Sprint(s); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if err := s.Suspend(context.Background()); err != nil {
		t.Fatal(err)
	}
}
