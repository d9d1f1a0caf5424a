package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

func TestErrorHelpers(t *testing.T) {
	helpers := map[string]func(error) bool{
		"busy": lambdamicrovms.IsImageBusy, "quota": lambdamicrovms.IsQuotaExceeded, "throttle": lambdamicrovms.IsThrottle,
		"not found": lambdamicrovms.IsNotFound, "exists": lambdamicrovms.IsAlreadyExists,
	}
	tests := map[string]struct {
		status        int
		code, message string
		want          string // the helper that returns true
	}{
		"busy, as a conflict":          {409, "ConflictException", "MicroVM Image is already in state: UPDATING", "busy"},
		"busy, refused to update":      {400, "ValidationException", "Cannot update MicroVM Image in its current state: arn:aws:lambda:us-east-1:123456789012:microvm-image:web", "busy"},
		"busy, refused to delete":      {400, "ValidationException", "Cannot delete MicroVM image in its current state: arn:aws:lambda:us-east-1:123456789012:microvm-image:web", "busy"},
		"token used otherwise":         {409, "ConflictException", "The provided clientToken was used with different request parameters.", ""},
		"builds":                       {402, "ServiceQuotaExceededException", "Account 123456789012 has reached the maximum number of concurrent builds allowed.", "quota"},
		"throttled":                    {429, "ThrottlingException", "Rate exceeded", "throttle"},
		"throttled tagging":            {429, "TooManyRequestsException", "Rate exceeded", "throttle"},
		"throttled by a gateway":       {429, "", "", "throttle"},
		"no image":                     {404, "ResourceNotFoundException", "MicroVMImage not found for MicroVMImageID: x", "not found"},
		"no active version":            {404, "ResourceNotFoundException", "No active version found for MicroVM image x", "not found"},
		"404 of a gateway":             {404, "", "", ""},
		"name taken":                   {400, "ValidationException", "A MicroVM image with the name 'web' already exists in this account", "exists"},
		"last version":                 {400, "ValidationException", "This is the last version. Please delete the entire image", ""},
		"image with running MicroVMs":  {400, "ValidationException", "Cannot delete microvm image with running microvms.", ""},
		"null message":                 {403, "AccessDeniedException", "null", ""},
		"conflict with a null message": {409, "ConflictException", "null", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			message := fmt.Sprintf("%q", test.message)
			if test.message == "null" {
				message = "null"
			}
			client := stubbed(func(*http.Request) (*http.Response, error) {
				return newResponse(test.status, http.Header{"X-Amzn-Errortype": {test.code}}, `{"message":`+message+`}`), nil
			})
			_, err := client.ListMicroVMs(context.Background(), nil)
			for _, err := range []error{err, fmt.Errorf("wrapped: %w", err), errors.Join(errors.New("other"), err)} {
				for helper, is := range helpers {
					if is(err) != (helper == test.want) {
						t.Errorf("%s says %t of: %v", helper, is(err), err)
					}
				}
			}
		})
	}
	for _, err := range []error{nil, io.EOF, &smithy.GenericAPIError{}} {
		for helper, is := range helpers {
			if is(err) {
				t.Errorf("%s says yes to %v", helper, err)
			}
		}
	}
}

// Whatever a gateway sends, the error has a code, a fault, and a short clean text.
func TestErrorsOfGateways(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   smithy.GenericAPIError
	}{
		"HTML": {502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<hr><center>nginx</center>\r\n</body>",
			smithy.GenericAPIError{Code: "BadGateway", Message: "502 Bad Gateway nginx", Fault: smithy.FaultServer}},
		"text":              {503, " too \t busy\n", smithy.GenericAPIError{Code: "ServiceUnavailable", Message: "too busy", Fault: smithy.FaultServer}},
		"nothing":           {404, "", smithy.GenericAPIError{Code: "NotFound", Message: "Not Found", Fault: smithy.FaultClient}},
		"unknown status":    {599, "", smithy.GenericAPIError{Code: "UnknownError", Fault: smithy.FaultServer}},
		"no error at all":   {304, "", smithy.GenericAPIError{Code: "NotModified", Message: "Not Modified"}},
		"other JSON":        {500, `["a"]`, smithy.GenericAPIError{Code: "InternalServerError", Message: `["a"]`, Fault: smithy.FaultServer}},
		"JSON of its own":   {400, `{"code":17,"message":"no","details":{"x":[1,{}]}}`, smithy.GenericAPIError{Code: "BadRequest", Message: "no", Fault: smithy.FaultClient}},
		"JSON, odd message": {400, `{"message":{"text":"no"},"Message":"yes"}`, smithy.GenericAPIError{Code: "BadRequest", Message: "yes", Fault: smithy.FaultClient}},
		"cut JSON":          {400, `{"code":"Odd","message":"no","x":"`, smithy.GenericAPIError{Code: "Odd", Message: "no", Fault: smithy.FaultClient}},
		"no UTF-8":          {500, "a\xff\x00\x1b[31mb", smithy.GenericAPIError{Code: "InternalServerError", Message: "a[31mb", Fault: smithy.FaultServer}},
		"endless": {500, strings.Repeat("long ", 10000),
			smithy.GenericAPIError{Code: "InternalServerError", Message: strings.Repeat("long ", 23) + "long l…", Fault: smithy.FaultServer}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(test.status, nil, test.body), nil })
			_, err := client.ListMicroVMs(context.Background(), nil)
			var got *smithy.GenericAPIError
			if !errors.As(err, &got) {
				t.Fatalf("no GenericAPIError: %v", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
