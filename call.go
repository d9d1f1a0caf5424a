package lambdamicrovms

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// callContext is the context of one call. Shared values, such as the operation's name,
// are looked up first, so a call made inside another call's middleware does not see that
// call's values.
type callContext struct {
	context.Context // the caller's

	shared   context.Context
	skew     time.Duration
	attempts int        // begun so far
	input    inputShape // as serialized
	// learned holds the secrets of the call. They are collected at first use.
	learned atomic.Pointer[learned]
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
		return nil // values of this call only, not of a call that user code makes inside it
	}
	if v := c.shared.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

// callOf returns the call that ctx belongs to, or nil if middleware has replaced the
// context.
func callOf(ctx context.Context) *callContext {
	c, _ := ctx.Value(callContextKey{}).(*callContext)
	return c
}

func (c *callContext) beginAttempt() {
	if c != nil {
		c.attempts++
	}
}

// operation returns the name of the operation.
func (c *callContext) operation() string { return middleware.GetOperationName(c.shared) }

// logs reports whether the client may log records about a call, besides warnings.
func (s *settings) logs(ctx context.Context) bool {
	return s.options.ClientLogMode != 0 && logsDebug(ctx, s.records)
}

// clockSkew returns how far the service's clock is ahead of ours.
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

// attemptContext is the context of one attempt once its auth scheme is chosen. One struct
// holds what official clients keep in a context value each.
type attemptContext struct {
	context.Context

	scheme   smithyhttp.AuthScheme
	option   *smithyauth.Option // shared: read only
	identity smithyauth.Identity
	// signer replaces the signer properties of option if it is not nil.
	signer *smithy.Properties

	// payloadHash is what v4.GetPayloadHash finds under stackKey, if that is not nil.
	payloadHash string
	stackKey    any
}

func (a *attemptContext) Value(key any) any {
	if _, ok := key.(attemptContextKey); ok {
		return a
	}
	if a.stackKey != nil && key == a.stackKey {
		return v4.SetPayloadHash(a.Context, a.payloadHash).Value(key)
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

// ownSignerProperties returns properties that endpoints and middleware may change.
func (a *attemptContext) ownSignerProperties() *smithy.Properties {
	if a.signer == nil {
		a.signer = new(smithy.Properties)
		a.signer.SetAll(&a.option.SignerProperties)
	}
	return a.signer
}

// signerProperties returns a copy if the signer is user code, which may change it.
func (a *attemptContext) signerProperties() smithy.Properties {
	if _, ours := a.scheme.(*sigV4Scheme); ours && a.signer == nil {
		return a.option.SignerProperties
	}
	return *a.ownSignerProperties()
}

// sharedContext returns a context with the values that official clients set for each
// call.
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

// callFeature marks the calls of waiters and paginators in the User-Agent header.
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
