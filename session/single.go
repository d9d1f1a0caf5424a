package session

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// PanicError carries a panic of code that the caller supplied (an API, a credentials
// provider, an HTTP client, a clock) out of the goroutine of a shared call. Every caller
// that waits for the call panics with it.
type PanicError struct {
	// Value is what the code panicked with, and Stack the stack of that goroutine.
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.Value, e.Stack) }

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the result of a call whose goroutine was ended from within.
var errGoexit = errors.New("session: the API, or code that it calls, has called runtime.Goexit")

// single lets concurrent callers share one call. The call goes on for as long as one of
// them waits, whoever began it. Its zero value is ready.
type single[T any] struct {
	mu      sync.Mutex
	running *flight[T]
	stopped bool
}

// flight is a call under way.
type flight[T any] struct {
	cancel  context.CancelFunc
	waiters int
	done    chan struct{} // closed when what follows is set
	value   T
	err     error
	panics  *PanicError
}

// result returns what the call returned, or panics as it did.
func (f *flight[T]) result() (T, error) {
	if f.panics != nil {
		panic(f.panics)
	}
	return f.value, f.err
}

// do returns what the call returns, or the context's error as soon as that ends. If the
// call panics, do panics with a *PanicError.
func (g *single[T]) do(ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	if err := ctx.Err(); err != nil {
		return *new(T), err
	}
	f, err := g.join(ctx, call)
	if err != nil {
		return *new(T), err
	}
	select {
	case <-f.done:
		return f.result()
	case <-ctx.Done():
		g.leave(f)
		return *new(T), ctx.Err()
	}
}

// begin makes the call without waiting for it, unless one is under way. After the limit it
// goes on only if somebody else waits by then. A panic is dropped if nobody waits.
func (g *single[T]) begin(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) {
	if g.busy() {
		return
	}
	if f, err := g.join(ctx, call); err == nil {
		time.AfterFunc(limit, func() { g.leave(f) })
	}
}

func (g *single[T]) join(ctx context.Context, call func(context.Context) (T, error)) (*flight[T], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil, ErrClosed
	}
	if g.running == nil {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f := &flight[T]{cancel: cancel, done: make(chan struct{}), err: errGoexit}
		g.running = f
		go g.fly(shared, f, call)
	}
	g.running.waiters++
	return g.running, nil
}

// fly makes the call. It lands in any case: the call runs code of the caller's, which may
// panic or end the goroutine, and others wait for the result.
func (g *single[T]) fly(ctx context.Context, f *flight[T], call func(context.Context) (T, error)) {
	defer g.land(f)
	defer func() {
		if reason := recover(); reason != nil {
			f.panics = &PanicError{Value: reason, Stack: debug.Stack()}
		}
	}()
	f.value, f.err = call(ctx)
}

func (g *single[T]) land(f *flight[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.cancel()
	if f.err != nil && g.stopped {
		f.err = ErrClosed
	}
	if g.running == f {
		g.running = nil
	}
	close(f.done)
}

// leave is for a caller that stops waiting. The last one cancels the call; a later caller
// begins another.
func (g *single[T]) leave(f *flight[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel()
	if g.running == f {
		g.running = nil
	}
}

// busy reports whether a call is under way.
func (g *single[T]) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running != nil
}

// stop cancels the call under way, waits for its end or that of the context, and lets no
// other call begin.
func (g *single[T]) stop(ctx context.Context) {
	g.mu.Lock()
	g.stopped = true
	f := g.running
	g.mu.Unlock()
	if f == nil {
		return
	}
	f.cancel()
	select {
	case <-f.done:
	case <-ctx.Done():
	}
}
