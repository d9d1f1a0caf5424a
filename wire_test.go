package lambdamicrovms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
	"github.com/microvm-go/lambdamicrovms/types"
)

// wanted returns the request that the model describes for a document. It uses none of the
// client's code.
func wanted(t *testing.T, op *model.Shape, doc map[string]any) (target, body string) {
	t.Helper()
	target = op.Traits.HTTP.URI
	query := url.Values{}
	rest := map[string]any{}
	hasBody := false
	for _, m := range op.Input.Members {
		value, set := doc[m.Name]
		switch {
		case m.Traits.HTTPLabel:
			target = strings.Replace(target, "{"+m.Name+"}", percent(value.(string)), 1)
		case m.Traits.HTTPQuery != "" && !set:
		case m.Traits.HTTPQuery != "":
			if list, ok := value.([]any); ok {
				for _, item := range list {
					query.Add(m.Traits.HTTPQuery, item.(string))
				}
			} else {
				query.Set(m.Traits.HTTPQuery, fmt.Sprint(value))
			}
		default:
			hasBody = true
			if set {
				rest[m.Name] = value
			}
		}
	}
	if len(query) > 0 {
		target += "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	if hasBody {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(rest); err != nil {
			t.Fatal(err)
		}
		body = strings.TrimSuffix(b.String(), "\n")
	}
	return target, body
}

// percent encodes all but RFC 3986's unreserved characters.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// documents returns inputs of an operation: with all members, one for each variant of its
// unions, and with required members only.
func documents(op *model.Shape) []map[string]any {
	var list []map[string]any
	for variant := range 3 {
		list = append(list, sample.Full(op.Input, func(n int) int { return variant % n }).(map[string]any))
	}
	list = append(list, sample.Minimal(op.Input).(map[string]any))
	for _, doc := range list {
		for _, m := range op.Input.Members {
			switch {
			case m.Traits.HTTPLabel && m.Name != "Resource":
				doc[m.Name] = "arn:aws:lambda:us-east-1:123456789012:microvm-image/a b=ü%2F?#"
				if m.Name != "imageIdentifier" {
					doc[m.Name] = "a/b:c=ü%2F?#"
				}
			case m.Name == "nextToken" && doc[m.Name] != nil:
				doc[m.Name] = "to/ken+ü&x=y=="
			case m.Traits.IdempotencyToken && doc[m.Name] == nil:
				doc[m.Name] = "token" // what a nil one becomes is tested with the tokens
			}
		}
	}
	return list
}

func TestRequestsOfAllOperations(t *testing.T) {
	for _, op := range readModel(t).Service.Operations {
		t.Run(op.ID.Name(), func(t *testing.T) {
			for _, doc := range documents(op) {
				var got *http.Request
				var gotBody []byte
				client := stubbed(func(r *http.Request) (*http.Response, error) {
					got = r
					if r.Body != nil {
						var err error
						if gotBody, err = io.ReadAll(r.Body); err != nil {
							return nil, err
						}
					}
					return newResponse(op.Traits.HTTP.Code, nil, "{}"), nil
				})
				if _, err := call(t, client, op, doc); err != nil {
					t.Fatal(err)
				}
				target, body := wanted(t, op, doc)
				contentType, length := "", int64(len(body))
				if body != "" {
					contentType = "application/json"
				}
				if diff := cmp.Diff(
					[]any{op.Traits.HTTP.Method, "https://lambda.us-east-1.amazonaws.com" + target, contentType, length, body},
					[]any{got.Method, got.URL.String(), got.Header.Get("Content-Type"), got.ContentLength, string(gotBody)},
				); diff != "" {
					t.Errorf("request, -want +got:\n%s", diff)
				}
			}
		})
	}
}

// The golden file shows the whole request of each operation, for an input with all
// members.
func TestRequestsGolden(t *testing.T) {
	var b strings.Builder
	for _, op := range readModel(t).Service.Operations {
		client := stubbed(func(r *http.Request) (*http.Response, error) {
			dump(&b, r)
			return newResponse(op.Traits.HTTP.Code, nil, "{}"), nil
		})
		if _, err := call(t, client, op, documents(op)[0]); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/requests.txt", b.String())
}

var volatile = map[string]*regexp.Regexp{
	"Authorization":         regexp.MustCompile(`(Credential=AKID/)\d{8}|(Signature=)[0-9a-f]{64}`),
	"User-Agent":            regexp.MustCompile(`()(?:os|lang|md|exec-env)/\S+ |(aws-sdk-go-v2/)\S+|(api/lambdamicrovms#)\S+`),
	"X-Amz-Date":            regexp.MustCompile(`()\d{8}T\d{6}Z`),
	"Amz-Sdk-Invocation-Id": regexp.MustCompile(`()[0-9a-f-]{36}`),
}

// dump prints a request without the parts that change from run to run.
func dump(b *strings.Builder, r *http.Request) {
	fmt.Fprintf(b, "%s %s\n", r.Method, r.URL.RequestURI())
	fmt.Fprintf(b, "Host: %s\nContent-Length: %d\n", r.URL.Host, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		value := strings.Join(r.Header[name], ", ")
		if re := volatile[name]; re != nil {
			value = re.ReplaceAllString(value, "$1$2$3*")
		}
		fmt.Fprintf(b, "%s: %s\n", name, value)
	}
	b.WriteString("\n")
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			fmt.Fprintf(b, "body: %v", err)
		}
		fmt.Fprintf(b, "%s\n\n", body)
	}
}

