package redact

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// allowsError reports whether an error is one from a response that certainly needs no
// redaction. Such errors are so frequent, even in calls that succeed at another attempt,
// that they must cost neither reflection nor their texts.
func (s *Secrets) allowsError(err error) bool {
	v := newSieve()
	defer v.release()
	if !v.errorText(err, 0) || len(v.raw) > maxLength {
		return false
	}
	v.end()
	return s.allows(v)
}

// errorText adds the text of an error, and the other texts that it holds. It reports
// whether it knows the error's type, and finds nothing harmful.
func (v *sieve) errorText(err error, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch err := err.(type) { //nolint:errorlint // it walks the chain itself
	case *retry.MaxAttemptsError:
		v.part("exceeded maximum number of attempts, ")
		v.number(err.Attempt)
		v.part(", ")
		return v.errorText(err.Err, depth+1)
	case *awshttp.ResponseError:
		if err == nil || err.ResponseError == nil {
			return false
		}
		v.part("https response error StatusCode: ")
		return v.status(err.Response) && v.texts(", RequestID: ", err.RequestID, ", ") && v.errorText(err.Err, depth+1)
	case *smithyhttp.ResponseError:
		if err == nil {
			return false
		}
		v.part("http response error StatusCode: ")
		return v.status(err.Response) && v.texts(", ") && v.errorText(err.Err, depth+1)
	case *smithy.GenericAPIError:
		return err != nil && v.texts("api error ", err.Code, ": ", err.Message)
	case smithy.APIError:
		return v.modeled(err)
	}
	return false
}

// modeled adds an error of the service's model.
func (v *sieve) modeled(err smithy.APIError) bool {
	members := reflect.ValueOf(err)
	if members.Kind() != reflect.Pointer || members.IsNil() || !isOurs(members.Type().Elem()) {
		return false
	}
	if !v.texts(err.ErrorCode(), ": ", err.ErrorMessage()) {
		return false
	}
	members = members.Elem()
	for i := range members.NumField() {
		member := members.Field(i)
		if member.Kind() == reflect.Pointer {
			member = member.Elem()
		}
		switch member.Kind() {
		case reflect.Invalid, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64: // Invalid is a nil pointer
		case reflect.String:
			if !v.texts("\n", member.String()) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// texts adds parts of a text. It reports whether they hold nothing harmful.
func (v *sieve) texts(parts ...string) bool {
	for _, text := range parts {
		if len(text) > maxLength || strings.IndexFunc(text, isHarmful) >= 0 {
			return false
		}
		v.part(text)
	}
	return true
}

func (v *sieve) status(response *smithyhttp.Response) bool {
	if response == nil || response.Response == nil {
		return false
	}
	v.number(response.StatusCode)
	return true
}

func (v *sieve) number(n int) { v.raw = strconv.AppendInt(v.raw, int64(n), 10) }
