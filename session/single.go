package session

import (
	"context"
	"sync"
	"time"
)

// single lets callers who want the same thing at the same time share one call for it. The call goes on
// for as long as one of them waits, whoever began it. Its zero value is ready.
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
}

// do returns what the call returns, or the context's error as soon as that ends.
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
		return f.value, f.err
	case <-ctx.Done():
		g.leave(f)
		return *new(T), ctx.Err()
	}
}

// begin makes the call, unless one is under way, without waiting for it. After the limit it goes on only if somebody
// else waits by then.
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
		f := &flight[T]{cancel: cancel, done: make(chan struct{})}
		g.running = f
		go func() {
			value, err := call(shared)
			g.land(f, value, err)
		}()
	}
	g.running.waiters++
	return g.running, nil
}

func (g *single[T]) land(f *flight[T], value T, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f.cancel()
	f.value, f.err = value, err
	if err != nil && g.stopped {
		f.err = ErrClosed
	}
	if g.running == f {
		g.running = nil
	}
	close(f.done)
}

// leave is for a caller who waits no more. The last one ends the call, and whoever comes then begins another.
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

// stop ends the call under way, waits for that unless the context ends before, and lets no other begin.
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
