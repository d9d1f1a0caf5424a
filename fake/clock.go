package fake

import (
	"context"
	"sync"
	"time"
)

// clock is the server's time. The state of everything is computed from what has happened and this
// time, so nothing runs in the background.
type clock struct {
	real bool

	mu    sync.RWMutex  // every call reads the time
	fixed time.Time     // the time, unless real
	ahead time.Duration // of package time, if real
}

func newClock(real bool, start time.Time) *clock {
	return &clock{real: real, fixed: start.UTC()}
}

// Now is cut to milliseconds, as far as the service tells time.
func (c *clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	now := c.fixed
	if c.real {
		now = time.Now().Add(c.ahead)
	}
	return now.UTC().Truncate(time.Millisecond)
}

func (c *clock) advance(d time.Duration) {
	if d < 0 {
		panic("fake: time cannot go back")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real {
		c.ahead += d
	} else {
		c.fixed = c.fixed.Add(d)
	}
}

// wait lets time go by for a caller who may not wait that long: the test clock moves on at once, unless the
// context ends before.
func (c *clock) wait(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && !c.real && time.Until(deadline) < d {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.Sleep(ctx, d)
}

// notBefore moves the clock on to a time that is ahead of it.
func (c *clock) notBefore(t time.Time) {
	if d := t.Sub(c.Now()); d > 0 {
		c.advance(d)
	}
}

// sleepUntil moves the test clock to a time, or sleeps until then. A time that has passed is no error.
func (c *clock) sleepUntil(ctx context.Context, t time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.real {
		return c.Sleep(ctx, t.Sub(c.Now()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed.Before(t) {
		c.fixed = t
	}
	return nil
}

// Sleep moves the test clock on, or sleeps in real time.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.real {
		c.advance(max(d, 0))
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
