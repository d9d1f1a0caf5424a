package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestWhereRequestsGo(t *testing.T) {
	srv := newService(t)
	sent := &tape{RoundTripper: srv}
	s := srv.start(t, func(o *session.Options) {
		o.Transport = sent
		o.Port = 3000
		o.HeaderPorts = []types.PortSpecification{port(9)}
	})
	host := strings.TrimPrefix(s.URL(0), "https://")
	tests := []struct {
		url    string
		header string // X-aws-proxy-port
		host   string // that the caller sets
		port   int
		path   string
	}{
		{url: "/a?b=c", port: 3000, path: "/a?b=c"},
		{url: "/a", header: "9", port: 9, path: "/a"},
		{url: s.URL(0) + "/a", port: 3000, path: "/a"},
		{url: s.URL(8080) + "/a%2Fb", port: 8080, path: "/a%2Fb"},
		{url: s.URL(8080) + "/a", header: "9", port: 9, path: "/a"},
		{url: "http://" + strings.ToUpper(host), port: 3000, path: "/"},
		{url: "wss://" + host + ":65535/a", port: 65535, path: "/a"},
		{url: s.URL(443), port: 443, path: "/"},
		{url: "/a", host: "elsewhere.example", port: 3000, path: "/a"},
	}
	for _, tt := range tests {
		req, err := http.NewRequest(http.MethodPost, tt.url, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if tt.header != "" {
			req.Header.Set("X-aws-proxy-port", tt.header)
		}
		if tt.host != "" {
			req.Host = tt.host
		}
		before := req.Clone(context.Background())
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		echo := decode[fake.Echo](t, resp)
		want := fake.Echo{MicroVMID: s.ID(), Port: tt.port, Method: http.MethodPost, Host: host, URL: tt.path, Body: "body"}
		if diff := cmp.Diff(want, echo, cmpopts.IgnoreFields(fake.Echo{}, "Header")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.url, diff)
		}
		if diff := cmp.Diff(before.Header, req.Header); diff != "" {
			t.Errorf("%s: the caller's request has changed (-want +got):\n%s", tt.url, diff)
		}
		if resp.Request != req {
			t.Errorf("%s: the response is to %v", tt.url, resp.Request)
		}
	}
	if diff := cmp.Diff([]string{"https://" + host}, sent.hosts()); diff != "" {
		t.Errorf("requests went to (-want +got):\n%s", diff)
	}
}

func TestRequestsNotSent(t *testing.T) {
	srv := newService(t)
	sent := &tape{RoundTripper: srv}
	s := srv.start(t, func(o *session.Options) { o.Transport = sent })
	host := strings.TrimPrefix(s.URL(0), "https://")
	tests := []struct {
		url, port string
		want      string
	}{
		{url: "https://elsewhere.example/", want: "session: the request is for host elsewhere.example, but this session sends only to " + host},
		{url: "https://" + host + ".", want: "session: the request is for host " + host + "., but this session sends only to " + host},
		{url: "https://" + host + ".elsewhere.example/", want: "session: the request is for host " + host + ".elsewhere.example, but this session sends only to " + host},
		{url: s.URL(0) + ":0/", want: `session: "0" is not a port`},
		{url: s.URL(0) + ":65536/", want: `session: "65536" is not a port`},
		{url: "/", port: "http", want: `session: "http" is not a port`},
	}
	for _, tt := range tests {
		body := &closeNoter{Reader: strings.NewReader("body")}
		req, err := http.NewRequest(http.MethodPost, tt.url, body)
		if err != nil {
			t.Fatal(err)
		}
		if tt.port != "" {
			req.Header.Set("X-aws-proxy-port", tt.port)
		}
		resp, err := s.RoundTrip(req)
		if resp != nil || err == nil || err.Error() != tt.want || !body.closed {
			t.Errorf("%s: %v, %v, want %s; body closed: %t", tt.url, resp, err, tt.want, body.closed)
		}
		var host *session.HostError
		if foreign := strings.Contains(tt.want, "is for"); foreign != errors.As(err, &host) {
			t.Errorf("%s: error is a %T", tt.url, err)
		}
	}
	if len(sent.requests) > 0 || srv.count(fake.CreateMicroVMAuthToken) > 0 {
		t.Errorf("%d requests were sent", len(sent.requests))
	}
}

// closeNoter is a body that cannot be rewound.
type closeNoter struct {
	io.Reader
	closed bool
}

