package session_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// steps returns the spans that are neither calls nor below one.
func steps(trace *clienttest.Trace) []string {
	return trace.Tree(func(s *clienttest.Span) bool {
		for p := s; p != nil; p = p.Parent {
			if strings.HasPrefix(p.Name(), lambdamicrovms.ServiceID) {
				return false
			}
		}
		return true
	})
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
		"session.Run", "  start", "  wait", "token",
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
		"level=INFO msg=\"session: wait\" microvm=ID",
		"level=INFO msg=\"session: suspend\" microvm=ID",
		"level=INFO msg=\"session: wait\" microvm=ID",
		"level=INFO msg=\"session: resume\" microvm=ID",
		"level=INFO msg=\"session: terminate\" microvm=ID",
	}
	got := strings.Split(strings.TrimSpace(strings.ReplaceAll(text.String(), vm.ID(), "ID")), "\n")
	if diff := cmp.Diff(records, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
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
