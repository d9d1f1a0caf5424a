package lambdamicrovms_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

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
