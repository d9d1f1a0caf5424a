package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type lampInput struct{ Name string }

type lampOutput struct {
	State  string
	Reason *string
}

type (
	lampWaiter        = Waiter[lampInput, lampOutput]
	lampWaiterOptions = WaiterOptions[lampInput, lampOutput]
	lampPoll          = func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error)
	lampRetryable     = func(context.Context, *lampInput, *lampOutput, error) (bool, error)
)

// newLampWaiter has the form of generated code.
func newLampWaiter(poll lampPoll, optFns ...func(*lampWaiterOptions)) *lampWaiter {
	return newWaiter(poll, waiterSpec[lampOutput]{
		name:     "LampLit",
		minDelay: 2 * time.Second,
		maxDelay: 15 * time.Second,
		accept: func(out *lampOutput, err error) verdict {
			switch {
			case err == nil:
			case errorCodeIs(err, "LampGone"):
				return waitFailure
			case errorCodeIs(err, "LampLater"):
				return waitRetry
			default:
				return waitUnnamed
			}
			switch out.State {
			case "LIT":
				return waitSuccess
			case "BROKEN":
				return waitFailure
			}
			return waitUnnamed
		},
		state:  func(out *lampOutput) string { return out.State },
		reason: func(out *lampOutput) *string { return out.Reason },
	}, optFns)
}

// lampClock advances only during a Sleep or a poll.
type lampClock struct {
	now   time.Time
	slept []time.Duration
}

func newLampClock() *lampClock {
	return &lampClock{now: time.Date(2025, time.September, 9, 0, 0, 0, 0, time.UTC)}
}

func (c *lampClock) Now() time.Time { return c.now }

func (c *lampClock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

func (c *lampClock) use(o *lampWaiterOptions) { o.Clock = c }

type lampResponse struct {
	state, reason string
	err           error
}

// lampScript returns its responses to polls in turn, and repeats the last one.
func lampScript(responses ...lampResponse) lampPoll {
	polls := 0
	return func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
		response := responses[min(polls, len(responses)-1)]
		polls++
		if response.err != nil {
			return nil, response.err
		}
		out := &lampOutput{State: response.state}
		if response.reason != "" {
			out.Reason = &response.reason
		}
		return out, nil
	}
}

func lampError(code string) error {
	return fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: code, Message: "said the service"})
}