func (c *closeNoter) Close() error {
	c.closed = true
	return nil
}

func TestRedirects(t *testing.T) {
	tests := []struct {
		location string // HOST is the session's
		want     string // the body of the last response
	}{
		{"/end", "302 Found at port 9: end of /end"},
		{"https://HOST/end", "302 Found at port 9: end of /end"},
		{"https://HOST:7/end", "302 Found at port 7: end of /end"},
		{"http://HOST/end", "302 Found at port 9: end of /end"},
		{"https://elsewhere.example/end", "302 Found itself"},
		{"//elsewhere.example/end", "302 Found itself"},
		{"/begin", "stopped after 10 redirects"},
	}
	for _, tt := range tests {
		t.Run(tt.location, func(t *testing.T) {
			srv := newService(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/begin" {
					http.Redirect(w, r, strings.ReplaceAll(tt.location, "HOST", r.Host), http.StatusFound)
					return
				}
				fmt.Fprintf(w, "302 Found at port %d: end of %s", fake.DestinationOf(r.Context()).Port, r.URL.Path)
			})))
			sent := &tape{RoundTripper: srv}
			s := srv.start(t, func(o *session.Options) {
				o.Transport = sent
				o.HeaderPorts = []types.PortSpecification{port(9)}
			})
			for _, base := range []string{"", s.URL(9)} {
				if base == "" && strings.Contains(tt.location, ":7") {
					continue // net/http would send the header to the other host
				}
				req, _ := http.NewRequest(http.MethodGet, base+"/begin", nil)
				if base == "" {
					req.Header.Set("X-aws-proxy-port", "9")
				}
				var got string
				resp, err := s.Client().Do(req)
				switch {
				case err != nil:
					got = err.Error()
				case resp.StatusCode == http.StatusFound:
					got = resp.Status + " itself"
				default:
					text, _ := io.ReadAll(resp.Body)
					got = string(text)
				}
				if !strings.Contains(got, tt.want) {
					t.Errorf("from %s got %s, want %s", base, got, tt.want)
				}
			}
			if diff := cmp.Diff([]string{s.URL(0)}, sent.hosts()); diff != "" {
				t.Errorf("requests went to (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxyErrors(t *testing.T) {
	ctx := context.Background()
	only8080 := fake.WithApplication(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 8080)
	narrow := []types.PortSpecification{&types.PortSpecificationMemberPort{Value: 8080}}
	tests := []struct {
		name   string
		opt    fake.Option
		before func(*service, *session.Session)
		allow  []types.PortSpecification
		mangle string // the token, in every request
		url    string
		want   session.ProxyError
		text   string
	}{
		{
			name: "no token gets there", mangle: "?", url: "/",
			want: session.ProxyError{Status: 403, Kind: session.KindMissingAuth, Port: 8080},
			text: "session: the proxy of ID returned 403 for port 8080: missing authentication",
		},
		{
			name: "another server's token", url: "/", mangle: strings.TrimSuffix(strings.Repeat("AAAAAAAAAAAAAAAA.", 5), "."),
			want: session.ProxyError{Status: 403, Kind: session.KindWrongToken, Port: 8080},
			text: "session: the proxy of ID returned 403 for port 8080: authentication failed",
		},
		{
			name: "port not allowed", allow: narrow, url: "https://HOST:9000/",
			want: session.ProxyError{Status: 403, Kind: session.KindPortDenied, Port: 9000},
			text: "session: the proxy of ID returned 403 for port 9000: the token does not open this port, see Options.AllowedPorts",
		},
		{
			name: "nothing listens", opt: only8080, url: "https://HOST:9000/",
			want: session.ProxyError{Status: 502, Kind: session.KindNothingListening, Port: 9000, State: "RUNNING"},
			text: "session: the proxy of ID returned 502 for port 9000: nothing listens on this port",
		},
		{
			name: "suspended", url: "/",
			before: func(_ *service, s *session.Session) { _ = s.Suspend(ctx) },
			want:   session.ProxyError{Status: 502, Kind: session.KindSuspended, Port: 8080, State: "SUSPENDED"},
			text:   "session: the proxy of ID returned 502 for port 8080: the MicroVM is SUSPENDED",
		},
		{
			name: "about to be suspended", url: "/",
			before: func(srv *service, s *session.Session) {
				_, _ = srv.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: aws.String(s.ID())})
			},
			want: session.ProxyError{Status: 502, Kind: session.KindSuspended, Port: 8080, State: "SUSPENDING"},
			text: "session: the proxy of ID returned 502 for port 8080: the MicroVM is SUSPENDING",
		},
		{
			name: "terminated", url: "/",
			before: func(srv *service, s *session.Session) {
				_, _ = s.Client().Get("/") // while it can have a token
				_, _ = srv.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String(s.ID())})
				srv.Advance(time.Minute)
			},
			want: session.ProxyError{Status: 502, Kind: session.KindTerminated, Port: 8080, State: "TERMINATED", Reason: "Success."},
			text: "session: the proxy of ID returned 502 for port 8080: the MicroVM is TERMINATED: Success.",
		},
		{
			name: "state not to be had", opt: only8080, url: "https://HOST:9000/",
			before: func(srv *service, _ *session.Session) {
				srv.Inject(fake.BadGateway{Status: 403}, fake.On(fake.GetMicroVM))
			},
			want: session.ProxyError{Status: 502, Kind: session.KindUnreachable, Port: 9000},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opt == nil {
				tt.opt = fake.WithSeed(2)
			}
			srv := newService(t, tt.opt)
			s := srv.start(t, func(o *session.Options) {
				o.AllowedPorts = tt.allow
				if tt.mangle != "" {
					o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
						req.Header.Set("X-aws-proxy-auth", tt.mangle)
						return srv.RoundTrip(req)
					})
				}
			})
			if tt.before != nil {
				tt.before(srv, s)
			}
			url := strings.ReplaceAll(tt.url, "HOST", strings.TrimPrefix(s.URL(0), "https://"))
			resp, err := s.Client().Get(url)
			var got *session.ProxyError
			if resp != nil || !errors.As(err, &got) {
				t.Fatalf("Get = %v, %v, want a *ProxyError", resp, err)
			}
			tt.want.MicroVMID = s.ID()
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(session.ProxyError{}, "Err")); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if text := strings.ReplaceAll(tt.text, "ID", s.ID()); tt.text != "" && got.Error() != text || (tt.text == "") != (got.Err != nil) {
				t.Errorf("error = %v, want %s", got, text)
			}
		})
	}
}

