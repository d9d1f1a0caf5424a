package lambdamicrovms

import (
	"context"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// newRetryLoop returns the SDK's retry loop, which stores the clock skew in skew. It
// sends a request that clone returns for each attempt.
func (s *settings) newRetryLoop(retryer aws.Retryer, clone retry.RequestCloner, skew *atomic.Int64) *retry.Attempt {
	return retry.NewAttemptMiddleware(retryer, clone, func(a *retry.Attempt) {
		a.LogAttempts = s.options.ClientLogMode.IsRetries() && s.records == nil // see recordLogger
		a.OperationMeter = s.meter
		a.ClientSkew = skew
		a.DisableClockSkewCorrection = s.options.DisableClockSkewCorrection
	})
}

// firstAttempt replaces the SDK's retry loop in compiled chains. Most calls need only one
// attempt, but the loop's preparations for more are a third of a call's allocations.
// A successful attempt has the same effects as in the loop. If the attempt fails, the
// SDK's loop takes over, with that attempt as its first.
type firstAttempt struct {
	*settings
	retryer aws.RetryerV2
	// results is the metadata key of [retry.AttemptResults].
	results any
}

// skipRetryLoop replaces the retry loop by firstAttempt in a stack that is about to be
// compiled.
func (s *settings) skipRetryLoop(step *middleware.FinalizeStep) error {
	results := attemptResultsKey()
	if results == nil || s.observed() { // the loop makes the spans and metrics of attempts
		return nil
	}
	first := &firstAttempt{settings: s, retryer: attemptRetryer(s.options), results: results}
	_, err := step.Swap(first.ID(), first)
	return err
}

func (*firstAttempt) ID() string { return (*retry.Attempt)(nil).ID() }

func (m *firstAttempt) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	if ctx.Err() != nil {
		return m.newRetryLoop(m.retryer, cloneRequest, m.skew).HandleFinalize(ctx, in, next)
	}
	skew := callOf(ctx).clockSkew() // before the attempt measures it
	maxAttempts := m.retryer.MaxAttempts()
	release, err := m.retryer.GetAttemptToken(ctx)
	if err != nil {
		return m.continueInLoop(ctx, in, next, &madeAttempt{tokenErr: err, skew: skew})
	}
	request := cloneRequest(in.Request).(*smithyhttp.Request)
	request.Header[attemptHeader] = []string{attemptText(ctx, maxAttempts, skew)}
	out, metadata, err = next.HandleFinalize(ctx, middleware.FinalizeInput{Request: request})
	if err != nil {
		return m.continueInLoop(ctx, in, next, &madeAttempt{release: release, skew: skew, out: out, metadata: metadata, err: err})
	}
	_ = release(nil) // the loop drops its error, too
	m.keepSkew(metadata)
	result := metadata.Clone()
	result.Set(m.results, retry.AttemptResults{Results: []retry.AttemptResult{{ResponseMetadata: metadata}}})
	return out, result, nil
}

const (
	attemptHeader      = "Amz-Sdk-Request"
	defaultAttemptText = "attempt=1; max=3" // 3 is retry.DefaultMaxAttempts
)

// attemptText returns the value of the header that the SDK's loop sends with a first
// attempt.
func attemptText(ctx context.Context, maxAttempts int, skew time.Duration) string {
	text := "attempt=1"
	switch maxAttempts {
	case 0:
	case retry.DefaultMaxAttempts:
		text = defaultAttemptText
	default:
		text += "; max=" + strconv.Itoa(maxAttempts)
	}
	if deadline, ok := ctx.Deadline(); ok && !deadline.IsZero() && skew > 0 {
		text += "; ttl=" + deadline.Add(skew).Format("20060102T150405Z")
	}
	return text
}

// keepSkew stores the clock skew of a response, so that the client's next calls sign with
// it.
func (m *firstAttempt) keepSkew(metadata middleware.Metadata) {
	if skew, ok := awsmiddleware.GetAttemptSkew(metadata); ok && !m.options.DisableClockSkewCorrection {
		m.skew.Store(skew.Nanoseconds())
	}
}

// continueInLoop runs the SDK's loop after a failed first attempt.
func (m *firstAttempt) continueInLoop(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler, made *madeAttempt) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	// The loop must see the clock skew with which the attempt was signed. Other calls may
	// have changed the client's clock skew since then.
	skew := new(atomic.Int64)
	skew.Store(int64(made.skew))
	clone := func(request any) any {
		if made.taken {
			return cloneRequest(request)
		}
		return nil // the loop sends nothing for the attempt that was made
	}
	loop := m.newRetryLoop(&madeAttemptRetryer{m.retryer, made}, clone, skew)
	out, metadata, err := loop.HandleFinalize(&madeAttemptContext{ctx, made}, in, middleware.FinalizeHandlerFunc(
		func(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if made.taken {
				return next.HandleFinalize(ctx, in)
			}
			made.taken = true
			return made.out, made.metadata, made.err
		}))
	m.keepSkew(metadata)
	return out, metadata, err
}

// A madeAttempt is the failed first attempt. The SDK's loop takes it instead of making
// one.
type madeAttempt struct {
	taken bool // the loop has taken the attempt

	release  func(error) error
	tokenErr error
	skew     time.Duration

	out      middleware.FinalizeOutput
	metadata middleware.Metadata
	err      error
}

// madeAttemptContext hides the end of a context until the loop has taken the attempt.
// Otherwise the loop would not start, and the attempt's error would be lost.
type madeAttemptContext struct {
	context.Context
	made *madeAttempt
}

func (c *madeAttemptContext) Done() <-chan struct{} {
	if !c.made.taken {
		return nil
	}
	return c.Context.Done()
}

// madeAttemptRetryer returns the token of the failed attempt, so that the loop does not
// take a second one.
type madeAttemptRetryer struct {
	aws.RetryerV2
	made *madeAttempt
}

func (r *madeAttemptRetryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if r.made.taken {
		return r.RetryerV2.GetAttemptToken(ctx)
	}
	return r.made.release, r.made.tokenErr
}

var attemptResults struct {
	once sync.Once
	key  any
}

// attemptResultsKey returns the metadata key of [retry.AttemptResults]. The SDK does not
// export it, so we read it from the metadata of an attempt that the loop has run. It is
// nil if this does not work with the program's version of the SDK.
func attemptResultsKey() any {
	attemptResults.once.Do(func() {
		_, metadata, _ := retry.NewAttemptMiddleware(aws.NopRetryer{}, func(v any) any { return v }).HandleFinalize(
			context.Background(), middleware.FinalizeInput{}, middleware.FinalizeHandlerFunc(
				func(context.Context, middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
					return middleware.FinalizeOutput{}, middleware.Metadata{}, nil
				}))
		attemptResults.key = resultsKeyIn(metadata)
	})
	return attemptResults.key
}

// resultsKeyIn returns the key in metadata if there is exactly one, its type has no
// members, and the SDK finds attempt results under it.
func resultsKeyIn(metadata middleware.Metadata) any {
	values := reflect.ValueOf(metadata)
	if values.NumField() != 1 || values.Field(0).Kind() != reflect.Map || values.Field(0).Len() != 1 {
		return nil
	}
	key := values.Field(0).MapKeys()[0]
	if key.Kind() == reflect.Interface {
		key = key.Elem()
	}
	if key.Kind() != reflect.Struct || key.NumField() != 0 {
		return nil
	}
	made := reflect.Zero(key.Type()).Interface()
	var copied middleware.Metadata
	copied.Set(made, retry.AttemptResults{})
	if _, found := retry.GetAttemptResults(copied); !found {
		return nil
	}
	return made
}
