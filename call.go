package lambdamicrovms

import (
	"context"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
)

// callContext is the context of one call. What the SDK's middlewares and user code ask
// for, such as the operation's name, comes from shared, which the calls of an operation
// have in common and which hides what an enclosing call has put into its parent.
type callContext struct {
	context.Context // the caller's

	shared context.Context
	skew   time.Duration
}

type (
	callContextKey struct{}
	callFeatureKey struct{}
)

func (c *callContext) Value(key any) any {
	switch key.(type) {
	case callContextKey:
		return c
	case callFeatureKey:
		return nil // marks this call, not those that user code makes within it
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

// sharedContext holds what official clients put into the context of each call.
func sharedContext(s *settings, operation string) context.Context {
	ctx := middleware.WithServiceID(context.Background(), ServiceID)
	ctx = middleware.WithOperationName(ctx, operation)
	ctx = awsmiddleware.SetServiceID(ctx, ServiceID)
	ctx = awsmiddleware.SetOperationName(ctx, operation)
	if s.options.Region != "" {
		ctx = awsmiddleware.SetRegion(ctx, s.options.Region)
	}
	ctx = middleware.SetLogger(ctx, s.options.Logger)
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
