package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/tracing"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/session"
)

// observed replaces the client by one that records spans in trace. logger writes to text.
func (s *service) observed() (trace *clienttest.Trace, logger *slog.Logger, text *strings.Builder) {
	trace, text = &clienttest.Trace{}, &strings.Builder{}
	options := s.Server.Options()
	options.TracerProvider = trace
	s.Client = lambdamicrovms.New(options)
	return trace, clienttest.Logger(text, slog.LevelDebug), text
}

// startObserved starts a session whose client has the tracer of observed.
func (s *service) startObserved(t *testing.T, optFns ...func(*session.Options)) *session.Session {
	t.Helper()
	vm, err := session.Run(context.Background(), s.Client, s.input(), optFns...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vm.Close() })
	return vm
}

// steps returns the spans that are neither calls nor below one.
func steps(trace *clienttest.Trace) []string { return trace.Tree(isStep) }

func isStep(s *clienttest.Span) bool {
	for p := s; p != nil; p = p.Parent {
		if strings.HasPrefix(p.Name(), lambdamicrovms.ServiceID) {
			return false
		}
	}
	return true
}

// A session is traced and logged from the start of its MicroVM to its end.
func TestSessionObserved(t *testing.T) {
	s := newService(t)
	trace, logger, text := s.observed()
	vm, err := session.Run(context.Background(), s.Client, s.input(), func(o *session.Options) { o.Logger = logger })
	if err != nil {
		t.Fatal(err)
	}
	response, err := vm.Client().Get("/")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if err := vm.Suspend(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := vm.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := vm.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"session.Run", "  start", "  wait", "token", "GET",
		"session.Suspend", "  wait", "session.Resume", "  wait", "terminate",
	}
	if diff := cmp.Diff(want, steps(trace)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	records := []string{
		"level=INFO msg=\"session: start\" microvm=ID",
		"level=INFO msg=\"session: wait\" microvm=ID",
		"level=INFO msg=\"session: run\" microvm=ID",
		"level=DEBUG msg=\"session: token\" microvm=ID port=8080",
		"level=DEBUG msg=\"session: request\" microvm=ID port=8080 method=GET url=https://HOST/ status=200",
		"level=INFO msg=\"session: wait\" microvm=ID",
		"level=INFO msg=\"session: suspend\" microvm=ID",
		"level=INFO msg=\"session: wait\" microvm=ID",
		"level=INFO msg=\"session: resume\" microvm=ID",
		"level=INFO msg=\"session: terminate\" microvm=ID",
	}
	hidden := strings.NewReplacer(vm.URL(0), "https://HOST", vm.ID(), "ID").Replace(text.String())
	got := strings.Split(strings.TrimSpace(hidden), "\n")
	if diff := cmp.Diff(records, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Each attempt of a request is a span of kind client with the attributes of the semantic
// conventions. Neither spans nor records have the query, the user or the token.
func TestRequestsObserved(t *testing.T) {
	const secret = "Kx7Jq2mWv9Lp4Rt8"
	application := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?key="+secret, http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	})
	s := newService(t, fake.WithApplication(application))
	trace, logger, text := s.observed()
	rejecting := &rejectOnce{RoundTripper: s.Server}
	vm := s.startObserved(t, func(o *session.Options) { o.Logger, o.Transport = logger, rejecting })
	for _, request := range []struct{ method, path string }{
		{http.MethodGet, "/old?password=" + secret}, {http.MethodPost, "/a%3Fb%20c#fragment"}, {"BREW", "/pot"},
	} {
		at := strings.Replace(vm.URL(0), "//", "//me:"+secret+"@", 1) + request.path
		send(t, vm.Client(), newRequest(t, request.method, at))
	}
	lost := errors.New("connection lost")
	rejecting.err = func(*http.Request) error { return lost }
	if _, err := vm.Client().Get("/lost?key=" + secret); !errors.Is(err, lost) {
		t.Fatalf("got %v", err)
	}
	rejecting.err = func(req *http.Request) error { // as an http.Client does
		cause := fmt.Errorf("proxy refused %s with %s", req.URL.Query().Get("key"), req.Header.Get("Authorization"))
		return &url.Error{Op: "Get", URL: req.URL.String(), Err: cause}
	}
	quoting := newRequest(t, http.MethodGet, "/quoted?a=b&key="+secret)
	quoting.Header.Set("Authorization", "Bearer "+secret)
	if _, err := vm.Client().Do(quoting); err == nil || !strings.Contains(err.Error(), "a=b") {
		t.Fatalf("got %v, want the URL", err)
	}

	rejecting.err = func(req *http.Request) error { return fmt.Errorf("attempt failed: GET %s", req.URL) }
	wrapping := newRequest(t, http.MethodGet, strings.Replace(vm.URL(0), "//", "//me@", 1)+"/wrapped?pin=1234#part")
	if _, err := vm.RoundTrip(wrapping); err == nil {
		t.Fatal("no error")
	}

	endpoint := vm.URL(0)
	base := func(method, path string, more ...string) map[string]string {
		properties := map[string]string{
			"http.request.method": method, "url.full": endpoint + path, "server.address": strings.TrimPrefix(endpoint, "https://"),
			"server.port": "443", "lambdamicrovms.microvm": vm.ID(), "lambdamicrovms.port": "8080", "error": "false",
		}
		for i := 0; i < len(more); i += 2 {
			properties[more[i]] = more[i+1]
		}
		return properties
	}
	failed := func(status string) []string {
		return []string{"http.response.status_code", status, "error", "true", "error.type", status}
	}
	want := []map[string]string{
		base("GET", "/old", failed("403")...),
		base("GET", "/old", "http.response.status_code", "302", "http.request.resend_count", "1"),
		base("GET", "/new", failed("418")...),
		base("POST", "/a%3Fb%20c", failed("418")...),
		base("_OTHER", "/pot", failed("418")...),
		base("GET", "/lost", "error", "true", "error.type", "*errors.errorString", "exception.type", "*errors.errorString", "exception.message", "connection lost"),
		base("GET", "/quoted", "error", "true", "error.type", "*url.Error", "exception.type", "*url.Error",
			"exception.message", `Get "`+endpoint+`/quoted": proxy refused [REDACTED] with [REDACTED]`),
		base("GET", "/wrapped", "error", "true", "error.type", "*errors.errorString", "exception.type", "*errors.errorString",
			"exception.message", "attempt failed: GET "+endpoint+"/wrapped"),
	}
	var got []map[string]string
	for _, span := range trace.Spans {
		if _, ok := span.Properties["http.request.method"]; !ok || span.Properties["server.address"] == "" {
			continue
		}
		got = append(got, span.Properties)
		status := tracing.SpanStatusOK
		if span.Properties["error"] == "true" {
			status = tracing.SpanStatusError
		}
		if span.Kind != tracing.SpanKindClient || span.Ends != 1 || span.Status != status {
			t.Errorf("%s: kind %v, ended %d times, status %v", span.Name(), span.Kind, span.Ends, span.Status)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	if warning := `level=WARN msg="session: request" microvm=` + vm.ID() + ` port=8080 method=GET url=` + endpoint + `/lost error="connection lost"`; !strings.Contains(text.String(), warning) {
		t.Errorf("no %q in\n%s", warning, text)
	}
	all := fmt.Sprint(text, got)
	for _, hidden := range []string{secret, "a=b", "1234", "me@", "part", "fragment", rejecting.token} {
		if strings.Contains(all, hidden) {
			t.Errorf("%q is in\n%s", hidden, all)
		}
	}
}

// rejectOnce rejects the token of the first request, as the proxy does. It fails all
// requests once err is set.
type rejectOnce struct {
	http.RoundTripper

	err   func(*http.Request) error
	token string
}

func (r *rejectOnce) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case r.err != nil:
		return nil, r.err(req)
	case r.token == "":
		r.token = req.Header.Get("X-Aws-Proxy-Auth")
		body := io.NopCloser(strings.NewReader("Token authentication failed"))
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: body, ContentLength: 27}, nil
	}
	return r.RoundTripper.RoundTrip(req)
}

// The transport finds the span in the context of the request, so that it can pass the
// trace on. The response has the request of the caller.
func TestRequestInTheSpan(t *testing.T) {
	s := newService(t)
	trace, _, _ := s.observed()
	var seen *clienttest.Span
	vm := s.startObserved(t, func(o *session.Options) {
		o.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			seen = clienttest.SpanOf(req.Context())
			return s.RoundTrip(req)
		})
	})
	ctx, caller := trace.StartSpan(context.Background(), "caller")
	response := send(t, vm.Client(), newRequest(t, http.MethodGet, "/").WithContext(ctx))
	if seen.Name() != http.MethodGet || seen.Parent != caller || response.Request.Context() != ctx {
		t.Errorf("the transport saw %v below %v", seen, seen.Parent)
	}
}

