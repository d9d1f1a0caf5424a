package lambdamicrovms

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// callContext is the context of one call. What the SDK's middlewares and user code ask
// for, such as the operation's name, comes from shared, which the calls of an operation
// have in common and which hides what an enclosing call has put into its parent.
type callContext struct {
	context.Context // the caller's

	shared context.Context
	skew   time.Duration
	// secrets are what texts about the call must not show, as far as they were needed yet.
	secrets atomic.Pointer[redact.Secrets]
}

type (
	callContextKey    struct{}
	callFeatureKey    struct{}
	attemptContextKey struct{}
)

func (c *callContext) Value(key any) any {
	switch key.(type) {
	case callContextKey:
		return c
	case callFeatureKey, attemptContextKey:
		return nil // of this call, not of those that user code makes within it
	}
	if v := c.shared.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

// callOf returns the call that ctx belongs to, or nil.
func callOf(ctx context.Context) *callContext {
	c, _ := ctx.Value(callContextKey{}).(*callContext)
	return c
}

// clockSkew is how far the service's clock seems to be ahead of ours.
func (c *callContext) clockSkew() time.Duration {
	if c == nil {
		return 0
	}
	return c.skew
}

func (c *callContext) setClockSkew(skew time.Duration) {
	if c != nil {
		c.skew = skew
	}
}

// attemptContext is the context of one attempt from the choice of the auth scheme on,
// and what is known of the attempt's signature. It takes the place of a stack value and
// a context for each of them.
type attemptContext struct {
	context.Context

	scheme   smithyhttp.AuthScheme
	option   *smithyauth.Option // shared: only to be read
	identity smithyauth.Identity
	// signer takes the place of option's signer properties once there is one.
	signer *smithy.Properties
}

func (a *attemptContext) Value(key any) any {
	if _, ok := key.(attemptContextKey); ok {
		return a
	}
	return a.Context.Value(key)
}

func attemptOf(ctx context.Context) (*attemptContext, error) {
	a, ok := ctx.Value(attemptContextKey{}).(*attemptContext)
	if !ok {
		return nil, errors.New("no resolved auth scheme")
	}
	return a, nil
}

func (a *attemptContext) identityProperties() smithy.Properties {
	var properties smithy.Properties
	properties.SetAll(&a.option.IdentityProperties)
	return properties
}

// ownSignerProperties are the attempt's own, which endpoints and middleware may change.
func (a *attemptContext) ownSignerProperties() *smithy.Properties {
	if a.signer == nil {
		a.signer = new(smithy.Properties)
		a.signer.SetAll(&a.option.SignerProperties)
	}
	return a.signer
}

// signerProperties are for the signer, who may change them if it is the caller's.
func (a *attemptContext) signerProperties() smithy.Properties {
	if _, ours := a.scheme.(*sigV4Scheme); ours && a.signer == nil {
		return a.option.SignerProperties
	}
	return *a.ownSignerProperties()
}

// sharedContext holds what official clients put into the context of each call.
func sharedContext(s *settings, operation string) context.Context {
	ctx := middleware.WithServiceID(context.Background(), ServiceID)
	ctx = middleware.WithOperationName(ctx, operation)
	ctx = awsmiddleware.SetServiceID(ctx, ServiceID)
	ctx = awsmiddleware.SetOperationName(ctx, operation)
	if s.options.Region != "" {
		ctx = awsmiddleware.SetRegion(ctx, s.options.Region)
	}
	ctx = middleware.SetLogger(ctx, loggerOfCalls(s.options))
	return tracing.WithOperationTracer(ctx, s.tracer)
}

// callFeature marks calls that are made by something else than the caller, for the
// User-Agent header.
type callFeature uint8

const (
	featureNone callFeature = iota
	featureWaiter
	featurePaginator
	featureCount
)

func withFeature(ctx context.Context, feature callFeature) context.Context {
	return context.WithValue(ctx, callFeatureKey{}, feature)
}

func featureOf(ctx context.Context) callFeature {
	feature, _ := ctx.Value(callFeatureKey{}).(callFeature)
	return feature
}
