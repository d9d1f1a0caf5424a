package lambdamicrovms

import (
	"context"
	"fmt"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// A chain is a stack that has been linked once and for all. A middleware.Stack writes
// its last links while it handles a call, so calls can't share one; a chain is never
// written to, and none of the middlewares in it keeps anything about a call.
type chain struct {
	first middleware.InitializeHandler
}

// compile links the stack. The stack must hold each ID once per step, as those of
// assemble do. first returns the request that the serializer gets.
func compile(stack *middleware.Stack, first func() any, transport middleware.Handler) (*chain, error) {
	deserialize, err := link(stack.Deserialize, middleware.DeserializeHandler(sendRequest{transport}),
		func(m middleware.DeserializeMiddleware, next middleware.DeserializeHandler) middleware.DeserializeHandler {
			return &deserializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	finalize, err := link(stack.Finalize, middleware.FinalizeHandler(toDeserialize{deserialize}),
		func(m middleware.FinalizeMiddleware, next middleware.FinalizeHandler) middleware.FinalizeHandler {
			return &finalizeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	if err := compileUserAgent(stack.Build); err != nil {
		return nil, err
	}
	build, err := link(stack.Build, middleware.BuildHandler(toFinalize{finalize}),
		func(m middleware.BuildMiddleware, next middleware.BuildHandler) middleware.BuildHandler {
			return &buildLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	serialize, err := link(stack.Serialize, middleware.SerializeHandler(toBuild{build}),
		func(m middleware.SerializeMiddleware, next middleware.SerializeHandler) middleware.SerializeHandler {
			return &serializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	initialize, err := link(stack.Initialize, middleware.InitializeHandler(toSerialize{serialize, first}),
		func(m middleware.InitializeMiddleware, next middleware.InitializeHandler) middleware.InitializeHandler {
			return &initializeLink{m, next}
		})
	if err != nil {
		return nil, err
	}
	return &chain{first: initialize}, nil
}

func compileUserAgent(step *middleware.BuildStep) error {
	id := (*awsmiddleware.RequestUserAgent)(nil).ID()
	m, _ := step.Get(id)
	ua, ok := m.(*awsmiddleware.RequestUserAgent)
	if !ok {
		return fmt.Errorf("middleware %s is a %T", id, m)
	}
	fixed, err := fixUserAgent(ua)
	if err != nil {
		return err
	}
	_, err = step.Swap(id, fixed)
	return err
}

// step is a step of a stack, whose middlewares have the type M.
type step[M any] interface {
	List() []string
	Get(id string) (M, bool)
}

// link puts the middlewares of a step before the handler last.
func link[M, H any](s step[M], last H, before func(M, H) H) (H, error) {
	handler, ids := last, s.List()
	for i := len(ids) - 1; i >= 0; i-- {
		m, ok := s.Get(ids[i])
		if !ok {
			return handler, fmt.Errorf("no middleware %q", ids[i])
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
