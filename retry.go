package lambdamicrovms

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/defaults"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxRetryAfter bounds what a Retry-After header can ask for.
const maxRetryAfter = 20 * time.Second

// newRetryer makes the retryer that the options describe.
func newRetryer(o *Options) aws.Retryer {
	if o.RetryMode == "" {
		if mode, err := defaults.GetModeConfiguration(o.mode()); err == nil {
			o.RetryMode = mode.RetryMode
		}
	}
	if o.RetryMode == "" {
		o.RetryMode = aws.RetryModeStandard
	}
	attempts := func(so *retry.StandardOptions) {
		if o.RetryMaxAttempts != 0 {
			so.MaxAttempts = o.RetryMaxAttempts
		}
	}
	if o.RetryMode == aws.RetryModeAdaptive {
		return retry.NewAdaptiveMode(func(ao *retry.AdaptiveModeOptions) {
			ao.StandardOptions = append(ao.StandardOptions, attempts)
		})
	}
	return retry.NewStandard(attempts)
}

// retryAfter makes a retryer wait as long as the service asks for in a Retry-After
// header, but never shorter than the retryer would.
type retryAfter struct {
	aws.Retryer
}

var _ aws.RetryerV2 = retryAfter{}

func (r retryAfter) RetryDelay(attempt int, err error) (time.Duration, error) {
	delay, delayErr := r.Retryer.RetryDelay(attempt, err)
	if delayErr != nil {
		return delay, delayErr
	}
	return max(delay, min(askedDelay(err), maxRetryAfter)), nil
}

func (r retryAfter) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.GetInitialToken(), nil
}

// askedDelay is the Retry-After header, in whole seconds, of the response behind err.
func askedDelay(err error) time.Duration {
	var failed *smithyhttp.ResponseError
	if !errors.As(err, &failed) || failed.Response == nil || failed.Response.Response == nil {
		return 0
	}
	seconds, err := strconv.ParseUint(failed.Response.Header.Get("Retry-After"), 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0 // not there, or a date
	}
	return time.Duration(seconds) * time.Second
}