func TestWaiterOutcome(t *testing.T) {
	gone, later, denied := lampError("LampGone"), lampError("LampLater"), lampError("AccessDenied")
	reason := "no oil"
	tests := []struct {
		name      string
		responses []lampResponse
		want      *lampOutput
		failure   *WaiterFailureError
		wantErr   error // the error itself, if it is not a WaiterFailureError
		polls     int
	}{
		{name: "success at once", responses: []lampResponse{{state: "LIT"}}, want: &lampOutput{State: "LIT"}, polls: 1},
		{
			name:      "states that no acceptor names are polled again",
			responses: []lampResponse{{state: "DARK"}, {state: ""}, {state: "NEW-FANGLED"}, {state: "LIT"}},
			want:      &lampOutput{State: "LIT"},
			polls:     4,
		},
		{
			name:      "an error to retry",
			responses: []lampResponse{{err: later}, {state: "LIT"}},
			want:      &lampOutput{State: "LIT"},
			polls:     2,
		},
		{
			name:      "failure state with reason",
			responses: []lampResponse{{state: "DARK"}, {state: "BROKEN", reason: reason}},
			want:      &lampOutput{State: "BROKEN", Reason: &reason},
			failure: &WaiterFailureError{
				Waiter: "LampLit", State: "BROKEN", Reason: reason,
				Attempts: 2, Elapsed: 2 * time.Second,
				Output: &lampOutput{State: "BROKEN", Reason: &reason},
			},
			polls: 2,
		},
		{
			name:      "failure state without reason",
			responses: []lampResponse{{state: "BROKEN"}},
			want:      &lampOutput{State: "BROKEN"},
			failure:   &WaiterFailureError{Waiter: "LampLit", State: "BROKEN", Attempts: 1, Output: &lampOutput{State: "BROKEN"}},
			polls:     1,
		},
		{
			name:      "failure by an error keeps the output before it",
			responses: []lampResponse{{state: "DARK"}, {err: gone}},
			want:      &lampOutput{State: "DARK"},
			failure: &WaiterFailureError{
				Waiter: "LampLit", Attempts: 2, Elapsed: 2 * time.Second,
				Output: &lampOutput{State: "DARK"}, Err: gone,
			},
			polls: 2,
		},
		{
			name:      "failure by the first error has no output",
			responses: []lampResponse{{err: gone}},
			failure:   &WaiterFailureError{Waiter: "LampLit", Attempts: 1, Err: gone},
			polls:     1,
		},
		{
			name:      "a timeout of one call is not the end of the wait's time",
			responses: []lampResponse{{err: context.DeadlineExceeded}},
			wantErr:   context.DeadlineExceeded,
			polls:     1,
		},
		{
			name:      "an error that no acceptor names ends the wait as it is",
			responses: []lampResponse{{state: "DARK"}, {err: denied}, {state: "LIT"}},
			want:      &lampOutput{State: "DARK"},
			wantErr:   denied,
			polls:     2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			polls := 0
			w := newLampWaiter(lampScript(tt.responses...), newLampClock().use, func(o *lampWaiterOptions) {
				o.OnAttempt = func(WaiterAttempt) { polls++ }
			})
			w.random = func() float64 { return 0 }

			got, err := w.WaitForOutput(t.Context(), &lampInput{}, time.Hour)
			if tt.failure == nil && err != tt.wantErr {
				t.Errorf("error = %v, want exactly %v", err, tt.wantErr)
			}
			if tt.failure != nil {
				var failure *WaiterFailureError
				if !errors.As(err, &failure) {
					t.Fatalf("error = %v, want a *WaiterFailureError", err)
				}
				if diff := cmp.Diff(*tt.failure, *failure, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if polls != tt.polls {
				t.Errorf("polls = %d, want %d", polls, tt.polls)
			}
		})
	}
}

func TestWaiterSuccessByError(t *testing.T) {
	w := newWaiter(lampScript(lampResponse{state: "DARK"}, lampResponse{err: lampError("LampGone")}), waiterSpec[lampOutput]{
		name:     "LampGone",
		minDelay: time.Second,
		maxDelay: time.Second,
		accept: func(_ *lampOutput, err error) verdict {
			if errorCodeIs(err, "LampGone") {
				return waitSuccess
			}
			return waitUnnamed
		},
		state: func(out *lampOutput) string { return out.State },
	}, []func(*lampWaiterOptions){newLampClock().use})

	out, err := w.WaitForOutput(t.Context(), &lampInput{}, time.Minute)
	if out != nil || err != nil {
		t.Errorf("WaitForOutput = %v, %v, want nil, nil", out, err)
	}
	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
}

func TestWaiterFailureWithoutReasonMember(t *testing.T) {
	w := newWaiter(lampScript(lampResponse{state: "BROKEN"}), waiterSpec[lampOutput]{
		name:   "LampLit",
		accept: func(*lampOutput, error) verdict { return waitFailure },
		state:  func(out *lampOutput) string { return out.State },
	}, nil)

	var failure *WaiterFailureError
	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); !errors.As(err, &failure) {
		t.Fatalf("error = %v, want a *WaiterFailureError", err)
	}
	if failure.State != "BROKEN" || failure.Reason != "" {
		t.Errorf("State, Reason = %q, %q, want %q and none", failure.State, failure.Reason, "BROKEN")
	}
}

func TestWaiterWithoutOutput(t *testing.T) {
	w := newWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) { return nil, nil },
		waiterSpec[lampOutput]{
			name:   "LampLit",
			accept: func(*lampOutput, error) verdict { return waitUnnamed },
			state:  func(out *lampOutput) string { return out.State },
		}, nil)

	var unreadable *smithy.DeserializationError
	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); !errors.As(err, &unreadable) {
		t.Errorf("error = %v, want a *smithy.DeserializationError", err)
	}
}

