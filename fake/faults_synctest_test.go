//go:build go1.25

package fake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestSlowInBubble checks how long callers wait, in the time of a synctest bubble.
func TestSlowInBubble(t *testing.T) {
	for _, tt := range []struct {
		name    string
		effect  fake.Effect
		timeout time.Duration
		want    time.Duration
		err     error
	}{
		{"slow", fake.Slow{Delay: time.Minute}, time.Hour, time.Minute, nil},
		{"too slow", fake.Slow{Delay: time.Hour}, time.Minute, time.Minute, context.DeadlineExceeded},
		{"hang", fake.Hang{}, time.Hour, time.Hour, context.DeadlineExceeded},
		{"throttle", fake.Throttle{RetryAfter: 7 * time.Second}, time.Hour, 7 * time.Second, nil},
		{"server error", fake.ServerError{RetryAfter: time.Second}, time.Hour, time.Second, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := fake.New(t, fake.WithRealTime(), fake.WithFault(tt.effect, fake.First(1)))
				client := lambdamicrovms.New(srv.Options())
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				began := time.Now()
				_, err := client.CreateMicroVMImage(ctx, createInput("app"))
				if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				if waited := time.Since(began); waited != tt.want {
					t.Errorf("waited %v, want %v", waited, tt.want)
				}
			})
		})
	}
}
