package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"

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
