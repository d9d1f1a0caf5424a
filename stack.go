package lambdamicrovms

import (
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The life of a call:
//
//  1. An operation's method calls invoke (client.go), which finds the chain of the
//     operation.
//  2. Initialize fills in the client token and validates the input.
//  3. Serialize makes the request: path, query, JSON body.
//  4. Build sets User-Agent and the invocation ID.
//  5. Finalize starts the retry loop. Each attempt gets a copy of the request, chooses
//     auth scheme, identity and endpoint, and signs.
//  6. Deserialize sends the request. The response comes back from the bottom of the step:
//     it is logged and timed, decoded into a new output or an error, and wrapped with its
//     status and request ID. The retry loop then returns it or starts the next attempt.
//  7. callError (uncertain.go) wraps an error, and says if the call may have had its
//     effect.

// assemble returns the stack of an operation, from top to bottom. IDs and order are those
// of the official clients, because users insert their own middleware by ID.
func assemble(s *settings, op operationShape, feature callFeature) *middleware.Stack {
	name, method := op.info().name, op.info().method
	o := s.options
	intercepted := isIntercepted(&o.Interceptors)
	stack := middleware.NewStack(name, smithyhttp.NewStackRequest)

	initialize := atEnd(stack.Initialize.Add)
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

	serialize := atEnd(stack.Serialize.Add)
	serialize(placeholder("setOperationInput"))
	serialize(placeholder("ResolveEndpoint"))
	if intercepted {
		serialize(&smithyhttp.InterceptBeforeSerialization{Interceptors: o.Interceptors.BeforeSerialization})
	}
	serialize(&serializeRequest{settings: s, method: method})
	if intercepted {
		serialize(&smithyhttp.InterceptAfterSerialization{Interceptors: o.Interceptors.AfterSerialization})
	}

	build := atEnd(stack.Build.Add)
	build(&awsmiddleware.ClientRequestID{})
	build(newUserAgent(o, feature))
	build(&awsmiddleware.RecursionDetection{})

	finalize := atEnd(stack.Finalize.Add)
	finalize(&smithyhttp.InterceptBeforeRetryLoop{Interceptors: o.Interceptors.BeforeRetryLoop})
	finalize(s.newRetryLoop(attemptRetryer(o), cloneRequest, s.skew))
	finalize(&smithyhttp.InterceptAttempt{
		BeforeAttempt: o.Interceptors.BeforeAttempt,
		AfterAttempt:  o.Interceptors.AfterAttempt,
	})
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

	deserialize := atEnd(stack.Deserialize.Add)
	deserialize(&awsmiddleware.AddRawResponse{})
	deserialize(&awshttp.ResponseErrorWrapper{})
	deserialize(&awsmiddleware.RequestIDRetriever{})
	if intercepted { // responses come from the bottom: After is above Before
		deserialize(&smithyhttp.InterceptAfterDeserialization{Interceptors: o.Interceptors.AfterDeserialization})
	}
	deserialize(&deserializeResponse{settings: s, op: op, exposed: intercepted || len(o.APIOptions) > 0})
	if intercepted {
		deserialize(&smithyhttp.InterceptBeforeDeserialization{Interceptors: o.Interceptors.BeforeDeserialization})
	}
	deserialize(&awsmiddleware.RecordResponseTiming{DisableClockSkewCorrection: o.DisableClockSkewCorrection})
	deserialize(newRequestResponseLogger(s, op))
	if intercepted {
		deserialize(&smithyhttp.InterceptTransmit{
			BeforeTransmit: o.Interceptors.BeforeTransmit,
			AfterTransmit:  o.Interceptors.AfterTransmit,
		})
	}
	return stack
}

// atEnd returns a function that adds a middleware at the end of a step. The Add method of
// a step never returns an error, although its signature has one. As a method value it is
// not inlined for each middleware.
func atEnd[M any](add func(M, middleware.RelativePosition) error) func(M) {
	return func(m M) { _ = add(m, middleware.After) }
}

// isIntercepted reports whether there is an interceptor. The middlewares that call them
// depend on each other, so a stack has all of them or, as in official clients, only those
// around the retries.
func isIntercepted(i *smithyhttp.InterceptorRegistry) bool {
	return len(i.BeforeExecution) > 0 || len(i.AfterExecution) > 0 ||
		len(i.BeforeSerialization) > 0 || len(i.AfterSerialization) > 0 ||
		len(i.BeforeRetryLoop) > 0 ||
		len(i.BeforeAttempt) > 0 || len(i.AfterAttempt) > 0 ||
		len(i.BeforeSigning) > 0 || len(i.AfterSigning) > 0 ||
		len(i.BeforeTransmit) > 0 || len(i.AfterTransmit) > 0 ||
		len(i.BeforeDeserialization) > 0 || len(i.AfterDeserialization) > 0
}
