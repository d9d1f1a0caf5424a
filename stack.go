package lambdamicrovms

import (
	"context"
	"fmt"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// assemble returns the stack of an operation: what each call passes through, from top
// to bottom. IDs and order are those of the official clients, because users insert
// their own middleware by ID.
func assemble(s *settings, op operationShape, feature callFeature) *middleware.Stack {
	name, method := op.wire()
	o := s.options
	intercepted := isIntercepted(&o.Interceptors)
	stack := middleware.NewStack(name, smithyhttp.NewStackRequest)

	// Add returns no error, whatever its signature says.
	initialize := func(m middleware.InitializeMiddleware) { _ = stack.Initialize.Add(m, middleware.After) }
	if intercepted {
		initialize(&smithyhttp.InterceptExecution{
			BeforeExecution: o.Interceptors.BeforeExecution,
			AfterExecution:  o.Interceptors.AfterExecution,
		})
	}
	if op.hasToken() {
		initialize(&fillToken{provider: o.IdempotencyTokenProvider})
	}
	initialize(&validateParams{mode: o.Validation, allowUnknownEnums: o.AllowUnknownEnums})

	serialize := func(m middleware.SerializeMiddleware) { _ = stack.Serialize.Add(m, middleware.After) }
	serialize(&setOperationInput{})
	if intercepted {
		serialize(&smithyhttp.InterceptBeforeSerialization{Interceptors: o.Interceptors.BeforeSerialization})
	}
	serialize(&serializeRequest{settings: s, method: method})
	if intercepted {
		serialize(&smithyhttp.InterceptAfterSerialization{Interceptors: o.Interceptors.AfterSerialization})
	}

	build := func(m middleware.BuildMiddleware) { _ = stack.Build.Add(m, middleware.After) }
	build(&awsmiddleware.ClientRequestID{})
	build(newUserAgent(o, feature))
	build(&awsmiddleware.RecursionDetection{})

	finalize := func(m middleware.FinalizeMiddleware) { _ = stack.Finalize.Add(m, middleware.After) }
	if intercepted {
		finalize(&smithyhttp.InterceptBeforeRetryLoop{Interceptors: o.Interceptors.BeforeRetryLoop})
	}
	finalize(retry.NewAttemptMiddleware(retryAfter{o.Retryer}, cloneRequest, func(a *retry.Attempt) {
		a.LogAttempts = o.ClientLogMode.IsRetries()
		a.OperationMeter = s.meter
		a.ClientSkew = s.skew
		a.DisableClockSkewCorrection = o.DisableClockSkewCorrection
	}))
	if intercepted {
		finalize(&smithyhttp.InterceptAttempt{
			BeforeAttempt: o.Interceptors.BeforeAttempt,
			AfterAttempt:  o.Interceptors.AfterAttempt,
		})
	}
	finalize(newResolveAuthScheme(s, name))
	finalize(&getIdentity{s})
	finalize(newResolveEndpoint(s))
	finalize(&disableHTTPS{disable: o.EndpointOptions.DisableHTTPS})
	finalize(&computePayloadHash{settings: s})
	finalize(&setSigningOptions{})
	if intercepted {
		finalize(&smithyhttp.InterceptBeforeSigning{Interceptors: o.Interceptors.BeforeSigning})
	}
	finalize(&signRequest{s})
	if intercepted {
		finalize(&smithyhttp.InterceptAfterSigning{Interceptors: o.Interceptors.AfterSigning})
	}

	deserialize := func(m middleware.DeserializeMiddleware) { _ = stack.Deserialize.Add(m, middleware.After) }
	deserialize(&awsmiddleware.AddRawResponse{})
	deserialize(&awshttp.ResponseErrorWrapper{})
	deserialize(&awsmiddleware.RequestIDRetriever{})
	if intercepted { // responses come from the bottom, so what is after stands before
		deserialize(&smithyhttp.InterceptAfterDeserialization{Interceptors: o.Interceptors.AfterDeserialization})
	}
	deserialize(&deserializeResponse{settings: s, op: op, exposed: intercepted || len(o.APIOptions) > 0})
	if intercepted {
		deserialize(&smithyhttp.InterceptBeforeDeserialization{Interceptors: o.Interceptors.BeforeDeserialization})
	}
	deserialize(&awsmiddleware.RecordResponseTiming{DisableClockSkewCorrection: o.DisableClockSkewCorrection})
	deserialize(newRequestResponseLogger(o, op))
	if intercepted {
		deserialize(&smithyhttp.InterceptTransmit{
			BeforeTransmit: o.Interceptors.BeforeTransmit,
			AfterTransmit:  o.Interceptors.AfterTransmit,
		})
	}
	return stack
}

// isIntercepted is whether there is any interceptor. The middlewares that call them
// depend on each other, so a stack has all of them or none.
func isIntercepted(i *smithyhttp.InterceptorRegistry) bool {
	return len(i.BeforeExecution) > 0 || len(i.AfterExecution) > 0 ||
		len(i.BeforeSerialization) > 0 || len(i.AfterSerialization) > 0 ||
		len(i.BeforeRetryLoop) > 0 ||
		len(i.BeforeAttempt) > 0 || len(i.AfterAttempt) > 0 ||
		len(i.BeforeSigning) > 0 || len(i.AfterSigning) > 0 ||
		len(i.BeforeTransmit) > 0 || len(i.AfterTransmit) > 0 ||
		len(i.BeforeDeserialization) > 0 || len(i.AfterDeserialization) > 0
}

// httpRequest is the request in the form that all steps but the first two work on.
func httpRequest(v any) (*smithyhttp.Request, error) {
	req, ok := v.(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("unknown transport type %T", v)
	}
	return req, nil
}

// fillToken gives inputs without a client token one. It comes before the retries, which
// therefore all carry the same.
type fillToken struct {
	provider IdempotencyTokenProvider
}

func (*fillToken) ID() string { return "OperationIdempotencyTokenAutoFill" }

func (m *fillToken) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, metadata middleware.Metadata, err error,
) {
	input, ok := in.Parameters.(tokenInput)
	if !ok {
		return out, metadata, fmt.Errorf("unexpected input type %T", in.Parameters)
	}
	if token := input.tokenMember(); *token == nil {
		made, err := m.provider.GetIdempotencyToken()
		if err != nil {
			return out, metadata, err
		}
		*token = &made
	}
	return next.HandleInitialize(ctx, in)
}