func TestWaiterErrors(t *testing.T) {
	gone := lampError("LampGone")
	tests := []struct {
		name string
		err  error
		text string
		is   []error
	}{
		{
			name: "failure by state",
			err:  &WaiterFailureError{Waiter: "LampLit", State: "BROKEN", Reason: "no oil", Attempts: 3, Elapsed: 4123456 * time.Microsecond},
			text: "LampLit waiter: failed in state BROKEN (attempts: 3, elapsed: 4.123s): no oil",
		},
		{
			name: "failure by error",
			err:  &WaiterFailureError{Waiter: "LampLit", Attempts: 1, Err: gone},
			text: "LampLit waiter: failed (attempts: 1, elapsed: 0s): operation error: api error LampGone: said the service",
			is:   []error{gone},
		},
		{
			name: "timeout",
			err:  &WaiterTimeoutError{Waiter: "LampLit", LastState: "DARK", Attempts: 9, Elapsed: 29 * time.Second, MaxWait: 30 * time.Second},
			text: "LampLit waiter: not done within 30s, last state DARK (attempts: 9, elapsed: 29s)",
			is:   []error{context.DeadlineExceeded},
		},
		{
			name: "timeout by the context",
			err:  &WaiterTimeoutError{Waiter: "LampLit", LastState: "DARK", Attempts: 9, Elapsed: 29 * time.Second, MaxWait: 30 * time.Second, ByContext: true},
			text: "LampLit waiter: not done within 30s, the context's deadline, last state DARK (attempts: 9, elapsed: 29s)",
			is:   []error{context.DeadlineExceeded},
		},
		{
			name: "deadline in the past",
			err:  &WaiterTimeoutError{Waiter: "LampLit", ByContext: true},
			text: "LampLit waiter: the context's deadline had passed before the first attempt",
			is:   []error{context.DeadlineExceeded},
		},
		{
			name: "short wait",
			err:  &WaiterTimeoutError{Waiter: "LampLit", Attempts: 1, Elapsed: 300 * time.Nanosecond, MaxWait: 200 * time.Nanosecond},
			text: "LampLit waiter: not done within 200ns (attempts: 1, elapsed: 300ns)",
			is:   []error{context.DeadlineExceeded},
		},
		{
			name: "timeout without a state",
			err:  &WaiterTimeoutError{Waiter: "LampLit", Attempts: 1, Elapsed: time.Second, MaxWait: time.Second, Err: gone},
			text: "LampLit waiter: not done within 1s (attempts: 1, elapsed: 1s): operation error: api error LampGone: said the service",
			is:   []error{context.DeadlineExceeded, gone},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.text, tt.err.Error()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			for _, target := range tt.is {
				if !errors.Is(tt.err, target) {
					t.Errorf("errors.Is(%v, %v) = false", tt.err, target)
				}
			}
			if errors.Is(tt.err, context.Canceled) {
				t.Errorf("%v matches context.Canceled", tt.err)
			}
		})
	}
}

func TestWaiterRetryable(t *testing.T) {
	spent := errors.New("spent")
	finished := &WaiterFailureError{Waiter: "LampLit", State: "BROKEN", Attempts: 5}
	denied := lampError("AccessDenied")
	tests := []struct {
		name      string
		responses []lampResponse
		retryable func(own lampRetryable) lampRetryable
		wantState string
		wantErr   error
	}{
		{
			name:      "replaces the waiter's rules",
			responses: []lampResponse{{state: "LIT"}, {state: "BROKEN"}, {err: denied}, {state: "DARK"}},
			retryable: func(lampRetryable) lampRetryable {
				return func(_ context.Context, _ *lampInput, out *lampOutput, _ error) (bool, error) {
					return out == nil || out.State != "DARK", nil
				}
			},
			wantState: "DARK",
		},
		{
			name:      "its error is returned as it is",
			responses: []lampResponse{{state: "DARK"}},
			retryable: func(lampRetryable) lampRetryable {
				return func(context.Context, *lampInput, *lampOutput, error) (bool, error) { return true, spent }
			},
			wantState: "DARK",
			wantErr:   spent,
		},
		{
			name:      "so is a failure of another wait",
			responses: []lampResponse{{state: "DARK"}},
			retryable: func(lampRetryable) lampRetryable {
				return func(context.Context, *lampInput, *lampOutput, error) (bool, error) { return false, finished }
			},
			wantState: "DARK",
			wantErr:   finished,
		},
		{
			name:      "can call the waiter's rules",
			responses: []lampResponse{{err: denied}, {state: "DARK"}, {state: "LIT"}},
			retryable: func(own lampRetryable) lampRetryable {
				return func(ctx context.Context, in *lampInput, out *lampOutput, err error) (bool, error) {
					if errorCodeIs(err, "AccessDenied") {
						return true, nil
					}
					return own(ctx, in, out, err)
				}
			},
			wantState: "LIT",
		},
		{
			name:      "nil means the waiter's rules",
			responses: []lampResponse{{state: "DARK"}, {state: "LIT"}},
			retryable: func(lampRetryable) lampRetryable {
				return nil
			},
			wantState: "LIT",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newLampWaiter(lampScript(tt.responses...), newLampClock().use)
			out, err := w.WaitForOutput(t.Context(), &lampInput{}, time.Hour, func(o *lampWaiterOptions) {
				o.Retryable = tt.retryable(o.Retryable)
			})
			if err != tt.wantErr {
				t.Errorf("error = %v, want exactly %v", err, tt.wantErr)
			}
			if out == nil || out.State != tt.wantState {
				t.Errorf("output = %+v, want state %q", out, tt.wantState)
			}
			if finished.Attempts != 5 || finished.Output != nil {
				t.Errorf("the failure of another wait became %+v", *finished)
			}
		})
	}
}

