package lambdamicrovms

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/defaults"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxRetryAfter bounds the delay that a Retry-After header can set.
const maxRetryAfter = 20 * time.Second

// newRetryer returns the retryer that the options select.
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

// retryAfter extends the delays of a retryer to those of Retry-After headers. It never
// shortens them.
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

// askedDelay returns the delay in the Retry-After header of the response that err wraps,
// or 0.
func askedDelay(err error) time.Duration {
	var failed *smithyhttp.ResponseError
	if !errors.As(err, &failed) || failed.Response == nil || failed.Response.Response == nil {
		return 0
	}
	delay, _ := parseRetryAfter(failed.Response.Header)
	return delay
}

// parseRetryAfter reads a Retry-After header: seconds, which may have a fraction, or a
// date. A date counts from the response's own Date, since our clock may differ from the
// service's.
func parseRetryAfter(header http.Header) (delay time.Duration, ok bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if at, err := http.ParseTime(value); err == nil {
		now, err := http.ParseTime(header.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		return max(at.Sub(now), 0), true
	}
	whole, fraction, _ := strings.Cut(value, ".")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole+fraction == "" {
		return 0, false
	}
	seconds, err := strconv.Atoi(cmp.Or(whole, "0"))
	if err != nil || seconds > math.MaxInt32 {
		return math.MaxInt32 * time.Second, true
	}
	const digits = "000000000" // of a nanosecond
	nanoseconds, _ := strconv.Atoi((fraction + digits)[:len(digits)])
	return time.Duration(seconds)*time.Second + time.Duration(nanoseconds), true
}