type validateParams struct {
	mode              ValidationMode
	allowUnknownEnums bool
}

func (*validateParams) ID() string { return "OperationInputValidation" }

func (m *validateParams) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, metadata middleware.Metadata, err error,
) {
	input, ok := in.Parameters.(inputShape)
	if !ok {
		return out, metadata, fmt.Errorf("unexpected input type %T", in.Parameters)
	}
	if err := validateInput(input, m.mode, m.allowUnknownEnums); err != nil {
		return out, metadata, err
	}
	return next.HandleInitialize(ctx, in)
}

// setOperationInput only holds a place in the stack. Official clients put the input into
// the context here, for steps that see only the request; ours is known by its body.
type setOperationInput struct{}

func (*setOperationInput) ID() string { return "setOperationInput" }

func (*setOperationInput) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	middleware.SerializeOutput, middleware.Metadata, error,
) {
	return next.HandleSerialize(ctx, in)
}

// disableHTTPS sends the request in plain text where the options ask for it.
type disableHTTPS struct {
	disable bool
}

func (*disableHTTPS) ID() string { return "disableHTTPS" }

func (m *disableHTTPS) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, err := httpRequest(in.Request)
	if err != nil {
		return out, metadata, err
	}
	if m.disable && !smithyhttp.GetHostnameImmutable(ctx) {
		req.URL.Scheme = "http"
	}
	return next.HandleFinalize(ctx, in)
}

// computePayloadHash does what the SDK's middleware does, but hashes a body of our own
// in place, and once for all attempts.
type computePayloadHash struct {
	*settings
	sdk v4.ComputePayloadSHA256
}

func (m *computePayloadHash) ID() string { return m.sdk.ID() }

func (m *computePayloadHash) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, err := httpRequest(in.Request)
	if err != nil {
		return out, metadata, err
	}
	body, own := req.GetStream().(*requestBody)
	if !own || v4.GetPayloadHash(ctx) != "" {
		return m.sdk.HandleFinalize(ctx, in, next)
	}
	_, span := m.startSpan(ctx, "ComputePayloadSHA256")
	hash := body.hash()
	span.End()
	return next.HandleFinalize(v4.SetPayloadHash(ctx, hash), in)
}