func TestWaiterRefusesOptions(t *testing.T) {
	tests := []struct {
		name    string
		maxWait time.Duration
		set     func(*lampWaiterOptions)
		want    string
	}{
		{name: "no maxWaitDur", maxWait: 0, want: "LampLit waiter: maxWaitDur is 0s, must be greater than zero"},
		{name: "negative maxWaitDur", maxWait: -time.Second, want: "LampLit waiter: maxWaitDur is -1s, must be greater than zero"},
		{
			name: "MinDelay over MaxDelay", maxWait: time.Minute,
			set:  func(o *lampWaiterOptions) { o.MinDelay, o.MaxDelay = 3*time.Second, 2*time.Second },
			want: "MinDelay 3s exceeds MaxDelay 2s",
		},
		{
			name: "MinDelay over the preset MaxDelay", maxWait: time.Minute,
			set:  func(o *lampWaiterOptions) { o.MinDelay = time.Minute },
			want: "MinDelay 1m0s exceeds MaxDelay 15s",
		},
		{
			name: "MaxDelay under the preset MinDelay", maxWait: time.Minute,
			set:  func(o *lampWaiterOptions) { o.MinDelay, o.MaxDelay = 0, time.Second },
			want: "MinDelay 2s exceeds MaxDelay 1s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
				t.Error("polled")
				return nil, errors.New("polled")
			})
			var optFns []func(*lampWaiterOptions)
			if tt.set != nil {
				optFns = append(optFns, tt.set)
			}
			err := w.Wait(t.Context(), &lampInput{}, tt.maxWait, optFns...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestWaiterDelay(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name              string
		minDelay          time.Duration
		maxDelay          time.Duration
		elapsed, left     time.Duration
		earliest, noLater time.Duration
	}{
		{name: "first", minDelay: 2 * s, maxDelay: 15 * s, elapsed: 0, left: 99 * s, earliest: 2 * s, noLater: 2500 * time.Millisecond},
		{name: "quarter", minDelay: 2 * s, maxDelay: 15 * s, elapsed: 32 * s, left: 99 * s, earliest: 6 * s, noLater: 10 * s},
		{name: "longest", minDelay: 2 * s, maxDelay: 15 * s, elapsed: 999 * s, left: 99 * s, earliest: 11250 * time.Millisecond, noLater: 15 * s},
		{name: "fixed", minDelay: 5 * s, maxDelay: 5 * s, elapsed: 32 * s, left: 99 * s, earliest: 5 * s, noLater: 5 * s},
		{name: "near the deadline", minDelay: 2 * s, maxDelay: 15 * s, elapsed: 32 * s, left: s, earliest: s, noLater: s},
		{name: "past the deadline", minDelay: 2 * s, maxDelay: 15 * s, elapsed: 32 * s, left: -s, earliest: 0, noLater: 0},
		{name: "no overflow", minDelay: 1, maxDelay: math.MaxInt64, elapsed: math.MaxInt64, left: math.MaxInt64, earliest: math.MaxInt64/4 - math.MaxInt64/16, noLater: math.MaxInt64/4 + math.MaxInt64/16 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			options := lampWaiterOptions{MinDelay: tt.minDelay, MaxDelay: tt.maxDelay}
			w := newLampWaiter(nil)
			got := make([]time.Duration, 0, 3)
			for _, r := range []float64{0, 0.5, math.Nextafter(1, 0)} {
				w.random = func() float64 { return r }
				got = append(got, w.delay(&options, tt.elapsed, tt.left))
			}
			if got[0] != tt.earliest {
				t.Errorf("shortest delay = %v, want %v", got[0], tt.earliest)
			}
			if got[2] > tt.noLater || tt.noLater-got[2] > max(time.Microsecond, tt.noLater>>20) {
				t.Errorf("longest delay = %v, want %v", got[2], tt.noLater)
			}
			if tt.earliest != tt.noLater && (got[1] <= got[0] || got[2] <= got[1]) {
				t.Errorf("delays %v do not grow with the random number", got)
			}
		})
	}
}

