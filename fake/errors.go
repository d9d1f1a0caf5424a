package fake

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	smithy "github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// failure is an error as the service sends it.
type failure struct {
	status     int
	code       string  // sent in the header, not in the body
	message    *string // nil is null
	capital    bool    // the body spells it Message
	nulls      []string
	kind       string // the member Type of tag operations
	retryAfter *int32 // seconds
	html       bool   // the page of a gateway, titled code
}

func (f *failure) Error() string {
	switch {
	case f.html:
		return f.code
	case f.message == nil:
		return fmt.Sprintf("%d %s", f.status, f.code)
	}
	return fmt.Sprintf("%d %s: %s", f.status, f.code, *f.message)
}

func (f *failure) body() []byte {
	if f.html {
		return []byte("<html>\r\n<head><title>" + f.code + "</title></head>\r\n<body>\r\n<center><h1>" + f.code +
			"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
	}
	w := &restjson.Writer{ExplicitNulls: true}
	w.Begin()
	if f.kind != "" {
		w.Key("Type")
		w.String(f.kind)
	}
	if f.capital {
		w.StringField("Message", f.message)
	} else {
		w.StringField("message", f.message)
	}
	for _, name := range f.nulls {
		w.StringField(name, nil)
	}
	w.End()
	return w.Bytes()
}

func fail(status int, code, format string, args ...any) *failure {
	message := fmt.Sprintf(format, args...)
	return &failure{status: status, code: code, message: &message}
}

// The errors of the service. Only 404 and 402 have members besides the message.

func invalid(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, "ValidationException", format, args...)
}

func conflict(format string, args ...any) *failure {
	return fail(http.StatusConflict, "ConflictException", format, args...)
}

func notFound(format string, args ...any) *failure {
	f := fail(http.StatusNotFound, "ResourceNotFoundException", format, args...)
	f.nulls = []string{"resourceId", "resourceType"}
	return f
}

func isNotFound(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.status == http.StatusNotFound
}

// noTagged is the 404 of the tag operations, which belong to all of Lambda and spell
// Message with a capital.
func noTagged(arn string) *failure {
	f := notFound("The resource you requested does not exist: %s", arn)
	f.capital = true
	return f
}

func overQuota(format string, args ...any) *failure {
	f := fail(http.StatusPaymentRequired, "ServiceQuotaExceededException", format, args...)
	f.nulls = []string{"resourceId", "resourceType", "quotaCode", "serviceCode"}
	return f
}

// accessDenied comes from the authorization layer, which spells Message with a capital.
func accessDenied(message *string) *failure {
	return &failure{status: http.StatusForbidden, code: "AccessDeniedException", message: message, capital: true}
}

// badQuery is the error for a malformed query.
func badQuery() *failure {
	return &failure{status: http.StatusBadRequest, code: "ValidationException"}
}

// unreadable is the error for a malformed request.
func unreadable(format string, args ...any) *failure {
	f := fail(http.StatusBadRequest, "SerializationException", format, args...)
	f.capital = true
	return f
}

// undecodable is the error for a body that is not JSON or has a value of the wrong type.
// The service says "Expected null" where it wants an object.
func undecodable(err error) *failure {
	var mismatch *restjson.TypeError
	if !errors.As(err, &mismatch) {
		return unreadable("Invalid JSON")
	}
	want, _, found := strings.Cut(strings.TrimPrefix(mismatch.Problem, "want "), ", got ")
	switch {
	case found && want == "an object":
		return unreadable("Expected null")
	case found:
		return unreadable("Expected %s", strings.TrimPrefix(strings.TrimPrefix(want, "a "), "an "))
	}
	return unreadable("Unexpected value: %s", mismatch.Problem)
}

// errNoRoute is the response for an unknown path, errBadGateway for a request that fails
// in the gateway.
var (
	errNoRoute    = &failure{status: http.StatusNotFound, code: "404 Not Found", html: true}
	errBadGateway = &failure{status: http.StatusBadGateway, code: "502 Bad Gateway", html: true}
)

func tooLarge() *failure {
	return fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request must be smaller than %d bytes", maxBody)
}

func closed() *failure {
	return fail(http.StatusServiceUnavailable, "ServiceUnavailableException", "fake: the server is closed")
}

// failureOf converts an error to the response of the service.
func failureOf(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fail(http.StatusInternalServerError, "InternalServerException", "%v", err)
	}
	code := api.ErrorCode()
	status := statusOf(code)
	switch {
	case status != 0:
	case api.ErrorFault() == smithy.FaultServer:
		status = http.StatusInternalServerError
	default:
		status = http.StatusBadRequest
	}
	f = fail(status, code, "%s", api.ErrorMessage())
	switch code {
	case "ResourceNotFoundException":
		f.nulls = notFound("").nulls
	case "ServiceQuotaExceededException":
		f.nulls = overQuota("").nulls
	}
	var throttle *types.ThrottlingException
	var internal *types.InternalServerException
	switch {
	case errors.As(err, &throttle):
		f.retryAfter = throttle.RetryAfterSeconds
	case errors.As(err, &internal):
		f.retryAfter = internal.RetryAfterSeconds
	}
	return f
}
