package chaos

import (
	"fmt"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// inject adds all faults; each happens with its share of the episode's level.
func (e *episode) inject() {
	add := func(effect fake.Effect, share float64, operations ...fake.Operation) {
		e.srv.Inject(effect, e.sometimes(effect, share, operations...))
	}
	builds := []fake.Operation{fake.CreateMicroVMImage, fake.UpdateMicroVMImage}
	add(fake.Throttle{}, 1)
	add(fake.Throttle{RetryAfter: time.Hour}, 0.1)
	add(fake.ServerError{}, 1)
	add(fake.ServerError{Status: 503, RetryAfter: time.Hour}, 0.1)
	add(fake.BadGateway{}, 1)
	add(fake.Reset{}, 1)
	add(fake.QuotaExceeded{}, 0.5, append(builds, fake.RunMicroVM)...)
	add(fake.SkewClock{By: 20 * time.Minute}, 0.5)
	add(fake.SkewClock{By: -20 * time.Minute}, 0.5)
	add(fake.Slow{Delay: 3 * time.Second}, 1)
	add(fake.Hang{}, 0.2)
	add(fake.CutBody{After: 7}, 1)
	add(fake.MalformedJSON{}, 0.5)
	add(fake.LoseAnswer{}, 2)
	add(fake.EmptyPages{Count: 2}, 2)
	add(fake.FailBuild{}, 3, builds...)
	add(fake.StuckBuild{}, 1, builds...)
	add(fake.FailStart{}, 3, fake.RunMicroVM)
	add(fake.FailSuspend{}, 10, fake.SuspendMicroVM)
}

// sometimes returns the condition of a fault. The server evaluates it under its lock, so
// that the order of calls is well defined.
func (e *episode) sometimes(effect fake.Effect, share float64, operations ...fake.Operation) fake.Condition {
	name := strings.TrimPrefix(fmt.Sprintf("%T", effect), "fake.")
	on := func(fake.Operation) bool { return true }
	if len(operations) > 0 {
		holds := fake.On(operations...)
		on = func(o fake.Operation) bool { return holds(fake.Occasion{Operation: o}) }
	}
	hangs := endless(effect)
	e.tally.countFault(name, 0)
	return func(o fake.Occasion) bool {
		w := e.workerOf(o)
		if w == nil || !on(o.Operation) {
			return false
		}
		w.mu.Lock()
		hit := !w.quiet && w.luck.Float64() < share*e.level
		if hangs && o.Operation == fake.CreateMicroVMAuthToken && strings.HasPrefix(w.kind, "session.") {
			hit = false // a token renewal outlives its call; the tests of session cover a renewal that hangs
		}
		w.mu.Unlock()
		if !hit {
			return false
		}
		if hangs { // only the end of the context ends such a call
			w.cancelSoon()
		}
		w.tally.fault(name)
		return true
	}
}

// endless reports whether the effect keeps a call waiting until its context ends.
func endless(effect fake.Effect) bool {
	switch effect := effect.(type) {
	case fake.Hang:
		return true
	case fake.Throttle:
		return effect.RetryAfter > 0
	case fake.ServerError:
		return effect.RetryAfter > 0
	}
	return false
}

// workerOf returns the worker that made the call: images are named after their workers.
func (e *episode) workerOf(o fake.Occasion) *worker {
	for _, w := range e.workers {
		if len(e.workers) == 1 || strings.HasPrefix(o.Image, w.prefix) {
			return w
		}
	}
	return nil
}

// cancelSoon cancels the context of the current call, at once or a few steps later.
func (w *worker) cancelSoon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	cancel := w.cancel
	if w.luck.IntN(2) == 0 {
		w.markEnd()
		cancel()
		return
	}
	call := w.number
	time.AfterFunc(time.Millisecond, func() {
		w.mu.Lock()
		if w.number == call {
			w.markEnd()
		}
		w.mu.Unlock()
		cancel()
	})
}

func (w *worker) markEnd() {
	if w.endedAt.IsZero() {
		w.endedAt = time.Now()
	}
}
