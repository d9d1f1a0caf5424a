package lambdamicrovms

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// IsQuotaExceeded reports whether the call would exceed a quota of the account, such as
// concurrent builds or memory. The client does not retry it: the quota is free again only
// when something else ends.
func IsQuotaExceeded(err error) bool {
	return hasStatus(err, http.StatusPaymentRequired) || errorCodeIs(err, "ServiceQuotaExceededException")
}

// IsThrottle reports whether the service rejected the call because there were too many in
// a short time. The client has retried it already, as often as its retryer permits.
func IsThrottle(err error) bool {
	return hasStatus(err, http.StatusTooManyRequests) ||
		retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err).Bool()
}

// IsNotFound reports whether the image, version, build, MicroVM or tagged resource does
// not exist. It is also the error of RunMicroVM if an image has no active version.
func IsNotFound(err error) bool { return errorCodeIs(err, "ResourceNotFoundException") }

// IsAlreadyExists reports whether the name of a new image is in use. A name stays in use
// for up to a minute after its image was deleted.
func IsAlreadyExists(err error) bool {
	return isErrorSaying(err, "ValidationException", "already exists") ||
		isErrorSaying(err, "ConflictException", "already exists")
}

// errorCodeIs reports whether err is, or wraps, an error of the service with the code.
func errorCodeIs(err error, code string) bool {
	var apiErr smithy.APIError
	return errors.As(err, &apiErr) && apiErr.ErrorCode() == code
}

func hasStatus(err error, status int) bool {
	var response interface{ HTTPStatusCode() int }
	return errors.As(err, &response) && response.HTTPStatusCode() == status
}

// isErrorSaying reports whether err has the code and its message contains text.
func isErrorSaying(err error, code, text string) bool {
	var failed smithy.APIError
	return errors.As(err, &failed) && failed.ErrorCode() == code &&
		strings.Contains(strings.ToLower(failed.ErrorMessage()), text)
}
