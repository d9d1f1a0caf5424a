package lambdamicrovms

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// UncertainError reports that a call failed and may have had its effect nevertheless: at
// least one of its attempts was on its way to the service, and no answer tells that nothing
// came of it. The connection broke, the context ended, or the answer was a 5xx or could not
// be read. It stands within the *smithy.OperationError of operations that change something;
// without it, an error of such an operation means that nothing has changed.
//
// To find out, make the call again with ClientToken and otherwise the same input: the
// service then answers with what it did, or does it now, but not twice. Do so before what
// may have come of it is deleted, since the service remembers tokens for longer than that.
// Operations without a token leave a state that can be read: that of an image, a version, a
// MicroVM, or tags. To repeat them does no harm; a token for a MicroVM is then one more.
type UncertainError struct {
	// ClientToken is the token that all attempts carried, also if the client has made it up;
	// empty if the operation has none.
	ClientToken string
	// Err is the error of the last attempt, or what came after it.
	Err error
}

func (e *UncertainError) Error() string { return "outcome unknown: " + e.Err.Error() }

// Unwrap returns Err.
func (e *UncertainError) Unwrap() error { return e.Err }

// callError is the error that a caller gets for what has ended a call.
func callError(op operationShape, in any, metadata middleware.Metadata, err error) error {
	if op.changes() && mayHaveActed(metadata, err) {
		uncertain := &UncertainError{Err: err}
		if input, ok := in.(tokenInput); ok && *input.tokenMember() != nil {
			uncertain.ClientToken = **input.tokenMember()
		}
		err = uncertain
	}
	name, _ := op.wire()
	return &smithy.OperationError{ServiceID: ServiceID, OperationName: name, Err: err}
}

// mayHaveActed reports whether one of the attempts of a call that has failed may have had
// an effect.
func mayHaveActed(metadata middleware.Metadata, err error) bool {
	attempts, ok := retry.GetAttemptResults(metadata)
	if !ok { // somebody has taken the retries out, or never let it come to them
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
	response, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response)
	if !ok || response.Response == nil {
		// Nothing was sent, unless middleware holds the response back.
		var failed *smithyhttp.RequestSendError
		return errors.As(err, &failed) && !unsent(err)
	}
	switch status := response.StatusCode; {
	case status == 0: // there was no response
		return !unsent(err)
	case status >= http.StatusMultipleChoices && status < http.StatusInternalServerError:
		return false // refused, whatever has become of the rest of the answer
	default:
		return true
	}
}

// unsent reports whether there was no connection to send a request on.
func unsent(err error) bool {
	var network *net.OpError
	if errors.As(err, &network) && (network.Op == "dial" || network.Op == "proxyconnect") {
		return true
	}
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}
