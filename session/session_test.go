package session_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestRun(t *testing.T) {
	srv := newService(t)
	in := srv.input()
	s, err := session.Run(context.Background(), srv, in, srv.options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(srv.input(), in); diff != "" {
		t.Errorf("the caller's input has changed (-want +got):\n%s", diff)
	}
	if echo := get(t, s.Client(), "/hello?a=b"); echo.MicroVMID != s.ID() || echo.URL != "/hello?a=b" || echo.Port != 8080 {
		t.Errorf("the application got %+v", echo)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ended, err := s.Wait(context.Background())
	if err != nil || ended.State != types.MicroVMStateTerminated || *ended.StateReason != "Success." {
		t.Errorf("Wait = %+v, %v", ended, err)
	}
	want := []fake.Operation{fake.RunMicroVM, fake.CreateMicroVMAuthToken, fake.TerminateMicroVM}
	if diff := cmp.Diff(want, srv.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRunFails(t *testing.T) {
	run := fake.On(fake.RunMicroVM)
	tests := []struct {
		name   string
		faults []fake.Option
		// cancelAt is the number of the poll that ends the context.
		cancelAt int
		want     session.StartError // without Err, and CleanupErr as told by cleanup
		is       error
		cleanup  bool // fails
		states   []types.MicroVMState
	}{
		{
			name:   "ends by itself",
			faults: []fake.Option{fake.WithFault(fake.FailStart{Reason: "no luck"})},
			want:   session.StartError{State: "TERMINATED", Reason: "no luck"},
			states: []types.MicroVMState{"TERMINATED"},
		},
		{
			name:   "takes too long",
			faults: []fake.Option{fake.WithDelays(fake.Delays{Run: time.Hour})},
			want:   session.StartError{State: "PENDING"},
			is:     context.DeadlineExceeded,
			states: []types.MicroVMState{"TERMINATED"},
		},
		{
			name:     "context ends",
			cancelAt: 2,
			want:     session.StartError{State: "PENDING"},
			is:       context.Canceled,
			states:   []types.MicroVMState{"TERMINATING"},
		},
		{
			name:     "context ends, and the end of the MicroVM is throttled at first",
			faults:   []fake.Option{fake.WithFault(fake.Throttle{}, fake.On(fake.TerminateMicroVM), fake.First(7))},
			cancelAt: 2,
			want:     session.StartError{State: "PENDING"},
			is:       context.Canceled,
			states:   []types.MicroVMState{"TERMINATING"},
		},
		{
			name:     "context ends, and the end of the MicroVM is throttled for long",
			faults:   []fake.Option{fake.WithFault(fake.Throttle{}, fake.On(fake.TerminateMicroVM))},
			cancelAt: 2,
			want:     session.StartError{State: "PENDING"},
			is:       context.Canceled,
			cleanup:  true,
			states:   []types.MicroVMState{"RUNNING"},
		},
		{
			name:   "a poll is refused",
			faults: []fake.Option{fake.WithFault(fake.BadGateway{Status: 403}, fake.On(fake.GetMicroVM))},
			states: []types.MicroVMState{"TERMINATING"},
		},
		{
			name:   "the response is lost",
			faults: []fake.Option{fake.WithFault(fake.LoseAnswer{}, run, fake.First(3))},
			want:   session.StartError{State: "PENDING"},
			states: []types.MicroVMState{"TERMINATING"},
		},
		{
			name: "the response is lost, then calls are throttled",
			faults: []fake.Option{
				fake.WithFault(fake.LoseAnswer{}, run, fake.Nth(1)),
				fake.WithFault(fake.Throttle{}, run, fake.Nth(2, 3)),
			},
			want:   session.StartError{State: "PENDING"},
			states: []types.MicroVMState{"TERMINATING"},
		},
		{
			name: "the response is cut, then nothing gets through",
			faults: []fake.Option{
				fake.WithFault(fake.CutBody{After: 9}, run, fake.Nth(1)),
				fake.WithFault(fake.ServerError{}, run),
			},
			cleanup: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := newService(t, tt.faults...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			api := &polls{service: srv, at: tt.cancelAt, do: cancel}
			s, err := session.Run(ctx, api, srv.input(), srv.options, func(o *session.Options) { o.MaxWait = 20 * time.Second })
			var got *session.StartError
			if s != nil || !errors.As(err, &got) {
				t.Fatalf("Run = %v, %v, want a *StartError", s, err)
			}
			ignored := cmpopts.IgnoreFields(session.StartError{}, "MicroVMID", "Err", "CleanupErr", "LogGroup")
			if diff := cmp.Diff(&tt.want, got, ignored); diff != "" {
				t.Errorf("error (-want +got):\n%s\n%v", diff, err)
			}
			if got.Err == nil || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error = %v, want one that is %v", err, tt.is)
			}
			if (got.CleanupErr != nil) != tt.cleanup {
				t.Errorf("CleanupErr = %v", got.CleanupErr)
			}
			if calls := srv.count(fake.TerminateMicroVM); got.State == "TERMINATED" && calls > 0 {
				t.Errorf("%d calls of TerminateMicroVM for a MicroVM that has ended", calls)
			}
			if !tt.cleanup && got.MicroVMID == "" {
				t.Error("the error names no MicroVM")
			}
			if tt.states != nil {
				if diff := cmp.Diff(tt.states, srv.states(t)); diff != "" {
					t.Errorf("states (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// polls calls a function in a certain poll.
type polls struct {
	*service
	at, n int
	do    func()
}

func (p *polls) GetMicroVM(ctx context.Context, in *lambdamicrovms.GetMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMOutput, error) {
	if p.n++; p.n == p.at {
		p.do()
	}
	return p.service.GetMicroVM(ctx, in, optFns...)
}

func TestRunRefused(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name  string
		fault fake.Effect
		ctx   context.Context
		in    *lambdamicrovms.RunMicroVMInput
		opt   func(*session.Options)
		want  func(error) bool
		calls int // of RunMicroVM
	}{
		{name: "quota", fault: fake.QuotaExceeded{}, want: lambdamicrovms.IsQuotaExceeded, calls: 1},
		{name: "throttle", fault: fake.Throttle{}, want: lambdamicrovms.IsThrottle, calls: 3},
		{name: "unknown image", in: &lambdamicrovms.RunMicroVMInput{
			ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:other"),
		}, want: lambdamicrovms.IsNotFound, calls: 1},
		{name: "invalid input", in: &lambdamicrovms.RunMicroVMInput{}, want: func(err error) bool {
			return len(lambdamicrovms.Violations(err)) == 1
		}},
		{name: "canceled", ctx: canceled, want: func(err error) bool { return errors.Is(err, context.Canceled) }},
		{name: "lifetime", opt: func(o *session.Options) { o.TokenLifetime = 61 * time.Minute }, want: says("must be 1 to 60 minutes without seconds")},
		{name: "half a minute", opt: func(o *session.Options) { o.TokenLifetime = 90 * time.Second }, want: says("must be 1 to 60 minutes without seconds")},
		{name: "port", opt: func(o *session.Options) { o.Port = 65536 }, want: says("must be 1 to 65535")},
		{name: "max wait", opt: func(o *session.Options) { o.MaxWait = -1 }, want: says("MaxWait")},
		{name: "close timeout", opt: func(o *session.Options) { o.CloseTimeout = -1 }, want: says("CloseTimeout")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := newService(t)
			if tt.fault != nil {
				srv.Inject(tt.fault, fake.On(fake.RunMicroVM))
			}
			ctx, in, opt := tt.ctx, tt.in, tt.opt
			if ctx == nil {
				ctx = context.Background()
			}
			if in == nil {
				in = srv.input()
			}
			if opt == nil {
				opt = func(*session.Options) {}
			}
			s, err := session.Run(ctx, srv, in, srv.options, opt)
			var failed *session.StartError
			if s != nil || !tt.want(err) || errors.As(err, &failed) {
				t.Errorf("Run = %v, %v", s, err)
			}
			if got := srv.count(fake.RunMicroVM); got != tt.calls {
				t.Errorf("%d calls of RunMicroVM, want %d", got, tt.calls)
			}
			if states := srv.states(t); len(states) != 0 {
				t.Errorf("there are MicroVMs: %v", states)
			}
		})
	}
}

func says(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

// Without a connection nothing was started, and Run does not repeat the call.
func TestRunWithoutConnection(t *testing.T) {
	for name, cause := range map[string]error{
		"dial":        &net.OpError{Op: "dial", Err: errors.New("refused")},
		"certificate": &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
	} {
		srv := newService(t)
		options := srv.Server.Options()
		requests := 0
		options.HTTPClient = smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) {
			requests++
			return nil, cause
		})
		_, err := session.Run(context.Background(), lambdamicrovms.New(options), srv.input(), srv.options)
		var failed *session.StartError
		if !errors.Is(err, cause) || errors.As(err, &failed) || requests > 3 {
			t.Errorf("%s: Run = %v after %d requests", name, err, requests)
		}
	}
}

// TestRunLeaksNothing makes calls fail at random: a MicroVM that Run does not return must
// have ended.
func TestRunLeaksNothing(t *testing.T) {
	const runs = 300
	for seed := range uint64(runs) {
		srv := newService(t)
		run, terminate, poll := fake.On(fake.RunMicroVM), fake.On(fake.TerminateMicroVM), fake.On(fake.GetMicroVM)
		for i, fault := range []struct {
			effect fake.Effect
			on     fake.Condition
			chance float64
		}{
			{fake.LoseAnswer{}, run, .4}, {fake.CutBody{After: 20}, run, .2}, {fake.Throttle{}, run, .4}, {fake.ServerError{}, run, .2},
			{fake.QuotaExceeded{}, run, .1}, {fake.FailStart{}, run, .1},
			{fake.ServerError{}, poll, .5}, {fake.BadGateway{Status: 404}, poll, .1},
			{fake.Throttle{}, terminate, .5}, {fake.LoseAnswer{}, terminate, .4},
		} {
			srv.Inject(fault.effect, fault.on, fake.Chance(fault.chance, seed*100+uint64(i)))
		}
		s, err := session.Run(context.Background(), srv, srv.input(), srv.options)
		var failed *session.StartError
		if errors.As(err, &failed) && failed.CleanupErr != nil {
			continue // it says so
		}
		want := 0
		if err == nil {
			want = 1
		}
		live := 0
		for _, state := range srv.states(t) {
			if state != types.MicroVMStateTerminating && state != types.MicroVMStateTerminated {
				live++
			}
		}
		if live != want {
			t.Errorf("seed %d: Run = %v, %v, and %d MicroVMs are left", seed, s, err, live)
		}
	}
}

func TestRunAgainWithToken(t *testing.T) {
	ctx := context.Background()
	srv := newService(t)
	in := srv.input()
	in.ClientToken = aws.String("once")
	first, err := session.Run(ctx, srv, in, srv.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Suspend(ctx); err != nil {
		t.Fatal(err)
	}
	second, err := session.Run(ctx, srv, in, srv.options)
	if err != nil || second.ID() != first.ID() {
		t.Fatalf("Run = %v, %v, want %s", second, err, first.ID())
	}
	if diff := cmp.Diff([]types.MicroVMState{"RUNNING"}, srv.states(t)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestAttach(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name   string
		before func(*testing.T, *service, *string)
		opt    func(*session.Options)
		err    string
		closed types.MicroVMState // after Close
	}{
		{name: "starting", closed: "RUNNING"},
		{name: "suspended", before: func(t *testing.T, srv *service, id *string) {
			srv.Advance(time.Minute)
			if _, err := srv.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: id}); err != nil {
				t.Fatal(err)
			}
			srv.Advance(time.Minute)
		}, closed: "SUSPENDED"},
		{name: "to be terminated", opt: func(o *session.Options) { o.TerminateOnClose = true }, closed: "TERMINATING"},
		{name: "terminated", before: func(t *testing.T, srv *service, id *string) {
			if _, err := srv.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: id}); err != nil {
				t.Fatal(err)
			}
		}, err: "session: cannot attach to ID: it is TERMINATED: Success.", closed: "TERMINATED"},
		{name: "starting for too long", before: func(_ *testing.T, srv *service, _ *string) {
			srv.Inject(fake.FailStart{})
		}, opt: func(o *session.Options) { o.MaxWait = time.Second }, err: "session: cannot attach to ID: it is PENDING: MicroVMRunning waiter: " +
			"not done within 1s, last state PENDING (attempts: 3, elapsed: 900ms)", closed: "PENDING"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := newService(t)
			vm, err := srv.RunMicroVM(ctx, srv.input())
			if err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				tt.before(t, srv, vm.MicroVMId)
			}
			opt := tt.opt
			if opt == nil {
				opt = func(*session.Options) {}
			}
			s, err := session.Attach(ctx, srv, *vm.MicroVMId, srv.options, opt)
			var failed *session.StateError
			switch {
			case tt.err == "" && err != nil, tt.err != "" && (!errors.As(err, &failed) || err.Error() != strings.ReplaceAll(tt.err, "ID", *vm.MicroVMId)):
				t.Fatalf("error = %v, want %s", err, tt.err)
			case err == nil:
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]types.MicroVMState{tt.closed}, srv.states(t)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttachToUnknown(t *testing.T) {
	srv := newService(t)
	_, err := session.Attach(context.Background(), srv, "microvm-00000000-0000-4000-8000-000000000000", srv.options)
	if !lambdamicrovms.IsNotFound(err) {
		t.Errorf("error = %v, want that the MicroVM was not found", err)
	}
}

func TestSuspendAndResume(t *testing.T) {
	ctx := context.Background()
	srv := newService(t)
	s := srv.start(t)
	for _, step := range []struct {
		do   func(context.Context) error
		want types.MicroVMState
	}{
		{s.Resume, "RUNNING"}, {s.Suspend, "SUSPENDED"}, {s.Suspend, "SUSPENDED"}, {s.Resume, "RUNNING"}, {s.Resume, "RUNNING"},
	} {
		if err := step.do(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]types.MicroVMState{step.want}, srv.states(t)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	}
	want := []fake.Operation{fake.RunMicroVM, fake.SuspendMicroVM, fake.ResumeMicroVM}
	if diff := cmp.Diff(want, srv.calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}

	// It is SUSPENDING, and can be resumed only after that.
	if _, err := srv.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: aws.String(s.ID())}); err != nil {
		t.Fatal(err)
	}
	if err := s.Resume(ctx); err != nil {
		t.Fatal(err)
	}

	srv.Inject(fake.FailSuspend{})
	var failed *session.StateError
	if err := s.Suspend(ctx); !errors.As(err, &failed) || failed.State != "TERMINATED" || failed.Reason != fake.ReasonSuspendHook {
		t.Errorf("Suspend = %v, want the reason of the suspend hook", err)
	}
	want2 := fmt.Sprintf("session: cannot resume %s: it is TERMINATED: %s", s.ID(), fake.ReasonSuspendHook)
	if err := s.Resume(ctx); !errors.As(err, &failed) || err.Error() != want2 {
		t.Errorf("Resume = %v, want %s", err, want2)
	}
}

// script responds to polls with states and repeats the last one.
func script(srv *service, states ...types.MicroVMState) {
	srv.SetOverrides(fake.Overrides{GetMicroVM: func(_ context.Context, in *lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
		out := &lambdamicrovms.GetMicroVMOutput{MicroVMId: in.MicroVMIdentifier, Endpoint: aws.String("vm.on.aws"), State: states[0]}
		if out.State == types.MicroVMStateTerminated {
			out.StateReason = aws.String("the reason")
		}
		if len(states) > 1 {
			states = states[1:]
		}
		return out, nil
	}})
}

// The action depends on the state of the MicroVM. The reason of one that is TERMINATING
// may only be known later.
func TestFromState(t *testing.T) {
	const suspend, resume = fake.SuspendMicroVM, fake.ResumeMicroVM
	end := func(action string, state types.MicroVMState, reason string) *session.StateError {
		return &session.StateError{Action: action, State: state, Reason: reason}
	}
	tests := []struct {
		suspend bool
		states  []types.MicroVMState
		calls   []fake.Operation
		want    *session.StateError
	}{
		{true, []types.MicroVMState{"SUSPENDED"}, nil, nil},
		{true, []types.MicroVMState{"SUSPENDING", "SUSPENDING", "SUSPENDED"}, nil, nil},
		{true, []types.MicroVMState{"RUNNING", "RUNNING", "SUSPENDING", "SUSPENDED"}, []fake.Operation{suspend}, nil},
		{true, []types.MicroVMState{"PENDING", "PENDING", "RUNNING", "SUSPENDED"}, []fake.Operation{suspend}, nil},
		{true, []types.MicroVMState{"RUNNING", "TERMINATED"}, []fake.Operation{suspend}, end("suspend", "TERMINATED", "the reason")},
		{true, []types.MicroVMState{"RUNNING", "TERMINATING", "TERMINATED"}, []fake.Operation{suspend}, end("suspend", "TERMINATED", "the reason")},
		{true, []types.MicroVMState{"RUNNING", "TERMINATING"}, []fake.Operation{suspend}, end("suspend", "TERMINATING", "")},
		{true, []types.MicroVMState{"RUNNING", "SUSPENDING"}, []fake.Operation{suspend}, end("suspend", "SUSPENDING", "")},
		{false, []types.MicroVMState{"RUNNING"}, nil, nil},
		{false, []types.MicroVMState{"PENDING", "RUNNING"}, nil, nil},
		{false, []types.MicroVMState{"SUSPENDED", "SUSPENDED", "RUNNING"}, []fake.Operation{resume}, nil},
		{false, []types.MicroVMState{"SUSPENDING", "SUSPENDING", "SUSPENDED", "RUNNING"}, []fake.Operation{resume}, nil},
		{false, []types.MicroVMState{"SUSPENDING", "TERMINATED"}, nil, end("resume", "TERMINATED", "the reason")},
		{false, []types.MicroVMState{"TERMINATED"}, nil, end("resume", "TERMINATED", "the reason")},
	}
	for _, tt := range tests {
		name := fmt.Sprintf("suspend %t from %v", tt.suspend, tt.states)
		srv := newService(t, fake.WithAnswers(fake.Answers{OutOfTurn: fake.OutcomeSuccess}))
		s := srv.start(t)
		begun := len(srv.calls())
		script(srv, tt.states...)
		do := s.Resume
		if tt.suspend {
			do = s.Suspend
		}
		err := do(context.Background())
		var got *session.StateError
		if errors.As(err, &got) != (err != nil) {
			t.Errorf("%s: error is a %T: %v", name, err, err)
		}
		if tt.want != nil {
			tt.want.MicroVMID = s.ID()
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(session.StateError{}, "Err")); diff != "" {
			t.Errorf("%s: error (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.calls, srv.calls()[begun:], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

func TestStartTellsTheReasonOfTheEnd(t *testing.T) {
	srv := newService(t)
	script(srv, "PENDING", "TERMINATING", "TERMINATED")
	_, err := session.Run(context.Background(), srv, srv.input(), srv.options)
	var failed *session.StartError
	if !errors.As(err, &failed) || failed.Reason != "the reason" {
		t.Errorf("Run = %v, want the reason", err)
	}
}

// Another caller resumes at the same time, and the service rejects the second call.
func TestResumedByAnother(t *testing.T) {
	srv := newService(t, fake.WithAnswers(fake.Answers{OutOfTurn: fake.OutcomeConflict}))
	s := srv.start(t)
	if err := s.Suspend(context.Background()); err != nil {
		t.Fatal(err)
	}
	api := &rival{service: srv}
	other, err := session.Attach(context.Background(), api, s.ID(), srv.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Resume(context.Background()); err != nil || api.lost != 1 {
		t.Errorf("Resume = %v, with %d calls refused", err, api.lost)
	}
}

// rival resumes the MicroVM right before its caller does.
type rival struct {
	*service
	lost int
}

func (r *rival) ResumeMicroVM(ctx context.Context, in *lambdamicrovms.ResumeMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ResumeMicroVMOutput, error) {
	if _, err := r.service.ResumeMicroVM(ctx, in); err != nil {
		return nil, err
	}
	r.Advance(time.Minute)
	out, err := r.service.ResumeMicroVM(ctx, in, optFns...)
	if err != nil {
		r.lost++
	}
	return out, err
}

func TestClose(t *testing.T) {
	srv := newService(t)
	ctx, cancel := context.WithCancel(context.Background())
	s, err := session.Run(ctx, srv, srv.input(), srv.options)
	if err != nil {
		t.Fatal(err)
	}
	get(t, s.Client(), "/")
	cancel()
	healed := srv.Inject(fake.ServerError{}, fake.On(fake.TerminateMicroVM))
	var failed *session.TerminateError
	if err := s.Close(); !errors.As(err, &failed) || failed.MicroVMID != s.ID() {
		t.Errorf("Close = %v, want a *TerminateError", err)
	}
	healed()
	before := srv.count(fake.TerminateMicroVM)
	for range 3 {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if calls := srv.count(fake.TerminateMicroVM) - before; calls != 1 {
		t.Errorf("%d calls of TerminateMicroVM, want 1", calls)
	}

	for name, use := range map[string]func() error{
		"GET":       func() error { _, err := s.Client().Get("/"); return err },
		"new port":  func() error { _, err := s.Client().Get(s.URL(1)); return err },
		"WebSocket": func() error { _, err := s.WebSocket(context.Background(), 0); return err },
		"Shell":     func() error { _, err := s.Shell(context.Background()); return err },
		"Resume":    func() error { return s.Resume(context.Background()) },
	} {
		if err := use(); !errors.Is(err, session.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}

// Close waits as long as the Retry-After of the service says.
func TestCloseHonorsRetryAfter(t *testing.T) {
	srv := newService(t)
	api := &busy{service: srv}
	s, err := session.Run(context.Background(), api, srv.input(), srv.options)
	if err != nil {
		t.Fatal(err)
	}
	before := srv.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if waited := srv.Now().Sub(before); waited != 7*time.Second {
		t.Errorf("waited %v, want 7s", waited)
	}
}

// busy throttles the first call that terminates.
type busy struct {
	*service
	calls int
}

func (b *busy) TerminateMicroVM(ctx context.Context, in *lambdamicrovms.TerminateMicroVMInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.TerminateMicroVMOutput, error) {
	if b.calls++; b.calls == 1 {
		return nil, &types.ThrottlingException{RetryAfterSeconds: aws.Int32(7)}
	}
	return b.service.TerminateMicroVM(ctx, in, optFns...)
}

// A MicroVM that the service no longer finds counts as terminated.
func TestCloseForgotten(t *testing.T) {
	srv := newService(t)
	s := srv.start(t)
	srv.SetOverrides(fake.Overrides{TerminateMicroVM: func(context.Context, *lambdamicrovms.TerminateMicroVMInput) (*lambdamicrovms.TerminateMicroVMOutput, error) {
		return nil, &types.ResourceNotFoundException{}
	}})
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

func TestEndpointForms(t *testing.T) {
	tests := []struct {
		endpoint *string
		want     string // URL, "" for an error
		port     string
	}{
		{aws.String("a.on.aws"), "https://a.on.aws", "https://a.on.aws:3000"},
		{aws.String("https://a.on.aws/"), "https://a.on.aws", "https://a.on.aws:3000"},
		{aws.String("http://127.0.0.1:8443"), "http://127.0.0.1:8443", "http://127.0.0.1:3000"},
		{aws.String("[::1]:8443"), "https://[::1]:8443", "https://[::1]:3000"},
		{aws.String(""), "", ""},
		{aws.String("a b"), "", ""},
		{nil, "", ""},
	}
	for _, tt := range tests {
		srv := newService(t)
		srv.SetOverrides(fake.Overrides{GetMicroVM: func(_ context.Context, in *lambdamicrovms.GetMicroVMInput) (*lambdamicrovms.GetMicroVMOutput, error) {
			return &lambdamicrovms.GetMicroVMOutput{MicroVMId: in.MicroVMIdentifier, State: "RUNNING", Endpoint: tt.endpoint}, nil
		}})
		s, err := session.Run(context.Background(), srv, srv.input(), srv.options)
		if tt.want == "" {
			var failed *session.StartError
			if !errors.As(err, &failed) || srv.count(fake.TerminateMicroVM) != 1 {
				t.Errorf("%q: Run = %v, %v, want a *StartError and the end of the MicroVM", aws.ToString(tt.endpoint), s, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", *tt.endpoint, err)
			continue
		}
		if diff := cmp.Diff([]string{tt.want, tt.port}, []string{s.URL(0), s.URL(3000)}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", *tt.endpoint, diff)
		}
	}
}

// Without options a session uses its own transport and the network.
func TestDefaults(t *testing.T) {
	srv := newService(t)
	var seen session.Options
	s, err := session.Run(context.Background(), srv, srv.input(), func(o *session.Options) {
		seen = *o
		o.Clock = srv.Clock()
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(session.Options{TerminateOnClose: true}, seen); diff != "" {
		t.Errorf("preset (-want +got):\n%s", diff)
	}
	if client := s.Client(); client.Jar != nil || client.Timeout != 0 {
		t.Errorf("client = %+v", client)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
