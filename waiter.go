package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithywaiter "github.com/aws/smithy-go/waiter"

	"github.com/microvm-go/lambdamicrovms/internal/clock"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// lastPollLead is how long before its deadline a waiter polls for the last time, so that
// the response can still arrive. Waits under ten seconds use a tenth of their length.
const lastPollLead = time.Second

// Clock is the time source of a waiter. The default is the system clock. A test can use a
// clock that makes waiting take no time. A Clock must be safe for concurrent use, because
// workflows use it in several goroutines.
type Clock interface {
	Now() time.Time
	// Sleep returns nil after d, or the context's error as soon as the context ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// WaiterOptions are the options of a waiter. The New…Waiter functions set them for all
// waits, Wait and WaitForOutput for a single one.
type WaiterOptions[I, O any] struct {
	// APIOptions change the middleware stack of each poll. They come before those that
	// ClientOptions add.
	APIOptions []func(*middleware.Stack) error

	// ClientOptions change the client's options for each poll.
	ClientOptions []func(*Options)

	// MinDelay and MaxDelay bound the time between two polls, which grows with the time
	// waited. Zero or less selects the default: 2 and 15 seconds for images and image
	// versions, 0.5 and 5 seconds for MicroVMs. MinDelay must not exceed MaxDelay. Only
	// the last poll before the deadline may come sooner.
	MinDelay time.Duration
	MaxDelay time.Duration

	// LogWaitAttempts logs each poll at debug level through the client's Logger.
	LogWaitAttempts bool

	// Retryable decides after each poll, instead of the waiter's own rules: true polls
	// again, false with a nil error is success, and an error ends the wait and is
	// returned unchanged. Its initial value is the waiter's own rules, so that a
	// replacement can call them. It is not called for a poll that the end of the wait
	// interrupted.
	Retryable func(context.Context, *I, *O, error) (bool, error)

	// OnAttempt is called after each poll, before the waiter sleeps or returns.
	OnAttempt func(WaiterAttempt)

	// Clock measures the wait and sleeps between polls. The default is the system clock;
	// with a client of package fake it is the clock of the fake server. If the context has
	// a deadline, the system time that remains when the wait begins limits the wait on any
	// clock. Unless Clock is the system clock, only the context can interrupt a poll that
	// hangs.
	Clock Clock
}

// WaiterAttempt describes one poll to OnAttempt.
type WaiterAttempt struct {
	// Waiter is the name of the waiter, such as "MicroVMImageUpdated".
	Waiter string
	// Attempt is the number of the poll, counted from 1.
	Attempt int
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
	// Delay is the time until the next poll, or zero if this poll ended the wait.
	Delay time.Duration
	// State is the state that the poll returned. It is empty if the poll failed.
	State string
	// Output is the poll's output, a pointer such as *GetMicroVMImageOutput, or nil.
	Output any
	// Err is the error of the poll.
	Err error
}

// WaiterFailureError reports that the resource can no longer reach the awaited state.
type WaiterFailureError struct {
	// Waiter is the name of the waiter, such as "MicroVMImageUpdated".
	Waiter string
	// State is the state that ended the wait. It is empty if Err ended it.
	State string
	// Reason is the service's reason for State, if it gives one.
	Reason string
	// Attempts is the number of polls.
	Attempts int
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
	// Output is the last output received, a pointer such as *GetMicroVMImageOutput, or
	// nil.
	Output any
	// Err is the service's error that ended the wait, or nil if State ended it.
	Err error
}

func (e *WaiterFailureError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s waiter: failed", e.Waiter)
	if e.State != "" {
		fmt.Fprintf(&b, " in state %s", e.State)
	}
	writeProgress(&b, e.Attempts, e.Elapsed)
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *WaiterFailureError) Unwrap() error { return e.Err }

// WaiterTimeoutError reports that a wait reached its deadline: maxWaitDur or that of the
// context. It matches context.DeadlineExceeded in both cases.
type WaiterTimeoutError struct {
	// Waiter is the name of the waiter, such as "MicroVMImageUpdated".
	Waiter string
	// LastState is the last state that a poll returned, or empty.
	LastState string
	// Attempts is the number of polls.
	Attempts int
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
	// MaxWait is the maximum duration of the wait: maxWaitDur or, if less, the time until
	// the context's deadline. It is zero if that had passed.
	MaxWait time.Duration
	// ByContext is true if the context's deadline came before the end of maxWaitDur.
	ByContext bool
	// Output is the last output received, a pointer such as *GetMicroVMImageOutput, or
	// nil.
	Output any
	// Err is the error of the last poll, if the deadline interrupted it or it would have
	// been retried.
	Err error
}

func (e *WaiterTimeoutError) Error() string {
	var b strings.Builder
	if e.Attempts == 0 {
		fmt.Fprintf(&b, "%s waiter: the context's deadline had passed before the first attempt", e.Waiter)
	} else {
		fmt.Fprintf(&b, "%s waiter: not done within %v", e.Waiter, roundToMillisecond(e.MaxWait))
		if e.ByContext {
			b.WriteString(", the context's deadline")
		}
		writeLastSeen(&b, e)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func writeLastSeen(b *strings.Builder, e *WaiterTimeoutError) {
	if e.LastState != "" {
		fmt.Fprintf(b, ", last state %s", e.LastState)
	}
	writeProgress(b, e.Attempts, e.Elapsed)
}

// Unwrap returns context.DeadlineExceeded and Err, if there is one.
func (e *WaiterTimeoutError) Unwrap() []error {
	if e.Err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.Err}
}

func writeProgress(b *strings.Builder, attempts int, elapsed time.Duration) {
	fmt.Fprintf(b, " (attempts: %d, elapsed: %v)", attempts, roundToMillisecond(elapsed))
}

// roundToMillisecond does not round durations under a millisecond, which would print as
// 0s.
func roundToMillisecond(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d
	}
	return d.Round(time.Millisecond)
}

// A verdict is the decision of a waiter's acceptors about a poll.
type verdict uint8

const (
	// waitUnnamed is a poll that no acceptor matches: the waiter continues after an
	// output, and fails after an error.
	waitUnnamed verdict = iota
	waitRetry
	waitSuccess
	waitFailure
)

// A waiterSpec is the model's declaration of a waiter.
type waiterSpec[O any] struct {
	name               string
	minDelay, maxDelay time.Duration
	// clock is that of the in-process server of the client, or nil; see clockOf.
	clock Clock
	// accept decides about a poll; out is nil if err is not.
	accept func(out *O, err error) verdict
	state  func(*O) string
	// reason is nil if the output has no such member.
	reason func(*O) *string
}

func (s *waiterSpec[O]) clockOrSystem() Clock {
	if s.clock == nil {
		return clock.System{}
	}
	return s.clock
}

// Waiter polls an operation until a resource reaches the state in the waiter's name. The
// New…Waiter functions make a Waiter. It is safe for concurrent use.
//
// It polls at once. Each following delay is about a quarter of the time waited so far,
// with jitter, between MinDelay and MaxDelay. The last poll is shortly before the
// deadline.
type Waiter[I, O any] struct {
	poll    func(context.Context, *I, ...func(*Options)) (*O, error)
	spec    waiterSpec[O]
	options WaiterOptions[I, O]
	// random returns numbers in [0, 1).
	random func() float64
}

func newWaiter[I, O any](
	poll func(context.Context, *I, ...func(*Options)) (*O, error),
	spec waiterSpec[O],
	optFns []func(*WaiterOptions[I, O]),
) *Waiter[I, O] {
	w := &Waiter[I, O]{poll: poll, spec: spec, random: rand.Float64}
	w.options = WaiterOptions[I, O]{
		MinDelay:  spec.minDelay,
		MaxDelay:  spec.maxDelay,
		Retryable: w.retryable,
		Clock:     spec.clockOrSystem(),
	}
	for _, fn := range optFns {
		fn(&w.options)
	}
	return w
}

// Wait is WaitForOutput without the output.
func (w *Waiter[I, O]) Wait(ctx context.Context, params *I, maxWaitDur time.Duration, optFns ...func(*WaiterOptions[I, O])) error {
	_, err := w.WaitForOutput(ctx, params, maxWaitDur, optFns...)
	return err
}

// WaitForOutput polls until the resource reaches the awaited state, and returns that
// poll's output, or nil if the awaited state is that the resource no longer exists. It
// waits until the context's deadline, and at most for maxWaitDur, which must be greater
// than zero.
//
// The error is a *WaiterFailureError if the resource can no longer reach the state, and a
// *WaiterTimeoutError at the deadline. It matches context.Canceled if the context is
// canceled. Any other error of a poll ends the wait at once and is returned unchanged. On
// error, the output is the last one received, or nil.
func (w *Waiter[I, O]) WaitForOutput(ctx context.Context, params *I, maxWaitDur time.Duration, optFns ...func(*WaiterOptions[I, O])) (*O, error) {
	if maxWaitDur <= 0 {
		return nil, fmt.Errorf("%s waiter: maxWaitDur is %v, must be greater than zero", w.spec.name, maxWaitDur)
	}
	options, err := w.resolve(optFns)
	if err != nil {
		return nil, err
	}

	limit, byContext := waitLimit(ctx, maxWaitDur)
	ctx = withFeature(ctx, featureWaiter)
	if clock.IsSystem(options.Clock) {
		// A poll that hangs must not outlive the wait. Another clock cannot bound the
		// real time of a call.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}

	run := waitRun[O]{spec: &w.spec, clock: options.Clock, start: options.Clock.Now(), limit: limit, byContext: byContext}
	for {
		if err := ctx.Err(); err != nil {
			return run.last, run.stopped(err)
		}

		run.attempts++
		out, err := w.poll(ctx, params, options.callOptions(run.attempts)...)
		if err == nil && out == nil {
			err = errNoOutput()
		}
		run.err = err
		if err == nil {
			run.last = out
		}

		var again bool
		var stop error
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			stop = run.stopped(err)
		} else {
			again, stop = options.Retryable(ctx, params, out, err)
			again = again && stop == nil
		}

		var delay time.Duration
		if again {
			delay = w.delay(&options, run.elapsed(), run.left())
		}
		if options.OnAttempt != nil {
			options.OnAttempt(run.attempt(delay))
		}

		switch {
		case stop != nil:
			return run.last, run.failed(stop)
		case !again:
			return out, nil
		case delay == 0:
			return run.last, run.timedOut()
		}
		if err := options.Clock.Sleep(ctx, delay); err != nil {
			return run.last, run.stopped(err)
		}
	}
}

// waitLimit returns how long a wait may last, and whether the context's deadline limits
// it.
func waitLimit(ctx context.Context, maxWaitDur time.Duration) (limit time.Duration, byContext bool) {
	if deadline, ok := ctx.Deadline(); ok {
		if left := max(time.Until(deadline), 0); left < maxWaitDur {
			return left, true
		}
	}
	return maxWaitDur, false
}

// resolve returns the options of one wait.
func (w *Waiter[I, O]) resolve(optFns []func(*WaiterOptions[I, O])) (WaiterOptions[I, O], error) {
	options := w.options
	for _, fn := range optFns {
		fn(&options)
	}
	if options.MinDelay <= 0 {
		options.MinDelay = w.spec.minDelay
	}
	if options.MaxDelay <= 0 {
		options.MaxDelay = w.spec.maxDelay
	}
	if options.MinDelay > options.MaxDelay {
		return options, fmt.Errorf("%s waiter: MinDelay %v exceeds MaxDelay %v", w.spec.name, options.MinDelay, options.MaxDelay)
	}
	if options.Retryable == nil {
		options.Retryable = w.retryable
	}
	if options.Clock == nil {
		options.Clock = w.spec.clockOrSystem()
	}
	return options, nil
}

// retryable is the default of WaiterOptions.Retryable: it applies the acceptors.
// waitRun.failed completes its error.
func (w *Waiter[I, O]) retryable(_ context.Context, _ *I, out *O, err error) (bool, error) {
	switch w.spec.accept(out, err) {
	case waitRetry:
		return true, nil
	case waitSuccess:
		return false, nil
	case waitFailure:
		failure := &WaiterFailureError{Waiter: w.spec.name, Err: err}
		if err == nil {
			failure.State = redact.Clean(w.spec.state(out), redact.MaxText)
			if w.spec.reason != nil {
				if reason := w.spec.reason(out); reason != nil {
					failure.Reason = redact.Clean(*reason, redact.MaxText)
				}
			}
		}
		return false, failure
	default:
		return err == nil, err
	}
}

// delay returns the time to sleep before the next poll, or zero if there is none. Jitter
// spreads waiters that began together, from the first delay.
func (w *Waiter[I, O]) delay(options *WaiterOptions[I, O], elapsed, left time.Duration) time.Duration {
	aim := min(max(elapsed/4, options.MinDelay), options.MaxDelay)
	low := max(aim-aim/4, options.MinDelay)
	high := aim + min(aim/4, options.MaxDelay-aim)
	return max(0, min(low+time.Duration(w.random()*float64(high-low)), left))
}

// callOptions turns the waiter's options into those of a poll. It returns none if
// possible, so that the client can use its compiled chain for waiters.
func (o *WaiterOptions[I, O]) callOptions(attempt int) []func(*Options) {
	apiOptions := o.APIOptions
	if o.LogWaitAttempts {
		logger := smithywaiter.Logger{Attempt: int64(attempt)}
		apiOptions = append(apiOptions[:len(apiOptions):len(apiOptions)], logger.AddLogger)
	}
	if len(apiOptions) == 0 {
		return o.ClientOptions
	}
	add := func(options *Options) { options.APIOptions = append(options.APIOptions, apiOptions...) }
	return append([]func(*Options){add}, o.ClientOptions...)
}

// A waitRun is the progress of one wait.
type waitRun[O any] struct {
	spec     *waiterSpec[O]
	clock    Clock
	start    time.Time
	limit    time.Duration
	attempts int
	// byContext is true if the context's deadline is the limit.
	byContext bool
	// last is the last output received, err the error of the last poll.
	last *O
	err  error
}

func (r *waitRun[O]) elapsed() time.Duration { return r.clock.Now().Sub(r.start) }

// left is the time until the last poll.
func (r *waitRun[O]) left() time.Duration {
	return r.limit - min(r.limit/10, lastPollLead) - r.elapsed()
}

func (r *waitRun[O]) attempt(delay time.Duration) WaiterAttempt {
	a := WaiterAttempt{
		Waiter:  r.spec.name,
		Attempt: r.attempts,
		Elapsed: r.elapsed(),
		Delay:   delay,
		Err:     r.err,
	}
	if r.err == nil && r.last != nil {
		a.State, a.Output = redact.Clean(r.spec.state(r.last), redact.MaxText), r.last
	}
	return a
}

// failed completes an error of retryable. Errors of polls and of a user's Retryable stay
// unchanged.
func (r *waitRun[O]) failed(err error) error {
	var failure *WaiterFailureError
	if errors.As(err, &failure) && failure.Waiter == r.spec.name && failure.Attempts == 0 {
		failure.Attempts, failure.Elapsed = r.attempts, r.elapsed()
		if r.last != nil {
			failure.Output = r.last
		}
	}
	return err
}

// stopped returns the error of a wait that ended with its context; err is the error of
// the context or of the interrupted poll.
func (r *waitRun[O]) stopped(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return r.timedOut()
	}
	return fmt.Errorf("%s waiter: stopped (attempts: %d): %w", r.spec.name, r.attempts, err)
}

func (r *waitRun[O]) timedOut() error {
	timeout := &WaiterTimeoutError{
		Waiter:    r.spec.name,
		Attempts:  r.attempts,
		Elapsed:   r.elapsed(),
		MaxWait:   r.limit,
		ByContext: r.byContext,
		Err:       r.err,
	}
	if r.last != nil {
		timeout.LastState, timeout.Output = redact.Clean(r.spec.state(r.last), redact.MaxText), r.last
	}
	return timeout
}
