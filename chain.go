package lambdamicrovms

import (
	"context"
	"errors"
	"time"

	"github.com/aws/smithy-go/middleware"

	"github.com/microvm-go/lambdamicrovms/internal/link"
)

// A chain runs calls of an operation. A compiled chain runs all calls without their own
// options; any other runs a single call. A chain is immutable.
type chain struct {
	*settings

	operation string
	// shared holds the context values that are the same for all calls.
	shared  context.Context
	handler middleware.Handler
}

func newChain(s *settings, op operationShape, handler middleware.Handler) *chain {
	name := op.info().name
	return &chain{settings: s, operation: name, shared: sharedContext(s, name), handler: handler}
}

func (c *chain) run(ctx context.Context, in any) (out any, metadata middleware.Metadata, err error) {
	call := &callContext{Context: ctx, shared: c.shared}
	if !c.options.DisableClockSkewCorrection {
		call.skew = time.Duration(c.skew.Load())
	}
	if !c.observed() {
		return c.handle(call, call, in)
	}
	c.observe(call, c.operation, func(ctx context.Context) (middleware.Metadata, error) {
		out, metadata, err = c.handle(ctx, call, in)
		return metadata, err
	})
	return out, metadata, err
}

// handle runs the operation. It removes the secrets of the call from any error.
func (c *chain) handle(ctx context.Context, call *callContext, in any) (any, middleware.Metadata, error) {
	out, metadata, err := c.handler.Handle(ctx, in)
	if err == nil {
		return out, metadata, nil
	}
	if input, ok := in.(inputShape); ok {
		call.learnInput(input)
	}
	keepNoSecrets(metadata, err)
	if !call.allows(err) {
		err = call.known().Error(err)
	}
	return out, metadata, err
}

// compile turns a stack into a handler that all calls share. first returns the request
// that the serializer gets.
func compile(stack *middleware.Stack, first func() any, transport middleware.Handler) (middleware.Handler, error) {
	if err := fixUserAgents(stack.Build); err != nil {
		return nil, err
	}
	removeIdle(stack.Serialize.List(), stack.Serialize.Get, stack.Serialize.Remove)
	removeIdle(stack.Finalize.List(), stack.Finalize.Get, stack.Finalize.Remove)
	return link.Stack(stack, first, transport)
}

// quicken replaces middlewares of the SDK by faster ones with the same behavior, in a
// stack that is about to be compiled.
func (s *settings) quicken(stack *middleware.Stack) error {
	if sdkMiddlewares {
		return nil
	}
	keepPayloadHash(stack.Finalize)
	return errors.Join(s.skipRetryLoop(stack.Finalize), swapInvocationID(stack.Build))
}
