// Package spans has the functions that spans of calls and spans of workflows share.
package spans

import (
	"errors"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/tracing"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// SetResult sets the status of a span and, if err is not nil, the properties that
// official clients set for an error. The caller has removed the secrets from err.
func SetResult(span tracing.Span, err error) {
	span.SetProperty("error", err != nil)
	if err == nil {
		span.SetStatus(tracing.SpanStatusOK)
		return
	}
	span.SetProperty("exception.type", redact.TypeName(err))
	span.SetProperty("exception.message", err.Error())
	var failed smithy.APIError
	if errors.As(err, &failed) {
		span.SetProperty("api.error_code", failed.ErrorCode())
		span.SetProperty("api.error_message", failed.ErrorMessage())
		span.SetProperty("api.error_fault", failed.ErrorFault().String())
	}
	span.SetStatus(tracing.SpanStatusError)
}

// IsNop reports whether a provider makes spans that record nothing.
func IsNop(provider tracing.TracerProvider) bool {
	switch provider.(type) {
	case nil, tracing.NopTracerProvider, *tracing.NopTracerProvider:
		return true
	}
	return false
}
