// Package link turns a middleware stack into a handler that calls can share.
package link

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/smithy-go/middleware"
)

// Stack links the middlewares of a stack into a handler. A middleware.Stack writes its
// links while it handles a call, so concurrent calls cannot share one. The handler is
// never written to; it is safe for concurrent use if none of its middlewares keeps data
// of a call.
//
// The stack must hold each ID once per step. first returns the request that the
// serializer gets, and transport sends it.
func Stack(stack *middleware.Stack, first func() any, transport middleware.Handler) (middleware.Handler, error) {
	deserialize, err := link(stack.Deserialize.List(), stack.Deserialize.Get, middleware.DeserializeHandler(sendRequest{transport}),
		func(m middleware.DeserializeMiddleware, next middleware.DeserializeHandler) middleware.DeserializeHandler {
			return &deserializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	finalize, err := link(stack.Finalize.List(), stack.Finalize.Get, middleware.FinalizeHandler(toDeserialize{deserialize}),
		func(m middleware.FinalizeMiddleware, next middleware.FinalizeHandler) middleware.FinalizeHandler {
			return &finalizeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	build, err := link(stack.Build.List(), stack.Build.Get, middleware.BuildHandler(toFinalize{finalize}),
		func(m middleware.BuildMiddleware, next middleware.BuildHandler) middleware.BuildHandler {
			return &buildLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	serialize, err := link(stack.Serialize.List(), stack.Serialize.Get, middleware.SerializeHandler(toBuild{build}),
		func(m middleware.SerializeMiddleware, next middleware.SerializeHandler) middleware.SerializeHandler {
			return &serializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	initialize, err := link(stack.Initialize.List(), stack.Initialize.Get, middleware.InitializeHandler(toSerialize{serialize, first}),
		func(m middleware.InitializeMiddleware, next middleware.InitializeHandler) middleware.InitializeHandler {
			return &initializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	return &chain{first: initialize}, nil
}

// chain is the first link.
type chain struct {
	first middleware.InitializeHandler
}

// link puts the middlewares of a step, which get returns by ID, before the last handler.
// It takes a function, not a step as an interface: for a method of a type parameter the
// linker keeps all methods of that name in the program.
func link[M, H any](ids []string, get func(id string) (M, bool), last H, before func(M, H) H) (H, error) {
	handler := last
	for _, id := range slices.Backward(ids) {
		m, ok := get(id)
		if !ok {
			return handler, fmt.Errorf("no middleware %q", id)
		}
		handler = before(m, handler)
	}
	return handler, nil
}

func (c *chain) Handle(ctx context.Context, input any) (any, middleware.Metadata, error) {
	out, metadata, err := c.first.HandleInitialize(ctx, middleware.InitializeInput{Parameters: input})
	return out.Result, metadata, err
}

type initializeLink struct {
	with middleware.InitializeMiddleware
	next middleware.InitializeHandler
}

func (l *initializeLink) HandleInitialize(ctx context.Context, in middleware.InitializeInput) (middleware.InitializeOutput, middleware.Metadata, error) {
	return l.with.HandleInitialize(ctx, in, l.next)
}

type toSerialize struct {
	next  middleware.SerializeHandler
	first func() any
}

func (t toSerialize) HandleInitialize(ctx context.Context, in middleware.InitializeInput) (middleware.InitializeOutput, middleware.Metadata, error) {
	out, metadata, err := t.next.HandleSerialize(ctx, middleware.SerializeInput{Parameters: in.Parameters, Request: t.first()})
	return middleware.InitializeOutput(out), metadata, err
}

type serializeLink struct {
	with middleware.SerializeMiddleware
	next middleware.SerializeHandler
}

func (l *serializeLink) HandleSerialize(ctx context.Context, in middleware.SerializeInput) (middleware.SerializeOutput, middleware.Metadata, error) {
	return l.with.HandleSerialize(ctx, in, l.next)
}

type toBuild struct{ next middleware.BuildHandler }

func (t toBuild) HandleSerialize(ctx context.Context, in middleware.SerializeInput) (middleware.SerializeOutput, middleware.Metadata, error) {
	out, metadata, err := t.next.HandleBuild(ctx, middleware.BuildInput{Request: in.Request})
	return middleware.SerializeOutput(out), metadata, err
}

type buildLink struct {
	with middleware.BuildMiddleware
	next middleware.BuildHandler
}

func (l *buildLink) HandleBuild(ctx context.Context, in middleware.BuildInput) (middleware.BuildOutput, middleware.Metadata, error) {
	return l.with.HandleBuild(ctx, in, l.next)
}

type toFinalize struct{ next middleware.FinalizeHandler }

func (t toFinalize) HandleBuild(ctx context.Context, in middleware.BuildInput) (middleware.BuildOutput, middleware.Metadata, error) {
	out, metadata, err := t.next.HandleFinalize(ctx, middleware.FinalizeInput(in))
	return middleware.BuildOutput(out), metadata, err
}

type finalizeLink struct {
	with middleware.FinalizeMiddleware
	next middleware.FinalizeHandler
}

func (l *finalizeLink) HandleFinalize(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
	return l.with.HandleFinalize(ctx, in, l.next)
}

type toDeserialize struct{ next middleware.DeserializeHandler }

func (t toDeserialize) HandleFinalize(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
	out, metadata, err := t.next.HandleDeserialize(ctx, middleware.DeserializeInput(in))
	return middleware.FinalizeOutput{Result: out.Result}, metadata, err
}

type deserializeLink struct {
	with middleware.DeserializeMiddleware
	next middleware.DeserializeHandler
}

func (l *deserializeLink) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
	return l.with.HandleDeserialize(ctx, in, l.next)
}

type sendRequest struct{ transport middleware.Handler }

func (t sendRequest) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
	response, metadata, err := t.transport.Handle(ctx, in.Request)
	return middleware.DeserializeOutput{RawResponse: response}, metadata, err
}