func TestWaiterDeadline(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name     string
		maxWait  time.Duration
		pollTime time.Duration
		want     []time.Duration // when polls begin
	}{
		{name: "last poll a second before the end", maxWait: 20 * s, want: []time.Duration{0, 5 * s, 10 * s, 15 * s, 19 * s}},
		{name: "short waits use a tenth", maxWait: 3 * s, want: []time.Duration{0, 2700 * time.Millisecond}},
		{name: "shorter than any delay", maxWait: time.Millisecond, want: []time.Duration{0, 900 * time.Microsecond}},
		{name: "polls take time", maxWait: 20 * s, pollTime: 3 * s, want: []time.Duration{0, 8 * s, 16 * s}},
		{name: "one poll takes it all", maxWait: 20 * s, pollTime: 30 * s, want: []time.Duration{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := newLampClock()
			start := clock.now
			var polls []time.Duration
			w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
				polls = append(polls, clock.now.Sub(start))
				clock.now = clock.now.Add(tt.pollTime)
				return &lampOutput{State: "DARK"}, nil
			}, clock.use, func(o *lampWaiterOptions) { o.MinDelay, o.MaxDelay = 5*s, 5*s })

			out, err := w.WaitForOutput(t.Context(), &lampInput{}, tt.maxWait)
			want := &WaiterTimeoutError{
				Waiter: "LampLit", LastState: "DARK", Attempts: len(tt.want),
				Elapsed: clock.now.Sub(start), MaxWait: tt.maxWait,
				Output: &lampOutput{State: "DARK"},
			}
			var got *WaiterTimeoutError
			if !errors.As(err, &got) {
				t.Fatalf("error = %v, want a *WaiterTimeoutError", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, polls); diff != "" {
				t.Errorf("times of polls (-want +got):\n%s", diff)
			}
			if out == nil || out.State != "DARK" {
				t.Errorf("output = %+v, want the last one", out)
			}
		})
	}
}

func TestWaiterDeadlineInThePast(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), -time.Hour)
	defer cancel()
	w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
		t.Error("polled")
		return nil, errors.New("polled")
	})
	for _, set := range []func(*lampWaiterOptions){func(*lampWaiterOptions) {}, newLampClock().use} {
		_, err := w.WaitForOutput(ctx, &lampInput{}, time.Minute, set)
		var got *WaiterTimeoutError
		if !errors.As(err, &got) {
			t.Fatalf("error = %v, want a *WaiterTimeoutError", err)
		}
		got.Elapsed = 0
		if diff := cmp.Diff(&WaiterTimeoutError{Waiter: "LampLit", ByContext: true}, got); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
	}
}

// The error tells the context's deadline from the caller's maxWaitDur, on any clock.
func TestWaiterTimeoutTellsWhoseDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for maxWait, want := range map[time.Duration]bool{time.Minute: false, 2 * time.Hour: true} {
		w := newLampWaiter(lampScript(lampResponse{state: "DARK"}), newLampClock().use)
		err := w.Wait(ctx, &lampInput{}, maxWait)
		var timeout *WaiterTimeoutError
		if !errors.As(err, &timeout) || timeout.ByContext != want {
			t.Errorf("maxWaitDur %v: got %v, want ByContext %t", maxWait, err, want)
		}
	}
}

func TestWaiterTimeoutTellsLastError(t *testing.T) {
	later := lampError("LampLater")
	w := newLampWaiter(lampScript(lampResponse{state: "DARK"}, lampResponse{err: later}), newLampClock().use)

	err := w.Wait(t.Context(), &lampInput{}, time.Minute)
	var timeout *WaiterTimeoutError
	if !errors.As(err, &timeout) {
		t.Fatalf("error = %v, want a *WaiterTimeoutError", err)
	}
	if timeout.LastState != "DARK" || timeout.Err != later {
		t.Errorf("LastState, Err = %q, %v, want %q, %v", timeout.LastState, timeout.Err, "DARK", later)
	}
}

