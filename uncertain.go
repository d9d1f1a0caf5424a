package lambdamicrovms

import (
	"errors"
	"net/http"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// UncertainError reports that a call failed but may have taken effect: at least one of
// its attempts may have reached the service, and no response rules out that it was
// executed. The connection broke, the context ended, or the response was a 5xx, was empty
// where the service always sends a body, or could not be read. UncertainError is found
// inside the *smithy.OperationError of operations that change something. Without it, an
// error of such an operation means that nothing has changed.
//
// Whether a request was sent is known for HTTP clients that are built on net/http and
// pass on the request's context, because net/http reports it. Any other HTTPClient that
// fails may have sent the request, unless its error is a failed dial (a *net.OpError) or
// a rejected certificate (a *tls.CertificateVerificationError).
//
// To find out what happened, make the call again with ClientToken and otherwise the same
// input: the service then returns what it did, or does it now, but not twice. Do so
// before you delete what the call may have created: its token stays used. Operations
// without a token leave a state that can be read: that of an image, a version, a MicroVM,
// or tags. Repeating them is harmless; CreateMicroVMAuthToken then creates one more
// token.
type UncertainError struct {
	// ClientToken is the token of all attempts, including one that the client generated.
	// It is empty if the operation has none.
	ClientToken string
	// Err is the error of the last attempt, or of a later step.
	Err error
}

func (e *UncertainError) Error() string { return "outcome unknown: " + e.Err.Error() }

// Unwrap returns Err.
func (e *UncertainError) Unwrap() error { return e.Err }

// callError returns the error of a failed call.
func callError(op operationShape, in any, metadata middleware.Metadata, err error) error {
	if !op.info().readOnly && mayHaveActed(metadata, err) {
		uncertain := &UncertainError{Err: err}
		if input, ok := in.(tokenInput); ok && *input.tokenMember() != nil {
			uncertain.ClientToken = **input.tokenMember()
		}
		err = uncertain
	}
	return &smithy.OperationError{ServiceID: ServiceID, OperationName: op.info().name, Err: err}
}

// mayHaveActed reports whether an attempt of a failed call may have had an effect.
func mayHaveActed(metadata middleware.Metadata, err error) bool {
	attempts, ok := retry.GetAttemptResults(metadata)
	if !ok { // middleware has removed the retries, or failed before them
		return attemptMayHaveActed(metadata, err)
	}
	for _, attempt := range attempts.Results {
		if attemptMayHaveActed(attempt.ResponseMetadata, attempt.Err) {
			return true
		}
	}
	return false
}

func attemptMayHaveActed(metadata middleware.Metadata, err error) bool {
	var unsent *unsentError
	if errors.As(err, &unsent) {
		return false
	}
	response, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response)
	if !ok || response.Response == nil {
		// The transport was not reached, unless middleware holds its response back.
		var failed *smithyhttp.RequestSendError
		var canceled *smithy.CanceledError
		return errors.As(err, &failed) || errors.As(err, &canceled)
	}
	switch status := response.StatusCode; {
	case status == 0: // there was no response
		return true
	case status >= http.StatusMultipleChoices && status < http.StatusInternalServerError:
		return false // rejected, even if the rest of the response is unreadable
	default:
		return true
	}
}