// Every member of every output is decoded: encoded again, it equals the response.
func TestOutputsOfAllOperations(t *testing.T) {
	for _, op := range readModel(t).Service.Operations {
		t.Run(op.ID.Name(), func(t *testing.T) {
			for variant := range 3 {
				doc := any(map[string]any{})
				if op.Output.Kind == model.Structure {
					doc = sample.Full(op.Output, func(n int) int { return variant % n })
				}
				body, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				client := stubbed(func(*http.Request) (*http.Response, error) {
					return newResponse(op.Traits.HTTP.Code, nil, string(body)), nil
				})
				out, err := call(t, client, op, sample.Minimal(op.Input))
				if err != nil {
					t.Fatal(err)
				}
				again, err := json.Marshal(out)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(parsed(t, body), parsed(t, again)); diff != "" {
					t.Errorf("-response +output:\n%s", diff)
				}
			}
		})
	}
}

func parsed(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// The forms in which the service, its gateways and older protocols send an error. %s is
// the code.
var errorForms = []struct {
	name   string
	header string
	body   string
}{
	{"header", "%s", `{"message":"because","resourceId":null,"resourceType":null}`},
	{"header with URL and capital message", "%s:http://internal.amazon.com/coral/com.amazon.lambda/", `{"Message":"because"}`},
	{"header with namespace", "com.amazonaws.lambdamicrovms#%s", `{"message":"because"}`},
	{"body __type", "", `{"__type":"com.amazonaws.lambdamicrovms#%s","message":"because"}`},
	{"body code", "", `{"code":"%s","message":"because"}`},
}

func TestErrorsOfAllOperations(t *testing.T) {
	m := readModel(t)
	faults := map[string]smithy.ErrorFault{"client": smithy.FaultClient, "server": smithy.FaultServer}
	for _, op := range m.Service.Operations {
		for _, shape := range errorsOf(m) {
			for _, form := range errorForms {
				code := shape.ID.Name()
				header := http.Header{"X-Amzn-Requestid": {"request-1"}}
				if form.header != "" {
					header.Set("X-Amzn-Errortype", fmt.Sprintf(form.header, code))
				}
				body := strings.Replace(form.body, "%s", code, 1)
				client := stubbed(func(*http.Request) (*http.Response, error) {
					return newResponse(shape.Traits.HTTPStatus, header.Clone(), body), nil
				})
				_, err := call(t, client, op, sample.Minimal(op.Input))

				var operation *smithy.OperationError
				var response *awshttp.ResponseError
				var modeled smithy.APIError
				if !errors.As(err, &operation) || !errors.As(err, &response) || !errors.As(err, &modeled) {
					t.Fatalf("%s, %s, %s: the chain is %v", op.ID.Name(), code, form.name, err)
				}
				got := []any{
					operation.ServiceID, operation.OperationName, response.HTTPStatusCode(), response.ServiceRequestID(),
					fmt.Sprintf("%T", modeled), modeled.ErrorCode(), modeled.ErrorMessage(), modeled.ErrorFault(),
				}
				want := []any{
					"Lambda Microvms", op.ID.Name(), shape.Traits.HTTPStatus, "request-1",
					"*types." + code, code, "because", faults[shape.Traits.ErrorFault],
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s, %s: -want +got:\n%s", op.ID.Name(), code, form.name, diff)
				}
			}
		}
	}
}

func TestErrorsThatAreNoneOfTheModel(t *testing.T) {
	html := "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
	tests := map[string]struct {
		status  int
		header  string
		body    string
		code    string
		message string
		fault   smithy.ErrorFault
	}{
		"unknown type":     {418, "TeapotException", `{"message":"short and stout"}`, "TeapotException", "short and stout", smithy.FaultClient},
		"null message":     {403, "TeapotException", `{"message":null}`, "TeapotException", "", smithy.FaultClient},
		"unknown 5xx":      {503, "Overload", `{}`, "Overload", "", smithy.FaultServer},
		"header and HTML":  {502, "Overload", html, "Overload", "", smithy.FaultServer},
		"empty body, type": {500, "Overload", "", "Overload", "", smithy.FaultServer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := stubbed(func(*http.Request) (*http.Response, error) {
				return newResponse(test.status, http.Header{"X-Amzn-Errortype": {test.header}}, test.body), nil
			})
			_, err := client.ListMicroVMImages(context.Background(), nil)
			var generic *smithy.GenericAPIError
			if !errors.As(err, &generic) {
				t.Fatalf("no GenericAPIError: %v", err)
			}
			want := []any{test.code, test.fault}
			got := []any{generic.Code, generic.Fault}
			if test.message != "" {
				want, got = append(want, test.message), append(got, generic.Message)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	for _, status := range []int{400, 404, 500, 502} {
		client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(status, nil, html), nil })
		_, err := client.ListMicroVMImages(context.Background(), nil)
		var response *awshttp.ResponseError
		var api smithy.APIError
		if !errors.As(err, &response) || response.HTTPStatusCode() != status || !errors.As(err, &api) || api.ErrorCode() == "" {
			t.Errorf("HTML with status %d: %v", status, err)
		}
		if strings.Contains(err.Error(), "<html>") {
			t.Errorf("the error quotes the page: %v", err)
		}
	}
}

func TestErrorMembers(t *testing.T) {
	client := stubbed(func(*http.Request) (*http.Response, error) {
		return newResponse(429, http.Header{"X-Amzn-Errortype": {"ThrottlingException"}, "Retry-After": {"7"}},
			`{"message":"slow","serviceCode":"lambda","quotaCode":"L-1"}`), nil
	})
	_, err := client.ListMicroVMImages(context.Background(), nil)
	var throttled *types.ThrottlingException
	if !errors.As(err, &throttled) {
		t.Fatal(err)
	}
	want := &types.ThrottlingException{
		Message: aws.String("slow"), ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-1"), RetryAfterSeconds: aws.Int32(7),
	}
	if diff := cmp.Diff(want, throttled); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