func TestWaiterContextEnds(t *testing.T) {
	tests := []struct {
		name    string
		context func(ctx context.Context, cancel func()) context.Context
		options func(o *lampWaiterOptions, cancel func())
		poll    func(cancel func()) lampPoll
		want    error
		polls   int
	}{
		{
			name: "canceled before",
			context: func(ctx context.Context, cancel func()) context.Context {
				cancel()
				return ctx
			},
			want: context.Canceled,
		},
		{
			name: "deadline before",
			context: func(ctx context.Context, _ func()) context.Context {
				ctx, stop := context.WithDeadline(ctx, time.Unix(0, 0))
				stop()
				return ctx
			},
			want: context.DeadlineExceeded,
		},
		{
			name: "canceled in a poll",
			poll: func(cancel func()) lampPoll {
				return func(ctx context.Context, _ *lampInput, _ ...func(*Options)) (*lampOutput, error) {
					cancel()
					return nil, &smithy.OperationError{Err: &smithy.CanceledError{Err: ctx.Err()}}
				}
			},
			want:  context.Canceled,
			polls: 1,
		},
		{
			name: "canceled while it sleeps",
			options: func(o *lampWaiterOptions, cancel func()) {
				o.Clock = nil
				o.MinDelay, o.MaxDelay = time.Hour, time.Hour
				o.OnAttempt = func(WaiterAttempt) { cancel() }
			},
			want:  context.Canceled,
			polls: 1,
		},
		{
			name: "canceled while a clock sleeps that does not look",
			options: func(o *lampWaiterOptions, cancel func()) {
				o.Clock = blindClock{newLampClock()}
				o.OnAttempt = func(WaiterAttempt) { cancel() }
			},
			want:  context.Canceled,
			polls: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			poll := lampScript(lampResponse{state: "DARK"})
			if tt.poll != nil {
				poll = tt.poll(cancel)
			}
			polls := 0
			var last WaiterAttempt
			w := newLampWaiter(func(ctx context.Context, in *lampInput, optFns ...func(*Options)) (*lampOutput, error) {
				polls++
				return poll(ctx, in, optFns...)
			}, newLampClock().use, func(o *lampWaiterOptions) {
				o.OnAttempt = func(a WaiterAttempt) { last = a }
				if tt.options != nil {
					tt.options(o, cancel)
				}
			})
			if tt.context != nil {
				ctx = tt.context(ctx, cancel)
			}

			err := w.Wait(ctx, &lampInput{}, 24*time.Hour)
			if !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want one that is %v", err, tt.want)
			}
			var timeout *WaiterTimeoutError
			if isTimeout := errors.As(err, &timeout); isTimeout != errors.Is(tt.want, context.DeadlineExceeded) {
				t.Errorf("error = %v, is a *WaiterTimeoutError: %t", err, isTimeout)
			}
			if polls != tt.polls {
				t.Errorf("polls = %d, want %d", polls, tt.polls)
			}
			if last.Delay != 0 {
				t.Errorf("OnAttempt was told of a delay of %v", last.Delay)
			}
		})
	}
}

// blindClock keeps sleeping after the context has ended.
type blindClock struct{ *lampClock }

func (c blindClock) Sleep(_ context.Context, d time.Duration) error {
	return c.lampClock.Sleep(context.Background(), d)
}

func TestWaiterRealErrorWinsOverEndedContext(t *testing.T) {
	denied := lampError("AccessDenied")
	ctx, cancel := context.WithCancel(t.Context())
	w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
		cancel()
		return nil, denied
	})
	if err := w.Wait(ctx, &lampInput{}, time.Hour); err != denied {
		t.Errorf("error = %v, want %v", err, denied)
	}
}

func TestWaiterSuccessWinsOverEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
		cancel()
		return &lampOutput{State: "LIT"}, nil
	})
	if err := w.Wait(ctx, &lampInput{}, time.Hour); err != nil {
		t.Errorf("error = %v, want none", err)
	}
}

