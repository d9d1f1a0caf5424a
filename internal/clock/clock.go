// Package clock is the system's time as a lambdamicrovms.Clock.
package clock

import (
	"context"
	"time"
)

// System is the system's clock.
type System struct{}

// Now returns the current time.
func (System) Now() time.Time { return time.Now() }

// Sleep returns after d, or with the context's error as soon as that ends.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Wall is the system's clock without its monotonic reading. The monotonic clock stops
// while a computer sleeps, but a token that expires at a time of day goes on aging.
type Wall struct{ System }

// Now returns the current time of day.
func (Wall) Now() time.Time { return time.Now().Round(0) }

// IsSystem reports whether a clock is one of this package, which measures real time.
func IsSystem(c any) bool {
	switch c.(type) {
	case System, Wall:
		return true
	}
	return false
}
