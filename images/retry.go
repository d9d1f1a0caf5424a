package images

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// maxRetries limits the retries of a request after the client's own retries have failed.
const maxRetries = 3

func backoff(round int) time.Duration { return 5 * time.Second << round }

// withRetries makes a request that is safe to repeat, and repeats it if its response is
// lost. request must return workflow.Incomplete if the output lacks a member that the
// caller needs.
func withRetries[O any](ctx context.Context, j *job, step Step, version string, request func(context.Context) (O, error)) (out O, err error) {
	err = j.during(ctx, step, version, func(ctx context.Context) (err error) {
		began := j.Clock.Now()
		for round := 0; ; round++ {
			if out, err = request(ctx); err == nil {
				return nil
			}
			if ctx.Err() != nil || round == maxRetries || !isLost(err) {
				return j.fail(step, version, workflow.Repeated(round+1, j.Clock.Now().Sub(began), err))
			}
			if err := j.sleep(ctx, StepWaitToRetry, backoff(round), err); err != nil {
				return err
			}
		}
	})
	return out, err
}

// isLost reports whether a request failed without a conclusive response. The service may
// have executed it, and another attempt may succeed.
func isLost(err error) bool {
	var uncertain *lambdamicrovms.UncertainError // an attempt before the last one may have had an effect
	var unreadable *smithy.DeserializationError
	return errors.As(err, &uncertain) || errors.As(err, &unreadable) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool()
}