// Responses of the application are returned unchanged, even if they resemble the proxy's.
func TestResponsesOfTheApplication(t *testing.T) {
	tests := []struct {
		method string
		status int
		body   string
		proxy  session.Kind // the kind of ProxyError
	}{
		{status: 200, body: "Token authentication failed"},
		{status: 401, body: "Token authentication failed"},
		{status: 403, body: ""},
		{status: 403, body: "Token authentication failed for user Ada"},
		{status: 403, body: `{"message":"Token authentication failed"}`},
		{status: 403, body: "token authentication failed"},
		{status: 403, body: "Access to port"},
		{status: 403, body: "Access to port denied" + strings.Repeat(" ", 100)},
		{status: 403, body: strings.Repeat("Access to port denied", 1000)},
		{status: 403, body: "Access to port denied\n", proxy: session.KindPortDenied},
		{status: 502, body: "Bad Gateway"},
		{status: 502, body: "\n"},
		{status: 503, body: ""},
		{status: 502, body: "", proxy: session.KindNothingListening},
		{method: http.MethodHead, status: 502},
		{method: http.MethodHead, status: 403},
	}
	for _, tt := range tests {
		name := fmt.Sprintf("%s %d %.40q", tt.method, tt.status, tt.body)
		srv := newService(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		})))
		s := srv.start(t)
		req, err := http.NewRequest(tt.method, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(req)
		var refused *session.ProxyError
		switch {
		case tt.proxy != "":
			if !errors.As(err, &refused) || refused.Kind != tt.proxy {
				t.Errorf("%s: %v, want it taken for %q", name, err, tt.proxy)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			body, err := io.ReadAll(resp.Body)
			if string(body) != tt.body || err != nil || resp.Body.Close() != nil {
				t.Errorf("%s: the body is %.40q, %v", name, body, err)
			}
		}
	}
}

