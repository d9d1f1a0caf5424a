package session

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// persist doubles the delay after each call, from minPause to maxPause.
const (
	minPause = 500 * time.Millisecond
	maxPause = 5 * time.Second
)

// persist repeats a call that fails with a temporary error until the budget is used up.
// The client has retried already, so the delays here are longer: throttling can take a
// while.
func persist(ctx context.Context, clock lambdamicrovms.Clock, budget time.Duration, call func(context.Context) error) error {
	began, pause := clock.Now(), minPause
	for calls := 1; ; calls++ {
		err := call(ctx)
		if err == nil {
			return nil
		}
		wait, elapsed := max(pause, retryAfter(err)), clock.Now().Sub(began)
		if !isTemporary(err) || elapsed+wait >= budget || clock.Sleep(ctx, wait) != nil {
			return workflow.Repeated(calls, elapsed, err)
		}
		pause = min(2*pause, maxPause)
	}
}

// isTemporary reports whether the SDK would retry the error, or the response could not be
// read, so that another call may succeed.
func isTemporary(err error) bool {
	var unreadable *smithy.DeserializationError
	return errors.As(err, &unreadable) || lambdamicrovms.IsThrottle(err) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// retryAfter returns the delay in the Retry-After header of a throttled call.
func retryAfter(err error) time.Duration {
	var throttled *types.ThrottlingException
	if errors.As(err, &throttled) {
		return time.Duration(aws.ToInt32(throttled.RetryAfterSeconds)) * time.Second
	}
	return 0
}
