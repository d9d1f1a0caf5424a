package session

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// PanicError is a panic of code that the caller supplied (an API, a credentials provider,
// an HTTP client, a clock) in the goroutine of a shared call. Every caller that waits for
// the call panics with it.
type PanicError struct {
	// Value is the value of the panic, and Stack is the stack of that goroutine.
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.Value, e.Stack) }

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// sharedCall lets concurrent callers share one call. The call continues as long as any of
// them waits, no matter who started it. The zero value is ready to use.
type sharedCall[T any] struct {
	mu      sync.Mutex
	running *inFlight[T]
	stopped bool
}

// inFlight is a call that is running.
type inFlight[T any] struct {
	cancel  context.CancelFunc
	waiters int
	done    chan struct{} // closed when the fields below are set
	value   T
	err     error
	panics  *PanicError
}

// result returns the results of the call, or panics if it panicked.
func (f *inFlight[T]) result() (T, error) {
	if f.panics != nil {
		panic(f.panics)
	}
	return f.value, f.err
}

// do returns the results of the call, or the context's error as soon as the context ends.
// If the call panics, do panics with a *PanicError.
func (g *sharedCall[T]) do(ctx context.Context, call func(context.Context) (T, error)) (T, error) {
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

// start starts the call, unless one is running, and does not wait for it. After the limit
// the call continues only if a caller of do waits for it. Its panic is lost if none does.
func (g *sharedCall[T]) start(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) {
	if g.busy() {
		return
	}
	if f, err := g.join(ctx, call); err == nil {
		time.AfterFunc(limit, func() { g.leave(f) })
	}
}

func (g *sharedCall[T]) join(ctx context.Context, call func(context.Context) (T, error)) (*inFlight[T], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil, ErrClosed
	}
	if g.running == nil {
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f := &inFlight[T]{cancel: cancel, done: make(chan struct{}), err: workflow.ErrGoexit}
		g.running = f
		go g.run(shared, f, call)
	}
	g.running.waiters++
	return g.running, nil
}

// run makes the call. It must call finish in any case, because other callers wait: the
// call runs code that the caller supplied, which may panic or end the goroutine.
func (g *sharedCall[T]) run(ctx context.Context, f *inFlight[T], call func(context.Context) (T, error)) {
	defer g.finish(f)
	defer func() {
		if reason := recover(); reason != nil {
			f.panics = &PanicError{Value: reason, Stack: debug.Stack()}
		}
	}()
	f.value, f.err = call(ctx)
}

func (g *sharedCall[T]) finish(f *inFlight[T]) {
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

// leave removes a caller that stops waiting. The last one cancels the call, and the next
// caller starts another.
func (g *sharedCall[T]) leave(f *inFlight[T]) {
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

// busy reports whether a call is running.
func (g *sharedCall[T]) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running != nil
}

// stop prevents further calls, cancels the running one, and waits until it returns or the
// context ends.
func (g *sharedCall[T]) stop(ctx context.Context) {
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
