package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// How the context of a call ends.
const (
	contextEnded   = "context ended before the call"
	deadlinePassed = "deadline"
)

// worker makes calls, one after the other, on images that no other worker uses.
type worker struct {
	*episode
	prefix string
	rng    *rand.Rand // decides which calls the worker makes
	before truth
	names  int
	kind   string // of the current call
	began  atomic.Int64

	wrote atomic.Int64 // requests; counted only over a real network

	mu       sync.Mutex
	luck     *rand.Rand // decides about faults
	quiet    bool       // no faults
	ctx      context.Context
	cancel   context.CancelFunc
	number   int
	endedAt  time.Time       // when the test ended the context
	ended    <-chan struct{} // the Done channel of a context that was over when an attempt returned
	afterEnd int             // attempts that started after that
	attempts int
	open     int // bodies
	status   int // of the last attempt
	open5xx  bool
	trace    []exchange
}

// call makes a call and checks what must hold for every call.
func (w *worker) call(kind string, do func(context.Context) error) (delta, error) {
	root, cancel := context.WithCancel(context.WithValue(context.Background(), workerKey{}, w))
	defer cancel()
	w.mu.Lock()
	w.kind, w.ctx, w.cancel = kind, root, cancel
	w.number++
	w.endedAt, w.ended, w.afterEnd, w.attempts, w.status, w.open5xx, w.trace = time.Time{}, nil, 0, 0, 0, false, nil
	quiet := w.quiet
	w.mu.Unlock()
	w.tally.calls.Add(1)
	ctx := root
	if !quiet {
		switch n := w.rng.IntN(200); {
		case n == 0:
			w.tally.fault(contextEnded)
			w.mu.Lock()
			w.markEnd()
			w.mu.Unlock()
			cancel()
		case n == 1 && w.network.url == "":
			w.tally.fault(deadlinePassed)
			deadline := time.Duration(w.rng.IntN(1000)) * time.Microsecond
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(root, deadline)
			defer stop()
			w.mu.Lock()
			w.ctx, w.endedAt = ctx, time.Now().Add(deadline)
			w.mu.Unlock()
		}
	}
	w.began.Store(time.Now().UnixNano())
	err := do(ctx)
	done := time.Now()
	w.began.Store(0)

	w.network.settle(w)
	w.judgeEnd(ctx, done, err)
	w.srv.Advance(5 * time.Second) // lets started changes take effect
	d := between(w.before, w.look())
	if d.builds != 2*len(d.versions) {
		w.wrong("%d builds for %d versions", d.builds, len(d.versions))
	}
	if len(d.images) > 1 || len(d.versions) > 1 || len(d.vms) > 1 || len(d.vms) > 0 && len(d.versions) > 0 {
		w.wrong("more than one effect: %+v", d)
	}
	return d, err
}

// judgeEnd checks when and how a call ended. The worker's lock must not be held while the
// server is read: the server takes it to decide about faults, which would deadlock.
func (w *worker) judgeEnd(ctx context.Context, done time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		w.tally.ends.Add(1)
		if late := done.Sub(w.endedAt); !w.endedAt.IsZero() && late > 0 {
			w.tally.late(w.kind, late)
		}
		// The attempt may have failed for another reason before the context ended.
		last := len(w.trace) - 1
		if err != nil && last >= 0 && errors.Is(w.trace[last].err, ctx.Err()) && !strings.Contains(w.kind, ".") && !errors.Is(err, ctx.Err()) {
			w.problem("the context has ended, and the error does not say so: %v", err)
		}
	}
	inFlight := 0
	if strings.HasPrefix(w.kind, "session.") {
		inFlight = 1 // a token request has its own goroutine, which may be about to send
	}
	if w.afterEnd > inFlight {
		w.problem("%d attempts after the context had ended", w.afterEnd)
	}
	if err != nil {
		w.tally.failed.Add(1)
	}
	for limit := time.Now().Add(5 * time.Second); w.open > 0 && time.Now().Before(limit); {
		w.mu.Unlock() // a session's token request may be in flight, even after Close
		time.Sleep(100 * time.Microsecond)
		w.mu.Lock()
	}
	if w.open != 0 {
		w.problem("%d bodies left open", w.open)
		w.open = 0
	}
}

// next takes the current state as the one before the next call.
func (w *worker) next() { w.before = w.look() }

// problem records a broken promise. The caller holds the worker's lock.
func (w *worker) problem(format string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, episode %d (%s, %d workers), %s call %d, %s: ", w.seed, w.id, w.network.kind, len(w.workers), w.prefix, w.number, w.kind)
	fmt.Fprintf(&b, format, args...)
	for _, x := range w.trace[max(0, len(w.trace)-40):] {
		fmt.Fprintf(&b, "\n\t%s: %d %v", x.what, x.status, x.err)
	}
	w.tally.problem(w.kind+format, b.String())
}

func (w *worker) wrong(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem(format, args...)
}

// calm runs do without faults.
func (w *worker) calm(do func()) {
	set := func(quiet bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.quiet = quiet
	}
	set(true)
	defer set(false)
	do()
}

func uncertainty(err error) *lambdamicrovms.UncertainError {
	var uncertain *lambdamicrovms.UncertainError
	if errors.As(err, &uncertain) {
		return uncertain
	}
	return nil
}

// judge checks an operation that makes its change once or not at all.
func (w *worker) judge(happened bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	unknown := uncertainty(err) != nil
	switch {
	case err == nil && !happened:
		w.problem("no error and no effect")
	case err != nil && happened && !unknown:
		w.problem("an effect, and the error does not say so: %v", err)
	case unknown && !w.open5xx:
		w.problem("the error leaves open what the responses tell: %v", err)
	}
	if err != nil && happened {
		w.tally.doubts.Add(1)
	}
}

// judgeDelta checks that a call added no more than it may.
func (w *worker) judgeDelta(d delta, images, versions, vms int) {
	if len(d.images) > images || len(d.versions) > versions || len(d.vms) > vms {
		w.wrong("unexpected effects: %+v", d)
	}
}

func (w *worker) pick(n int) bool { return w.rng.IntN(n) == 0 }

func (w *worker) anyImage() *fake.ImageSnapshot {
	if len(w.before.images) == 0 {
		return nil
	}
	return &w.before.images[w.rng.IntN(len(w.before.images))]
}

func (w *worker) anyVM() *fake.MicroVMSnapshot {
	if len(w.before.vms) == 0 {
		return nil
	}
	return &w.before.vms[len(w.before.vms)-1-w.rng.IntN(min(4, len(w.before.vms)))]
}