func TestWaiterOnAttempt(t *testing.T) {
	later := lampError("LampLater")
	var got []WaiterAttempt
	w := newLampWaiter(
		lampScript(lampResponse{state: "DARK"}, lampResponse{err: later}, lampResponse{state: "LIT"}),
		newLampClock().use,
		func(o *lampWaiterOptions) { o.OnAttempt = func(a WaiterAttempt) { got = append(got, a) } },
	)
	w.random = func() float64 { return 0 }
	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	want := []WaiterAttempt{
		{Waiter: "LampLit", Attempt: 1, Delay: 2 * time.Second, State: "DARK", Output: &lampOutput{State: "DARK"}},
		{Waiter: "LampLit", Attempt: 2, Elapsed: 2 * time.Second, Delay: 2 * time.Second, Err: later},
		{Waiter: "LampLit", Attempt: 3, Elapsed: 4 * time.Second, State: "LIT", Output: &lampOutput{State: "LIT"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestWaiterOnAttemptLast(t *testing.T) {
	tests := []struct {
		name      string
		response  lampResponse
		retryable lampRetryable
	}{
		{name: "failure", response: lampResponse{state: "BROKEN"}},
		{name: "real error", response: lampResponse{err: lampError("AccessDenied")}},
		{name: "deadline", response: lampResponse{state: "DARK"}},
		{
			name:     "error of Retryable",
			response: lampResponse{state: "DARK"},
			retryable: func(context.Context, *lampInput, *lampOutput, error) (bool, error) {
				return true, errors.New("spent")
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var last WaiterAttempt
			w := newLampWaiter(lampScript(tt.response), newLampClock().use, func(o *lampWaiterOptions) {
				o.OnAttempt = func(a WaiterAttempt) { last = a }
				if tt.retryable != nil {
					o.Retryable = tt.retryable
				}
			})
			if err := w.Wait(t.Context(), &lampInput{}, 10*time.Second); err == nil {
				t.Fatal("no error")
			}
			if last.Attempt == 0 || last.Delay != 0 {
				t.Errorf("last attempt = %+v, want one without a delay", last)
			}
		})
	}
}

func TestWaiterCallOptions(t *testing.T) {
	mark := func(id string) func(*middleware.Stack) error {
		return func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc(id, nil), middleware.After)
		}
	}
	clientOption := func(o *Options) { o.APIOptions = append(o.APIOptions, mark("client option")) }
	tests := []struct {
		name string
		set  func(*lampWaiterOptions)
		// want is the Initialize step, or nil if the poll is called without options.
		want []string
	}{
		{name: "plain", set: func(*lampWaiterOptions) {}},
		{
			name: "client options",
			set:  func(o *lampWaiterOptions) { o.ClientOptions = []func(*Options){clientOption} },
			want: []string{"client", "client option"},
		},
		{
			name: "everything in order",
			set: func(o *lampWaiterOptions) {
				o.APIOptions = []func(*middleware.Stack) error{mark("api option")}
				o.LogWaitAttempts = true
				o.ClientOptions = []func(*Options){clientOption}
			},
			want: []string{"client", "api option", "WaiterLogger", "client option"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			polls := 0
			w := newLampWaiter(func(_ context.Context, _ *lampInput, optFns ...func(*Options)) (*lampOutput, error) {
				polls++
				if got := initializeStep(t, mark("client"), optFns); !slices.Equal(got, tt.want) {
					t.Errorf("poll %d: initialize step = %q, want %q", polls, got, tt.want)
				}
				return &lampOutput{State: []string{"DARK", "LIT"}[polls-1]}, nil
			}, newLampClock().use, tt.set)
			if err := w.Wait(t.Context(), &lampInput{}, time.Minute); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// initializeStep returns the Initialize step that a client with one API option ends up
// with.
func initializeStep(t *testing.T, own func(*middleware.Stack) error, optFns []func(*Options)) []string {
	t.Helper()
	if len(optFns) == 0 {
		return nil
	}
	options := Options{APIOptions: []func(*middleware.Stack) error{own}}
	for _, fn := range optFns {
		fn(&options)
	}
	stack := middleware.NewStack("test", func() any { return nil })
	for _, fn := range options.APIOptions {
		if err := fn(stack); err != nil {
			t.Fatal(err)
		}
	}
	return stack.Initialize.List()
}

func TestWaiterLogsAttempts(t *testing.T) {
	var got []string
	logger := logging.LoggerFunc(func(level logging.Classification, format string, args ...any) {
		got = append(got, string(level)+": "+fmt.Sprintf(format, args...))
	})
	own := make([]func(*middleware.Stack) error, 0, 1)
	states := []string{"DARK", "LIT"}
	w := newLampWaiter(func(ctx context.Context, _ *lampInput, optFns ...func(*Options)) (*lampOutput, error) {
		var options Options
		for _, fn := range optFns {
			fn(&options)
		}
		stack := middleware.NewStack("test", func() any { return nil })
		for _, fn := range options.APIOptions {
			if err := fn(stack); err != nil {
				return nil, err
			}
		}
		out := &lampOutput{State: states[0]}
		states = states[1:]
		_, _, err := stack.HandleMiddleware(middleware.SetLogger(ctx, logger), nil,
			middleware.HandlerFunc(func(context.Context, any) (any, middleware.Metadata, error) {
				return nil, middleware.Metadata{}, nil
			}))
		return out, err
	}, newLampClock().use, func(o *lampWaiterOptions) {
		o.APIOptions = own
		o.LogWaitAttempts = true
	})

	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DEBUG: attempting waiter request, attempt count: 1",
		"DEBUG: attempting waiter request, attempt count: 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if own[:1][0] != nil {
		t.Error("the logger was written into the caller's APIOptions")
	}
}

func TestWaiterOptionsOfOneWait(t *testing.T) {
	clock := newLampClock()
	w := newLampWaiter(lampScript(lampResponse{state: "DARK"}), clock.use)
	_ = w.Wait(t.Context(), &lampInput{}, 10*time.Second, func(o *lampWaiterOptions) {
		o.MinDelay, o.MaxDelay = 9*time.Second, 9*time.Second
	})
	if diff := cmp.Diff([]time.Duration{9 * time.Second}, clock.slept); diff != "" {
		t.Errorf("sleeps with own delays (-want +got):\n%s", diff)
	}
	clock.slept = nil
	_ = w.Wait(t.Context(), &lampInput{}, 10*time.Second)
	if len(clock.slept) == 0 || clock.slept[0] > 3*time.Second {
		t.Errorf("sleeps of the next wait = %v, want the waiter's own delays", clock.slept)
	}
}

func TestWaiterMarksItsCalls(t *testing.T) {
	states := []string{"DARK", "LIT"}
	w := newLampWaiter(func(ctx context.Context, _ *lampInput, _ ...func(*Options)) (*lampOutput, error) {
		if got := featureOf(ctx); got != featureWaiter {
			t.Errorf("the call has feature %v, want %v", got, featureWaiter)
		}
		out := &lampOutput{State: states[0]}
		states = states[1:]
		return out, nil
	}, newLampClock().use)
	if err := w.Wait(t.Context(), &lampInput{}, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func TestWaiterConcurrent(t *testing.T) {
	w := newLampWaiter(func(_ context.Context, in *lampInput, _ ...func(*Options)) (*lampOutput, error) {
		return &lampOutput{State: in.Name}, nil
	}, func(o *lampWaiterOptions) {
		o.LogWaitAttempts = true
	})
	var group sync.WaitGroup
	for i := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			state := []string{"LIT", "BROKEN", "DARK"}[i%3]
			out, err := w.WaitForOutput(t.Context(), &lampInput{Name: state}, time.Minute, newLampClock().use)
			if (err == nil) != (state == "LIT") || out == nil || out.State != state {
				t.Errorf("wait %d for %s: output %+v, error %v", i, state, out, err)
			}
		}()
	}
	group.Wait()
}

// For a build of about a minute the schedule notices the end about 7 s late on average,
// with 18 polls. The bounds leave room around that.
func TestWaiterScheduleSimulated(t *testing.T) {
	const runs = 4000
	random := rand.New(rand.NewPCG(2025, 9))
	var late time.Duration
	var polls int
	for range runs {
		clock := newLampClock()
		ready := clock.now.Add(50*time.Second + time.Duration(random.Int64N(int64(20*time.Second))))
		w := newLampWaiter(func(context.Context, *lampInput, ...func(*Options)) (*lampOutput, error) {
			polls++
			asked := clock.now
			clock.now = clock.now.Add(100 * time.Millisecond)
			if asked.Before(ready) {
				return &lampOutput{State: "DARK"}, nil
			}
			return &lampOutput{State: "LIT"}, nil
		}, clock.use)
		w.random = random.Float64
		if err := w.Wait(t.Context(), &lampInput{}, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		late += clock.now.Sub(ready)
	}
	meanLate, meanPolls := late/runs, float64(polls)/runs
	t.Logf("on average %v late after %.1f polls", meanLate.Round(time.Millisecond), meanPolls)
	if meanLate > 10*time.Second {
		t.Errorf("on average %v late, want at most 10 s", meanLate)
	}
	if meanPolls > 25 {
		t.Errorf("%.1f polls on average, want at most 25", meanPolls)
	}
}

func TestErrorCodeIs(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{name: "nil", err: nil, want: false},
		{name: "not of the service", err: errors.New("LampGone"), want: false},
		{name: "other code", err: lampError("LampGoneAway"), want: false},
		{name: "wrapped", err: lampError("LampGone"), want: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := errorCodeIs(tt.err, "LampGone"); got != tt.want {
				t.Errorf("errorCodeIs(%v) = %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}
