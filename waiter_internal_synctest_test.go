//go:build go1.25

package lambdamicrovms

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// These waits use the system clock and real contexts, in a synctest bubble.

func TestWaiterSystemClock(t *testing.T) {
	tests := []struct {
		name    string
		maxWait time.Duration
		timeout time.Duration // of the context; 0 = none
		hang    bool          // polls hang until their context ends
		elapsed time.Duration
		limit   time.Duration
		polls   int
		state   string
	}{
		{name: "maxWaitDur", maxWait: 20 * time.Second, elapsed: 19 * time.Second, limit: 20 * time.Second, polls: 5, state: "DARK"},
		{name: "context ends sooner", maxWait: time.Hour, timeout: 20 * time.Second, elapsed: 19 * time.Second, limit: 20 * time.Second, polls: 5, state: "DARK"},
		{name: "context ends later", maxWait: 20 * time.Second, timeout: time.Hour, elapsed: 19 * time.Second, limit: 20 * time.Second, polls: 5, state: "DARK"},
		{name: "a poll hangs until maxWaitDur", maxWait: 20 * time.Second, hang: true, elapsed: 20 * time.Second, limit: 20 * time.Second, polls: 1},
		{name: "a poll hangs until the context ends", maxWait: time.Hour, timeout: time.Second, hang: true, elapsed: time.Second, limit: time.Second, polls: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				var last WaiterAttempt
				w := newLampWaiter(func(ctx context.Context, _ *lampInput, _ ...func(*Options)) (*lampOutput, error) {
					if tt.hang {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return &lampOutput{State: "DARK"}, nil
				}, func(o *lampWaiterOptions) {
					o.MinDelay, o.MaxDelay = 5*time.Second, 5*time.Second
					o.OnAttempt = func(a WaiterAttempt) { last = a }
				})

				start := time.Now()
				err := w.Wait(ctx, &lampInput{}, tt.maxWait)
				var got *WaiterTimeoutError
				if !errors.As(err, &got) {
					t.Fatalf("error = %v, want a *WaiterTimeoutError", err)
				}
				if took := time.Since(start); took != tt.elapsed || got.Elapsed != took {
					t.Errorf("took %v, says %v, want %v", took, got.Elapsed, tt.elapsed)
				}
				if last.Attempt != tt.polls || last.Delay != 0 {
					t.Errorf("last attempt = %+v, want number %d without a delay", last, tt.polls)
				}
				if got.MaxWait != tt.limit || got.Attempts != tt.polls || got.LastState != tt.state {
					t.Errorf("error = %+v, want limit %v, %d polls, state %q", *got, tt.limit, tt.polls, tt.state)
				}
			})
		})
	}
}

func TestWaiterSystemClockCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newLampWaiter(lampScript(lampResponse{state: "DARK"}), func(o *lampWaiterOptions) {
			o.MinDelay, o.MaxDelay = time.Minute, time.Minute
		})
		start := time.Now()
		time.AfterFunc(90*time.Second, cancel)
		err := w.Wait(ctx, &lampInput{}, time.Hour)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want one that is context.Canceled", err)
		}
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("returned after %v, want 1m30s", took)
		}
	})
}