// tracedAPI is an endedAPI with a tracer provider.
type tracedAPI struct {
	endedAPI
	trace *clienttest.Trace
}

func (a tracedAPI) Options() lambdamicrovms.Options {
	return lambdamicrovms.Options{TracerProvider: a.trace}
}

// Records and spans do not contain the payload, even if the reason of a failure repeats
// it.
func TestFailedRunObserved(t *testing.T) {
	const payload = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	trace, logger, text := newService(t).observed()
	_, err := session.Run(context.Background(), tracedAPI{endedAPI{reason: "hook said " + payload}, trace}, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"), RunHookPayload: aws.String(payload),
	}, func(o *session.Options) { o.Logger, o.Clock = logger, fake.New(t).Clock() })
	if err == nil {
		t.Fatal("no error")
	}
	var names []string
	for _, s := range trace.Spans {
		names = append(names, s.Name())
		if s.Name() != "start" && !strings.Contains(s.Properties["exception.message"], "[REDACTED]") {
			t.Errorf("span %s: %v", s.Name(), s.Properties)
		}
	}
	if diff := cmp.Diff([]string{"session.Run", "start", "wait"}, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for _, message := range []string{`level=WARN msg="session: wait"`, `level=WARN msg="session: run"`} {
		if !strings.Contains(text.String(), message) {
			t.Errorf("no %q in the log:\n%s", message, text)
		}
	}
	if all := text.String() + strings.Join(steps(trace), "\n"); strings.Contains(all, payload[:20]) {
		t.Errorf("the payload is in\n%s", all)
	}
}

// A sweep has a span for its list and one for each MicroVM.
func TestSweepObserved(t *testing.T) {
	s := newService(t)
	for range 2 {
		s.start(t)
	}
	trace, logger, text := s.observed()
	_, err := session.Sweep(context.Background(), s.Client, func(o *session.SweepOptions) {
		o.ImageIdentifier, o.Logger = s.image, logger
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"session.Sweep", "  list", "  terminate", "  terminate"}, steps(trace)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if want := "msg=sweep image=" + s.image + " listed=2 orphans=2 terminated=2 dry_run=false"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}
