package fake

import (
	"context"
	"sync"
	"time"

	systemclock "github.com/microvm-go/lambdamicrovms/internal/clock"
)

// clock is the server's time. All state is computed from past calls and this time, so
// nothing runs in the background.
type clock struct {
	real bool

	mu    sync.RWMutex  // every call reads the time
	fixed time.Time     // the time, unless real
	ahead time.Duration // added to the time of package time, if real
}

func newClock(real bool, start time.Time) *clock {
	return &clock{real: real, fixed: start.UTC()}
}

// Now returns the time in milliseconds, the resolution of the service.
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
		panic("fake: Advance with a negative duration")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real {
		c.ahead += d
	} else {
		c.fixed = c.fixed.Add(d)
	}
}

// Skip advances the test clock by d and returns true. In real time it does nothing and
// returns false. Clients call it before they pause between attempts.
func (c *clock) Skip(d time.Duration) bool {
	if c.real {
		return false
	}
	c.advance(max(d, 0))
	return true
}

// wait sleeps on behalf of a caller. If the caller's deadline comes first, it waits for
// that instead of moving the test clock.
func (c *clock) wait(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && !c.real && time.Until(deadline) < d {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.Sleep(ctx, d)
}

// notBefore advances the clock to t if it is behind.
func (c *clock) notBefore(t time.Time) {
	if d := t.Sub(c.Now()); d > 0 {
		c.advance(d)
	}
}

// sleepUntil advances the test clock to t, or sleeps until then. It returns at once if t
// has passed.
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

// Sleep advances the test clock by d, or sleeps in real time.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Skip(d) {
		return nil
	}
	return systemclock.System{}.Sleep(ctx, d)
}
