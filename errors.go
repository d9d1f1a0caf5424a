package lambdamicrovms

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
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

// modeledError is an error that the service's model declares.
type modeledError interface{ smithy.APIError }

// responseError returns the error in a response, without the secrets. Nearly no response
// repeats one, so they are searched for together in all that the error and its response
// show, and the call remembers that there is none. It cannot if interceptors or
// middleware see the error: they may add a secret to it.
func (m *deserializeResponse) responseError(call *callContext, secrets *redact.Secrets, response *http.Response, body string) error {
	if m.exposed || call == nil {
		return decodeError(response, body, secrets)
	}
	err := decodeError(response, body, nil)
	var code smithy.APIError
	isWhole := len(body) <= redact.MaxText && errors.As(err, &code) && len(code.ErrorCode()) < maxCode
	if !isWhole || !secrets.AllowResponse(response, requestID(response.Header), body, err) {
		return decodeError(response, body, secrets)
	}
	call.allow(err)
	return err
}

// decodeError returns the error in a response. It never fails: every response has a
// status, even if it is not from the service. Texts are cleaned, because programs log
// them and a hostile server can choose them.
func decodeError(response *http.Response, body string, secrets *redact.Secrets) error {
	var general generalError
	isJSON := strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{")
	if isJSON {
		general.DecodeJSON(restjson.NewReader(body))
	}
	code := errorCode(response.Header.Get("X-Amzn-Errortype"))
	if code == "" {
		code = errorCode(general.Type)
	}
	if code == "" {
		code = errorCode(general.Code)
	}

	if modeled, decode := newModeledError(code); modeled != nil {
		if isJSON {
			decode(restjson.NewReader(body))
		}
		bindErrorHeader(modeled, response.Header)
		cleanMembers(modeled, secrets)
		return modeled
	}

	generic := &smithy.GenericAPIError{Code: secrets.Clean(code, maxCode), Message: secrets.Clean(general.Message, redact.MaxText), Fault: faultOf(response.StatusCode)}
	status := http.StatusText(response.StatusCode)
	if generic.Code == "" {
		generic.Code = strings.ReplaceAll(status, " ", "")
	}
	if generic.Code == "" {
		generic.Code = "UnknownError"
	}
	if generic.Message == "" && !isJSON {
		generic.Message = excerpt(secrets.Redact(body[:min(len(body), maxExcerptSource)]))
	}
	if generic.Message == "" {
		generic.Message = status
	}
	return generic
}

// headerInt32 returns the integer in a header, or nil. For Retry-After it is the seconds
// until the date, or the decimal rounded up.
func headerInt32(header http.Header, name string) *int32 {
	n, err := strconv.ParseInt(strings.TrimSpace(header.Get(name)), 10, 32)
	if err != nil {
		delay, ok := parseRetryAfter(header)
		if !ok || name != "Retry-After" {
			return nil
		}
		n = int64(min(math.Ceil(delay.Seconds()), math.MaxInt32))
	}
	value := int32(n)
	return &value
}

// generalError holds the members that all errors share.
type generalError struct {
	Type, Code, Message string
}

// DecodeJSON decodes what it can: it skips members of an unexpected type, and stops at
// the end of a truncated body.
func (e *generalError) DecodeJSON(r *restjson.Reader) {
	for r.Object(); r.Next(); {
		var member *string
		switch r.Key() {
		case "__type":
			member = &e.Type
		case "code", "Code":
			member = &e.Code
		case "message", "Message":
			member = &e.Message
		}
		value := r.RawValue()
		if member == nil || !strings.HasPrefix(value, `"`) {
			continue
		}
		if text := restjson.NewReader(value).String(); text != "" {
			*member = text
		}
	}
}

// errorCode removes the namespace before a # and the suffix after a colon from an error
// type.
func errorCode(s string) string {
	s, _, _ = strings.Cut(s, ":")
	return strings.TrimSpace(s[strings.LastIndexByte(s, '#')+1:])
}

func faultOf(status int) smithy.ErrorFault {
	switch {
	case status >= 400 && status < 500:
		return smithy.FaultClient
	case status >= 500:
		return smithy.FaultServer
	default:
		return smithy.FaultUnknown
	}
}

// maxExcerpt is about how many bytes an error quotes from a body that is not JSON.
const maxExcerpt = 120

// maxExcerptSource is how many bytes of the body excerpt reads.
const maxExcerptSource = 4096

// excerpt returns the beginning of a text without HTML tags, control characters and
// repeated spaces.
func excerpt(body string) string {
	var b strings.Builder
	tag, space := false, false
	for _, c := range body[:min(len(body), maxExcerptSource)] {
		switch {
		case c == '<':
			tag, space = true, true
		case c == '>' && tag:
			tag = false
		case tag:
		case unicode.IsSpace(c):
			space = true
		case !unicode.IsPrint(c) || c == utf8.RuneError:
		default:
			if b.Len() >= maxExcerpt {
				return b.String() + "…"
			}
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(c)
		}
	}
	return b.String()
}
