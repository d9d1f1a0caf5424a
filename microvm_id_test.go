package lambdamicrovms_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

const microVMID = "microvm-0f5b6c1e-9f8b-4d7a-8a35-5c1b2d3e4f50"

func TestValidationStrictMicroVMIDs(t *testing.T) {
	valid := map[string]bool{
		microVMID:                             true,
		strings.ToUpper(microVMID):            false,
		"microvm-" + microVMID:                false,
		microVMID[len("microvm-"):]:           false,
		microVMID + "a":                       false,
		microVMID[:len(microVMID)-1]:          false,
		microVMID[:16] + microVMID[17:] + "a": false,
		microVMID[:len(microVMID)-1] + "g":    false,
		microVMID + "\n":                      false,
		"mvm-1":                               false,
		"nope":                                false,
	}
	operations := 0
	for _, op := range readModel(t).Service.Operations {
		in := newInput(t, op)
		field := reflect.ValueOf(in).Elem().FieldByName("MicroVMIdentifier")
		if !field.IsValid() {
			continue
		}
		operations++
		for id, want := range valid {
			field.Set(reflect.ValueOf(&id))
			refused := false
			for _, violation := range lambdamicrovms.Violations(lambdamicrovms.Validate(in, lambdamicrovms.ValidationStrict)) {
				refused = refused || violation.Path == "MicroVMIdentifier" && violation.Rule == lambdamicrovms.RuleService
			}
			if refused == want {
				t.Errorf("%T: %q is refused: %t", in, id, refused)
			}
		}
	}
	if operations < 6 {
		t.Errorf("%d operations on a MicroVM", operations)
	}
}

// The gateway responds to a malformed ID with the page of a 502. Any other 502 leaves the
// outcome unknown.
func TestGatewayPageOfAMalformedID(t *testing.T) {
	const page = "<html>\r\n<head><title>502 Bad Gateway</title></head></html>"
	tests := map[string]struct {
		id       string
		response func() *http.Response
		requests int
		doubt    bool
	}{
		"malformed":          {"nope", func() *http.Response { return newResponse(502, nil, page) }, 1, false},
		"well-formed":        {microVMID, func() *http.Response { return newResponse(502, nil, page) }, 3, true},
		"malformed, 503":     {"nope", func() *http.Response { return newResponse(503, nil, page) }, 3, true},
		"malformed, no page": {"nope", func() *http.Response { return newResponse(502, nil, "") }, 3, true},
		"malformed, JSON":    {"nope", func() *http.Response { return newResponse(502, nil, `{"message":"no"}`) }, 3, true},
		"malformed, typed error": {"nope", func() *http.Response {
			return newResponse(502, http.Header{"X-Amzn-Errortype": {"InternalServerException"}}, page)
		}, 3, true},
	}
	for name, test := range tests {
		for _, level := range []string{"client", "call"} {
			t.Run(name+"/"+level, func(t *testing.T) {
				requests := 0
				client := stubbed(func(*http.Request) (*http.Response, error) {
					requests++
					return test.response(), nil
				}, eager)
				var options []func(*lambdamicrovms.Options)
				if level == "call" {
					options = append(options, func(*lambdamicrovms.Options) {})
				}
				_, err := client.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: &test.id}, options...)
				var response *awshttp.ResponseError
				var api smithy.APIError
				if !errors.As(err, &response) || response.HTTPStatusCode()/100 != 5 || !errors.As(err, &api) {
					t.Errorf("got %v", err)
				}
				if requests != test.requests || clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) != test.doubt {
					t.Errorf("%d requests, error %v", requests, err)
				}
			})
		}
	}
}

// The outcome of an earlier attempt stays unknown.
func TestGatewayPageAfterALostResponse(t *testing.T) {
	requests := 0
	client := stubbed(func(*http.Request) (*http.Response, error) {
		if requests++; requests == 1 {
			return newResponse(500, nil, ""), nil
		}
		return newResponse(502, nil, "<html>"), nil
	}, eager)
	_, err := client.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("nope")})
	if requests != 2 || !clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) {
		t.Errorf("%d requests, error %v", requests, err)
	}
}

func TestGatewayPageOfTheFake(t *testing.T) {
	client := lambdamicrovms.New(fake.NewServer().Options())
	_, err := client.TerminateMicroVM(context.Background(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: aws.String("nope")})
	const want = "operation error Lambda Microvms: TerminateMicrovm, https response error StatusCode: 502, RequestID: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "the ID of a MicroVM must be microvm-<UUID>: api error BadGateway: ") {
		t.Errorf("got %v", err)
	}
}
