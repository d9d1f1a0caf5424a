package lambdamicrovms

import (
	"context"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// placeholder is a middleware that does nothing. It has an ID of the official clients,
// because programs insert their own middleware before or after it. Official clients put
// the input into the context under setOperationInput, and under ResolveEndpoint call the
// deprecated endpoint resolver.
type placeholder string

func (p placeholder) ID() string { return string(p) }

func (placeholder) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	middleware.SerializeOutput, middleware.Metadata, error,
) {
	return next.HandleSerialize(ctx, in)
}

// removeIdle removes the middlewares that do nothing from a step that is about to be
// compiled, so that no call passes through them. It takes the methods of the step.
func removeIdle[M any](ids []string, get func(id string) (M, bool), remove func(id string) (M, error)) {
	for _, id := range ids {
		if m, _ := get(id); isIdle(m) {
			_, _ = remove(id) // fails only for an unknown ID
		}
	}
}

func isIdle(m any) bool {
	switch m := m.(type) {
	case placeholder:
		return true
	case *smithyhttp.InterceptBeforeRetryLoop:
		return len(m.Interceptors) == 0
	case *smithyhttp.InterceptAttempt:
		return len(m.BeforeAttempt) == 0 && len(m.AfterAttempt) == 0
	default:
		return false
	}
}
