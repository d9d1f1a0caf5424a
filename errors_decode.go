package lambdamicrovms

import (
	"errors"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// modeledError is an error that the service's model declares.
type modeledError interface{ smithy.APIError }

// maxCode is the maximum length of an error code from a response.
const maxCode = 256

// responseError returns the error in a response, without the secrets. Nearly no response
// repeats a secret. So it searches the error and its response once for all secrets, and
// the call remembers that there is none. This does not work if interceptors or middleware
// see the error, because they may add a secret to it.
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

// cleanMembers cleans the texts of a modeled error, which come from the response.
func cleanMembers(failed modeledError, secrets *redact.Secrets) {
	members := reflect.ValueOf(failed).Elem()
	for i := range members.NumField() {
		if text, ok := members.Field(i).Addr().Interface().(**string); ok && *text != nil {
			if cleaned := secrets.Clean(**text, redact.MaxText); cleaned != **text {
				*text = &cleaned
			}
		}
	}
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
