package session

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The time between two attempts in persist, which doubles each time.
const (
	minPause = 500 * time.Millisecond
	maxPause = 5 * time.Second
)

// persist repeats a call that fails for a reason that may pass, until the budget is used
// up. The client has retried before, so what gets here lasts longer, as a throttle may.
func persist(ctx context.Context, clock lambdamicrovms.Clock, budget time.Duration, call func(context.Context) error) error {
	deadline := clock.Now().Add(budget)
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		err := call(ctx)
		if err == nil || !mayPass(err) {
			return err
		}
		wait := max(pause, askedPause(err))
		if !clock.Now().Add(wait).Before(deadline) || clock.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// mayPass reports whether another attempt may succeed: after errors that the SDK retries,
// and after a response that cannot be read.
func mayPass(err error) bool {
	var unreadable *smithy.DeserializationError
	return errors.As(err, &unreadable) || lambdamicrovms.IsThrottle(err) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// askedPause returns the delay that a Retry-After header asks for.
func askedPause(err error) time.Duration {
	var throttled *types.ThrottlingException
	if errors.As(err, &throttled) {
		return time.Duration(deref(throttled.RetryAfterSeconds)) * time.Second
	}
	return 0
}
