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

// Names of what befalls the context of a call.
const (
	contextEnded   = "context ended before the call"
	deadlinePassed = "deadline"
)

// worker makes calls, one after the other, about images that nobody else touches.
type worker struct {
	*episode
	prefix string
	rng    *rand.Rand // what it does
	before truth
	names  int
	kind   string // of the present call
	began  atomic.Int64

	wrote atomic.Int64 // requests, over a real network

	mu       sync.Mutex
	luck     *rand.Rand // what goes wrong; asked wherever that is decided
	quiet    bool       // nothing goes wrong
	ctx      context.Context
	cancel   context.CancelFunc
	number   int
	endedAt  time.Time       // when the context was made to end
	ended    <-chan struct{} // of a context after whose end an attempt has ended
	afterEnd int             // attempts after that
	attempts int
	open     int // bodies
	status   int // of the last attempt
	open5xx  bool
	trace    []exchange
}

// call makes a call and checks what holds for all of them.
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
	w.srv.Advance(5 * time.Second) // what was begun shows
	d := between(w.before, w.look())
	if d.builds != 2*len(d.versions) {
		w.wrong("%d builds for %d versions", d.builds, len(d.versions))
	}
	if len(d.images) > 1 || len(d.versions) > 1 || len(d.vms) > 1 || len(d.vms) > 0 && len(d.versions) > 0 {
		w.wrong("more than one effect: %+v", d)
	}
	return d, err
}

// judgeEnd checks when and how a call has ended. The worker's lock is not to be held when the server is asked, since
// the server asks for it to decide about faults.
func (w *worker) judgeEnd(ctx context.Context, done time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		w.tally.ends.Add(1)
		if late := done.Sub(w.endedAt); !w.endedAt.IsZero() && late > 0 {
			w.tally.late(w.kind, late)
		}
		// The attempt may have failed for another reason before.
		last := len(w.trace) - 1
		if err != nil && last >= 0 && errors.Is(w.trace[last].err, ctx.Err()) && !strings.Contains(w.kind, ".") && !errors.Is(err, ctx.Err()) {
			w.problem("the context has ended, and the error does not say so: %v", err)
		}
	}
	if w.afterEnd > 0 {
		w.problem("%d attempts after the context had ended", w.afterEnd)
	}
	if err != nil {
		w.tally.failed.Add(1)
	}
	for limit := time.Now().Add(5 * time.Second); w.open > 0 && time.Now().Before(limit); {
		w.mu.Unlock() // the token of a session, even of one that is closed, may be under way
		time.Sleep(100 * time.Microsecond)
		w.mu.Lock()
	}
	if w.open != 0 {
		w.problem("%d bodies left open", w.open)
		w.open = 0
	}
}

// next makes the state after a call that before the next one.
func (w *worker) next() { w.before = w.look() }

// problem notes what must not be. The caller has the worker's lock.
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

// calm runs something while nothing goes wrong.
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

// judge checks an operation that changes something, once or not at all.
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
		w.problem("the error leaves open what the answers tell: %v", err)
	}
	if err != nil && happened {
		w.tally.doubts.Add(1)
	}
}

// judgeDelta checks that a call has begun only what it may.
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
