package session_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
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
		"control character": {
			sent: func(*http.Request) (*http.Response, error) { return nil, errors.New("\x1b" + payload) }, use: request,
		},
		"cleaned before": {
			sent: func(req *http.Request) (*http.Response, error) {
				known := redact.New([]string{req.Header.Get("X-Aws-Proxy-Auth")})
				return nil, known.Error(fmt.Errorf("%w of %s", echo, req.Header.Get("X-Aws-Proxy-Auth")))
			}, use: request,
		},
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
		"closed body": {
			use: func(vm *session.Session) error {
				resp, err := vm.Client().Get("/")
				if err != nil {
					return err
				}
				return resp.Body.Close()
			},
			sent: func(*http.Request) (*http.Response, error) {
				resp := newResponse(http.StatusOK, "")
				resp.Body = failingCloser{resp.Body, echo}
				return resp, nil
			},
		},
		"path": {
			use: func(vm *session.Session) error {
				req := newRequest(t, http.MethodGet, vm.URL(0)+"/"+payload)
				_, err := vm.RoundTrip(req)
				return err
			},
			sent: func(req *http.Request) (*http.Response, error) {
				return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errors.New("refused")}
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
			writeErrors(&all, err)
			fmt.Fprintln(&all, text)
			for _, span := range trace.Spans {
				if isStep(span) { // a call does not know the input of an earlier one
					fmt.Fprintln(&all, span.Properties)
				}
			}
			if strings.Contains(all.String(), payload[:16]) || strings.Contains(all.String(), payload[len(payload)-16:]) {
				t.Errorf("the payload is in\n%s", &all)
			}
			if !strings.Contains(all.String(), "[REDACTED]") {
				t.Errorf("nothing has repeated the payload:\n%s", &all)
			}
		})
	}
}

// writeErrors writes an error and all errors below it.
func writeErrors(w io.Writer, err error) {
	fmt.Fprintf(w, "%v %+v %#v\n", err, err, err)
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if below := err.Unwrap(); below != nil {
			writeErrors(w, below)
		}
	case interface{ Unwrap() []error }:
		for _, below := range err.Unwrap() {
			writeErrors(w, below)
		}
	}
}

// failingCloser is a body that cannot be closed.
type failingCloser struct {
	io.Reader

	err error
}

func (f failingCloser) Close() error { return f.err }

// Values in a payload that is JSON are secrets, too.
func TestNoValueOfPayloadInErrors(t *testing.T) {
	s := newService(t)
	vm, err := session.Run(context.Background(), s.Client, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: s.createHooked(t), RunHookPayload: aws.String(`{"user": "bob", "login": ["s3cr3tPa55"]}`),
	}, s.options, func(o *session.Options) {
		o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no login with s3cr3tPa55") })
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vm.Client().Get("/"); err == nil || !strings.HasSuffix(err.Error(), "no login with [REDACTED]") {
		t.Errorf("got %v", err)
	}
}

// The state in an error comes from the service.
func TestStateInErrors(t *testing.T) {
	s := newService(t)
	vm := s.start(t, func(o *session.Options) {
		o.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusBadGateway, ""), nil })
	})
	s.SetOverrides(fake.Overrides{GetMicroVM: func(context.Context, *lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
		return &lambdamicrovms.GetMicroVMOutput{State: "\x1b[31mGONE"}, nil
	}})
	_, err := vm.Client().Get("/")
	var failed *session.ProxyError
	if !errors.As(err, &failed) || failed.State != "[31mGONE" || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %q", err)
	}
}

// A server can repeat the token that it has just rejected.
func TestNoRejectedTokenInErrors(t *testing.T) {
	var rejected string
	vm := newService(t).start(t, func(o *session.Options) {
		o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			if rejected == "" {
				rejected = req.Header.Get("X-Aws-Proxy-Auth")
				return newResponse(http.StatusForbidden, "Token authentication failed"), nil
			}
			return nil, errors.New("rejected before: " + rejected)
		})
	})
	_, err := vm.Client().Get("/")
	if err == nil || strings.Contains(err.Error(), rejected[len(rejected)-20:]) {
		t.Errorf("got %v", err)
	}
}

// A redirect does not repeat the session's token. A token of the application stays, even
// if it begins in the same way.
func TestTokenInRedirect(t *testing.T) {
	for _, c := range []struct {
		name     string
		location func(token string) string
		want     string // "" if it stays
	}{
		{"the token", func(token string) string { return "/back?token=" + token }, "/back?token=[REDACTED]"},
		{"the token, escaped", func(token string) string { return "/back?token=" + url.QueryEscape(token+"+") }, "/back?token=[REDACTED]%2B"},
		{"another token", func(token string) string {
			begin, _, _ := strings.Cut(token, ".")
			return "/back?token=" + begin + ".AAAA.BBBB"
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var location, followed string
			vm := newService(t).start(t, func(o *session.Options) {
				o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
					if location != "" {
						followed = req.URL.RequestURI()
						return newResponse(http.StatusOK, ""), nil
					}
					location = c.location(req.Header.Get("X-Aws-Proxy-Auth"))
					resp := newResponse(http.StatusFound, "")
					resp.Header.Set("Location", location)
					return resp, nil
				})
			})
			send(t, vm.Client(), newRequest(t, http.MethodGet, "/"))
			if want := cmp.Or(c.want, location); followed != want {
				t.Errorf("redirected to %s, followed %s", location, followed)
			}
		})
	}
}

// timeout is an error that an http.Client reports as a timeout.
type timeout struct{ text string }

func (e *timeout) Error() string { return e.text }
func (*timeout) Timeout() bool   { return true }

// A timeout whose text has a secret is still a timeout.
func TestTimeoutWithToken(t *testing.T) {
	vm := newService(t).start(t, func(o *session.Options) {
		o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			return nil, &timeout{"no response to " + req.Header.Get("X-Aws-Proxy-Auth")}
		})
	})
	_, err := vm.Client().Get("/")
	var failed *url.Error
	if !errors.As(err, &failed) || !failed.Timeout() || !strings.HasSuffix(err.Error(), "no response to [REDACTED]") {
		t.Errorf("got %v", err)
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
