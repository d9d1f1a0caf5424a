package session

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The time between two tries of what must be done, which doubles each time.
const (
	minPause = 500 * time.Millisecond
	maxPause = 5 * time.Second
)

// persist makes a call again when it fails for a reason that may pass, until the budget is used up. The client has
// tried a few times before, so what comes here is serious: a throttle that lasts.
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

// mayPass reports whether the error is one that the SDK, too, would have another try after.
func mayPass(err error) bool {
	return lambdamicrovms.IsThrottle(err) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// askedPause is what the service asks for in a Retry-After header.
func askedPause(err error) time.Duration {
	var throttled *types.ThrottlingException
	if errors.As(err, &throttled) {
		return time.Duration(deref(throttled.RetryAfterSeconds)) * time.Second
	}
	return 0
}

// refused reports whether the service, or something in front of it, has answered that it does nothing.
func refused(err error) bool {
	var answered interface{ HTTPStatusCode() int }
	return errors.As(err, &answered) &&
		answered.HTTPStatusCode() >= http.StatusMultipleChoices && answered.HTTPStatusCode() < http.StatusInternalServerError
}

// unsent reports whether there was no connection to send a request on.
func unsent(err error) bool {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &network) && network.Op == "dial" || errors.As(err, &certificate)
}

// doubt tells whether a call that failed may have had its effect nevertheless: whether one of its attempts
// was sent and did not get an answer that rules it out.
type doubt bool

// note is an option of a call. It looks at each attempt at the point where the request is on its way, so that an
// error before it, such as one of credentials, casts no doubt.
func (d *doubt) note(o *lambdamicrovms.Options) {
	observe := middleware.DeserializeMiddlewareFunc("SessionDoubt", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if err != nil && !refused(err) && !unsent(err) {
			*d = true
		}
		return out, metadata, err
	})
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(observe, middleware.Before)
	})
}
