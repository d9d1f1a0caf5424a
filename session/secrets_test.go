package session_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
)

// No value that callers receive prints a token, with any verb.
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

// The token is not in the errors of a request, whatever the endpoint sends back.
func TestNoTokenInErrors(t *testing.T) {
	forms := map[string]func(token string) string{
		"plain":    func(token string) string { return token },
		"prefix":   func(token string) string { return token[:40] },
		"hex":      func(token string) string { return hex.EncodeToString([]byte(token)) },
		"base64":   func(token string) string { return base64.StdEncoding.EncodeToString([]byte("x" + token)) },
		"entities": func(token string) string { return each(token, "&#%d;") },
		"percent":  func(token string) string { return each(token, "%%%02x") },
	}
	responses := map[string]string{
		"status line": "HTTP/1.1 %s\r\n\r\n",
		"no HTTP":     "%s\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"location":    "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: :%s\r\n\r\n",
		"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n",
	}
	srv := newService(t)
	for formName, form := range forms {
		for place, response := range responses {
			repeated := ""
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					defer closed(t, server)
					if req, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
						repeated = form(req.Header.Get("X-Aws-Proxy-Auth"))
						_, _ = fmt.Fprintf(server, response, repeated)
					}
				}()
				return client, nil
			}}
			s := srv.start(t, func(o *session.Options) { o.BaseEndpoint, o.Transport = "http://emulator.example", transport })
			resp, err := s.Client().Get("/")
			if err == nil {
				_, err = io.ReadAll(resp.Body)
			}
			if err == nil {
				t.Errorf("%s in %s: no error", formName, place)
				continue
			}
			for below := err; below != nil; below = errors.Unwrap(below) {
				text := fmt.Sprintf("%v %+v %#v", below, below, below)
				for at := 0; at+24 <= len(repeated); at += 8 {
					if strings.Contains(text, repeated[at:at+24]) {
						t.Fatalf("%s in %s: %s", formName, place, text)
					}
				}
			}
		}
	}
}

// A secret of the input is not in the errors of a session, nor in its records and spans,
// whatever the service, the proxy and the transport repeat.
func TestNoPayloadInErrors(t *testing.T) {
	const payload = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	ctx := context.Background()
	request := func(vm *session.Session) error {
		resp, err := vm.Client().Get("/")
		if err != nil {
			return err
		}
		_, err = io.ReadAll(resp.Body)
		return err
	}
	echo := errors.New("the service said " + payload)
	for name, test := range map[string]struct {
		failing fake.Operation // repeats the payload
		sent    func(*http.Request) (*http.Response, error)
		use     func(*session.Session) error
	}{
		"Describe":  {failing: fake.GetMicroVM, use: func(vm *session.Session) error { _, err := vm.Describe(ctx); return err }},
		"Wait":      {failing: fake.GetMicroVM, use: func(vm *session.Session) error { _, err := vm.Wait(ctx); return err }},
		"Suspend":   {failing: fake.SuspendMicroVM, use: func(vm *session.Session) error { return vm.Suspend(ctx) }},
		"Resume":    {failing: fake.GetMicroVM, use: func(vm *session.Session) error { return vm.Resume(ctx) }},
		"Close":     {failing: fake.TerminateMicroVM, use: (*session.Session).Close},
		"Shell":     {failing: fake.CreateMicroVMShellAuthToken, use: func(vm *session.Session) error { _, err := vm.Shell(ctx); return err }},
		"WebSocket": {failing: fake.CreateMicroVMAuthToken, use: func(vm *session.Session) error { _, err := vm.WebSocket(ctx, 0); return err }},
		"token":     {failing: fake.CreateMicroVMAuthToken, use: request},
		"transport": {sent: func(*http.Request) (*http.Response, error) { return nil, echo }, use: request},
		"state": {
			failing: fake.GetMicroVM, use: request,
			sent: func(*http.Request) (*http.Response, error) { return newResponse(http.StatusBadGateway, ""), nil },
		},
		"resume on demand": {
			failing: fake.ResumeMicroVM, use: func(vm *session.Session) error {
				if err := vm.Suspend(ctx); err != nil {
					return err
				}
				return request(vm)
			},
		},
		"location": {use: request, sent: func(*http.Request) (*http.Response, error) {
			resp := newResponse(http.StatusFound, "")
			resp.Header.Set("Location", ":"+payload)
			return resp, nil
		}},
		"body": {use: request, sent: func(*http.Request) (*http.Response, error) {
			resp := newResponse(http.StatusOK, "")
			resp.Body = io.NopCloser(iotest.ErrReader(echo))
			return resp, nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			trace, logger, text := s.observed()
			vm, err := session.Run(ctx, s.Client, &lambdamicrovms.RunMicroVMInput{
				ImageIdentifier: s.createHooked(t), RunHookPayload: aws.String(payload),
			}, s.options, func(o *session.Options) {
				o.Logger, o.ResumeOnDemand = logger, true
				if test.sent != nil {
					o.Transport = roundTripper(test.sent)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Inject(fake.QuotaExceeded{Message: echo.Error()}, fake.On(test.failing))
			err = test.use(vm)
			if err == nil {
				t.Fatal("no error")
			}
			var all strings.Builder
			for below := err; below != nil; below = errors.Unwrap(below) {
				fmt.Fprintf(&all, "%v %+v\n", below, below)
			}
			fmt.Fprintln(&all, text)
			for _, span := range trace.Spans {
				if isStep(span) { // a call does not know the input of an earlier one
					fmt.Fprintln(&all, span.Properties)
				}
			}
			if strings.Contains(all.String(), payload[:20]) {
				t.Errorf("the payload is in\n%s", &all)
			}
			if !strings.Contains(all.String(), "[REDACTED]") {
				t.Errorf("nothing has repeated the payload:\n%s", &all)
			}
		})
	}
}

// each formats each byte of a text.
func each(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}