// The session neither waits for nor loses the body of a 403 that continues later or
// breaks off.
func TestBodyPutBack(t *testing.T) {
	srv := newService(t)
	broken := errors.New("broken")
	more, rest := io.Pipe()
	tests := []struct {
		name   string
		status int
		body   io.Reader
		want   string
		err    error
	}{
		{"goes on later", 403, io.MultiReader(strings.NewReader("Acc"), strings.NewReader("use"), more), "Accused later", nil},
		{"breaks off", 403, io.MultiReader(strings.NewReader("Access to port denied"), failing{broken}), "Access to port denied", broken},
		{"breaks off at once", 502, failing{broken}, "", broken},
	}
	for _, tt := range tests {
		s := srv.start(t, func(o *session.Options) {
			o.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				resp := newResponse(tt.status, "")
				resp.Body = io.NopCloser(tt.body)
				return resp, nil
			})
		})
		resp, err := s.Client().Get("/")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if tt.name == "goes on later" {
			go func() {
				_, _ = io.WriteString(rest, "d later")
				_ = rest.Close()
			}()
		}
		got, err := io.ReadAll(resp.Body)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: body %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// onDemand sets ResumeOnDemand.
func onDemand(o *session.Options) { o.ResumeOnDemand = true }

func TestResumeOnDemand(t *testing.T) {
	tests := []struct {
		name   string
		method string
		key    bool
		body   io.Reader
		again  bool // the request is sent again
	}{
		{name: "GET", method: http.MethodGet, again: true},
		{name: "GET with a body", method: http.MethodGet, body: strings.NewReader("body"), again: true},
		{name: "GET with a body to be read once", method: http.MethodGet, body: io.MultiReader(strings.NewReader("body"))},
		{name: "HEAD", method: http.MethodHead, again: true},
		{name: "POST", method: http.MethodPost, body: strings.NewReader("body")},
		{name: "POST without body", method: http.MethodPost},
		{name: "PUT", method: http.MethodPut, body: strings.NewReader("body")},
		{name: "POST with a key", method: http.MethodPost, key: true, body: strings.NewReader("body"), again: true},
		{name: "POST with a key and a body to be read once", method: http.MethodPost, key: true, body: io.MultiReader(strings.NewReader("body"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := newService(t)
			s := srv.start(t, onDemand)
			if err := s.Suspend(context.Background()); err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequest(tt.method, "/", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if tt.key {
				req.Header.Set("Idempotency-Key", "1")
			}
			resp, err := s.Client().Do(req)
			var refused *session.ProxyError
			switch {
			case tt.again:
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Fatalf("%v, %v", resp, err)
				}
				if tt.body != nil {
					if echo := decode[fake.Echo](t, resp); echo.Body != "body" {
						t.Errorf("the application got %q", echo.Body)
					}
				}
			case !errors.As(err, &refused) || refused.Kind != session.KindSuspended || !refused.Resumed:
				t.Errorf("%v, %v, want that it was resumed", resp, err)
			}
			if diff := cmp.Diff([]types.MicroVMState{"RUNNING"}, srv.states(t)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResumeOnDemandFails(t *testing.T) {
	srv := newService(t)
	s := srv.start(t, onDemand)
	if err := s.Suspend(context.Background()); err != nil {
		t.Fatal(err)
	}
	srv.Inject(fake.BadGateway{Status: 403}, fake.On(fake.ResumeMicroVM))
	_, err := s.Client().Get("/")
	var refused *session.ProxyError
	if !errors.As(err, &refused) || refused.Kind != session.KindSuspended || refused.Resumed || refused.Err == nil {
		t.Errorf("error = %v, want why it was not resumed", err)
	}
}

// Concurrent requests that find the MicroVM suspended share one resume.
func TestResumeOnce(t *testing.T) {
	srv := newService(t)
	s := srv.start(t, onDemand)
	if err := s.Suspend(context.Background()); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 30 {
		group.Add(1)
		go func() {
			defer group.Done()
			get(t, s.Client(), "/")
		}()
	}
	group.Wait()
	if n := srv.count(fake.ResumeMicroVM); n != 1 {
		t.Errorf("%d calls of ResumeMicroVM, want 1", n)
	}
}

// With AutoResumeEnabled the proxy resumes, and the session does nothing.
func TestResumedByTheProxy(t *testing.T) {
	srv := newService(t)
	in := srv.input()
	in.IdlePolicy = &types.IdlePolicy{
		AutoResumeEnabled: aws.Bool(true), MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(3600),
	}
	s, err := session.Run(context.Background(), srv, in, srv.options)
	if err != nil {
		t.Fatal(err)
	}
	srv.Advance(2 * time.Minute)
	get(t, s.Client(), "/")
	want := []fake.Operation{fake.RunMicroVM, fake.CreateMicroVMAuthToken}
	if diff := cmp.Diff(want, srv.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestReplaysOnlyWhatIsSafe sends random requests; proxy and service respond at random.
func TestReplaysOnlyWhatIsSafe(t *testing.T) {
	const requests = 5_000
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }

	var sends []string // the bodies of a request's sends
	srv := newService(t)
	states := []types.MicroVMState{"RUNNING", "PENDING", "SUSPENDED", "TERMINATED"}
	state := types.MicroVMState("RUNNING")
	srv.SetOverrides(fake.Overrides{
		GetMicroVM: func(_ context.Context, in *lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
			out := &lambdamicrovms.GetMicroVMOutput{MicroVMId: in.MicroVMIdentifier, Endpoint: aws.String("vm.on.aws"), State: state}
			state = "RUNNING"
			return out, nil
		},
		ResumeMicroVM: func(context.Context, *lambdamicrovms.ResumeMicroVMInput) (*lambdamicrovms.ResumeMicroVMOutput, error) {
			return &lambdamicrovms.ResumeMicroVMOutput{}, nil
		},
	})
	s := srv.start(t, onDemand, func(o *session.Options) {
		o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.Host != "vm.on.aws" || req.URL.Host != "vm.on.aws" || req.Header.Get("X-aws-proxy-auth") == "" {
				t.Errorf("sent to %s with %v", req.URL, req.Header)
			}
			body := ""
			if req.Body != nil {
				text, _ := io.ReadAll(req.Body)
				body = string(text)
				_ = req.Body.Close()
			}
			sends = append(sends, body)
			switch random.IntN(5) {
			case 0:
				return newResponse(http.StatusForbidden, "Token authentication failed"), nil
			case 1:
				return newResponse(http.StatusForbidden, "Request missing authentication"), nil
			case 2, 3:
				state = states[random.IntN(len(states))]
				return newResponse(http.StatusBadGateway, ""), nil
			}
			return newResponse(http.StatusOK, ""), nil
		})
	})

	replays := 0
	for i := range requests {
		method := pick("", "GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "get")
		text := pick("", "body")
		rewindable := random.IntN(2) == 0
		var body io.Reader
		if text != "" {
			body = strings.NewReader(text)
			if !rewindable {
				body = io.MultiReader(body)
			}
		}
		req, err := http.NewRequest(method, "/", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Method = method
		key := pick("", "", "Idempotency-Key", "X-Idempotency-Key")
		if key != "" {
			req.Header.Set(key, "1")
		}

		sends = nil
		resp, err := s.RoundTrip(req)
		var refused *session.ProxyError
		if (resp == nil) == (err == nil) || err != nil && !errors.As(err, &refused) {
			t.Fatalf("seed %d, request %d: %v, %v", seed, i, resp, err)
		}
		safe := key != ""
		switch method {
		case "", "GET", "HEAD", "OPTIONS", "TRACE":
			safe = true
		}
		limit := 1
		if safe && (text == "" || rewindable) {
			limit = 3
		}
		if len(sends) > limit {
			t.Errorf("seed %d, request %d: %q with key %q and body %q (rewindable: %t) was sent %d times", seed, i, method, key, text, rewindable, len(sends))
		}
		for _, sent := range sends {
			if sent != text {
				t.Errorf("seed %d, request %d: body %q was sent as %q", seed, i, text, sends)
			}
		}
		replays += len(sends) - 1
	}
	if replays < requests/20 {
		t.Errorf("only %d replays: this tests nothing", replays)
	}
}

// A response that switches protocols is returned unchanged, so that WebSocket libraries
// can use the client.
func TestSwitchingProtocols(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer closed(t, conn)
		fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		_ = stream.Flush()
		line, _ := stream.ReadString('\n')
		_, _ = stream.WriteString("echo of " + line)
		_ = stream.Flush()
	}))
	defer server.Close()
	srv := newService(t)
	srv.SetOverrides(fake.Overrides{GetMicroVM: func(_ context.Context, in *lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
		return &lambdamicrovms.GetMicroVMOutput{MicroVMId: in.MicroVMIdentifier, State: "RUNNING", Endpoint: &server.URL}, nil
	}})
	s := srv.start(t, func(o *session.Options) { o.Transport = server.Client().Transport })
	req, _ := http.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, resp.Body)
	conn, ok := resp.Body.(io.ReadWriter)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s with a %T", resp.Status, resp.Body)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "echo of hello\n" {
		t.Errorf("read %q, %v", line, err)
	}
}
