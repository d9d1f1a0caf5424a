package images

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
)

// rounds is how often a request is repeated after the client's own retries have failed. Each
// delay is twice the one before.
const rounds = 3

func backoff(round int) time.Duration { return 5 * time.Second << round }

// insist makes a request that is safe to repeat. The request itself reports an output that
// lacks what its caller needs, as workflow.Incomplete, and is then repeated as well.
func insist[O any](ctx context.Context, j *job, step Step, version string, request func() (O, error)) (O, error) {
	for round := 0; ; round++ {
		out, err := request()
		if err == nil {
			return out, nil
		}
		if ctx.Err() != nil || round == rounds || !unanswered(err) {
			return out, j.fail(step, version, err)
		}
		if err := j.sleep(ctx, StepWaitForAnswer, backoff(round), err); err != nil {
			return out, err
		}
	}
}

// unanswered reports whether a request failed without a response that settles its outcome. It
// may have had its effect, and may succeed when it is repeated.
func unanswered(err error) bool {
	var uncertain *lambdamicrovms.UncertainError // an attempt before the last one may have had an effect
	var unreadable *smithy.DeserializationError
	return errors.As(err, &uncertain) || errors.As(err, &unreadable) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool()
}
