package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
)

// closing records whether a body was closed.
type closing struct {
	io.Reader
	closed *bool
}

func (c closing) Close() error {
	*c.closed = true
	return nil
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestResponses(t *testing.T) {
	secret := "hunter2"
	tests := map[string]struct {
		status int
		body   io.Reader
		check  func(error) bool
	}{
		"no members":       {200, strings.NewReader(" {} "), func(err error) bool { return err == nil }},
		"unknown members":  {200, strings.NewReader(`{"new":{"a":[1]},"nextToken":null}`), func(err error) bool { return err == nil }},
		"no JSON":          {200, strings.NewReader("<html>" + secret), isDeserializationError},
		"another form":     {200, strings.NewReader(`{"nextToken":["` + secret + `"]}`), isDeserializationError},
		"more behind":      {200, strings.NewReader(`{} "` + secret + `"`), isDeserializationError},
		"a list":           {200, strings.NewReader(`["` + secret + `"]`), isDeserializationError},
		"too long":         {200, endless{}, isSizeError},
		"an error, and it": {400, endless{}, func(err error) bool { return err != nil && !isSizeError(err) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			closed, requests := false, 0
			client := stubbed(func(*http.Request) (*http.Response, error) {
				requests++
				r := newResponse(test.status, nil, "")
				r.Body, r.ContentLength = closing{test.body, &closed}, -1
				return r, nil
			}, eager)
			_, err := client.ListMicroVMs(context.Background(), nil)
			if !test.check(err) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes the response: %v", err)
			}
			if !closed || requests != 1 {
				t.Errorf("body closed: %t; %d requests", closed, requests)
			}
		})
	}
}

// An empty success is broken if the model requires members of the output. The client
// retries it with the same request; if that fails, the outcome is unknown.
func TestEmptySuccesses(t *testing.T) {
	bodies := []string{"", " \r\n\t", "null", "\n null "}
	for _, op := range readModel(t).Service.Operations {
		requires := false
		if op.Output.Kind == model.Structure {
			requires = slices.ContainsFunc(op.Output.Members, func(m *model.Member) bool { return m.Traits.Required })
		}
		for _, status := range []int{200, 204} {
			for _, body := range append(bodies, "{}", `{"new":1}`) {
				t.Run(fmt.Sprintf("%s/%d %q", op.ID.Name(), status, body), func(t *testing.T) {
					var sent []string
					client := stubbed(func(r *http.Request) (*http.Response, error) {
						var b strings.Builder
						r.Header = nil // it differs between attempts
						dump(&b, r)
						sent = append(sent, b.String())
						return newResponse(status, nil, body), nil
					}, eager)
					doc := sample.Minimal(op.Input)
					out, err := call(t, client, op, doc)
					if !requires || !slices.Contains(bodies, body) {
						if err != nil || len(sent) != 1 {
							t.Errorf("%d requests, error %v", len(sent), err)
						}
						return
					}
					var uncertain *lambdamicrovms.UncertainError
					if !isDeserializationError(err) || !errors.Is(err, io.ErrUnexpectedEOF) || !reflect.ValueOf(out).IsNil() {
						t.Errorf("output %v, error %v", out, err)
					}
					if got := errors.As(err, &uncertain); got == op.Traits.ReadOnly {
						t.Errorf("uncertain is %t: %v", got, err)
					}
					if len(sent) != 3 || slices.ContainsFunc(sent, func(s string) bool { return s != sent[0] }) {
						t.Errorf("sent were %q", sent)
					}
					if uncertain != nil && uncertain.ClientToken != "" && !strings.Contains(sent[0], uncertain.ClientToken) {
						t.Errorf("another token than %q was sent", uncertain.ClientToken)
					}
				})
			}
		}
	}
}

// A call succeeds after one empty success, with a single retry.
func TestEmptySuccessIsRetried(t *testing.T) {
	var tokens []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		tokens = append(tokens, tokenOf(t, r))
		if len(tokens) == 1 {
			return newResponse(http.StatusOK, nil, ""), nil
		}
		return newResponse(http.StatusOK, nil, `{"imageVersion":"2.0"}`), nil
	}, eager)
	out, err := client.UpdateMicroVMImage(context.Background(), updateInput())
	if err != nil || aws.ToString(out.ImageVersion) != "2.0" || len(tokens) != 2 || tokens[0] != tokens[1] || tokens[0] == "" {
		t.Errorf("%v, error %v, tokens %q", out, err, tokens)
	}
}

// A caller's HTTP client may break the rules of Do.
func TestCarelessHTTPClient(t *testing.T) {
	for name, r := range map[string]*http.Response{
		"no body":   {StatusCode: http.StatusNoContent},
		"no header": {StatusCode: http.StatusNoContent, Body: http.NoBody},
		"nothing":   {},
	} {
		client := stubbed(func(*http.Request) (*http.Response, error) { return r, nil })
		_, err := client.SuspendMicroVM(context.Background(), &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")})
		if (err == nil) != (r.StatusCode == http.StatusNoContent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The body is closed even if an interceptor rejects the response.
func TestBodyIsClosedBehindInterceptors(t *testing.T) {
	refused := errors.New("refused")
	closed := false
	client := stubbed(func(*http.Request) (*http.Response, error) {
		r := newResponse(http.StatusOK, nil, "")
		r.Body = closing{strings.NewReader(`{}`), &closed}
		return r, nil
	}, func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterTransmit(refusing{refused}) })
	if _, err := client.ListMicroVMs(context.Background(), nil); !errors.Is(err, refused) || !closed {
		t.Errorf("error %v, body closed: %t", err, closed)
	}
}

type refusing struct{ err error }

func (r refusing) AfterTransmit(context.Context, *smithyhttp.InterceptorContext) error { return r.err }

func TestMaxResponseBytes(t *testing.T) {
	body := `{"nextToken":"` + strings.Repeat("x", 984) + `"}` // 1000 bytes
	limit := func(n int64) []func(*lambdamicrovms.Options) {
		return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) { o.MaxResponseBytes = n }}
	}
	tests := map[string]struct {
		client, call []func(*lambdamicrovms.Options)
		limit        int64 // limit in the error; zero for another error
	}{
		"default":                      {nil, nil, 0},
		"of the client, just enough":   {limit(1000), nil, 0},
		"of the client, too little":    {limit(999), nil, 999},
		"of the call, just enough":     {limit(10), limit(1000), 0},
		"of the call, too little":      {nil, limit(999), 999},
		"of the call, back to default": {limit(10), limit(0), 0},
		"negative":                     {limit(-1), nil, 0},
		"greatest":                     {limit(math.MaxInt64), nil, 0},
	}
	for name, test := range tests {
		for _, mode := range []aws.ClientLogMode{0, aws.LogResponseWithBody} {
			client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, body), nil },
				append(test.client, func(o *lambdamicrovms.Options) { o.ClientLogMode = mode })...)
			_, err := client.ListMicroVMs(context.Background(), nil, test.call...)
			var failed *lambdamicrovms.ResponseSizeError
			if errors.As(err, &failed) != (test.limit > 0) || failed != nil && failed.Limit != test.limit || failed == nil && err != nil {
				t.Errorf("%s: %v, want one with limit %d", name, err, test.limit)
			}
		}
	}
	if got := stubbed(nil).Options().MaxResponseBytes; got != 16*clienttest.MiB {
		t.Errorf("the default is %d", got)
	}
}
