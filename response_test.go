package lambdamicrovms_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
)

// closing notes whether a body was closed.
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
		"empty":            {200, strings.NewReader(""), func(err error) bool { return err == nil }},
		"blank":            {200, strings.NewReader(" \r\n"), func(err error) bool { return err == nil }},
		"null":             {200, strings.NewReader("null"), func(err error) bool { return err == nil }},
		"no content":       {204, strings.NewReader(""), func(err error) bool { return err == nil }},
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
				r := answer(test.status, nil, "")
				r.Body, r.ContentLength = closing{test.body, &closed}, -1
				return r, nil
			}, eager)
			_, err := client.ListMicroVMs(context.Background(), nil)
			if !test.check(err) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes the answer: %v", err)
			}
			if !closed || requests != 1 {
				t.Errorf("body closed: %t; %d requests", closed, requests)
			}
		})
	}
}

func isDeserializationError(err error) bool {
	var failed *smithy.DeserializationError
	return errors.As(err, &failed)
}

func isSizeError(err error) bool {
	var failed *lambdamicrovms.ResponseSizeError
	return errors.As(err, &failed) && failed.Limit == 16<<20
}

// An HTTP client of the caller's may be careless.
func TestCarelessHTTPClient(t *testing.T) {
	for name, r := range map[string]*http.Response{
		"no body":   {StatusCode: http.StatusOK},
		"no header": {StatusCode: http.StatusOK, Body: http.NoBody},
		"nothing":   {},
	} {
		client := stubbed(func(*http.Request) (*http.Response, error) { return r, nil })
		_, err := client.ListMicroVMs(context.Background(), nil)
		if (err == nil) != (r.StatusCode == http.StatusOK) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An interceptor that refuses an answer must not leave its body open.
func TestBodyIsClosedBehindInterceptors(t *testing.T) {
	refused := errors.New("refused")
	closed := false
	client := stubbed(func(*http.Request) (*http.Response, error) {
		r := answer(http.StatusOK, nil, "")
		r.Body = closing{strings.NewReader(`{}`), &closed}
		return r, nil
	}, func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterTransmit(refusing{refused}) })
	if _, err := client.ListMicroVMs(context.Background(), nil); !errors.Is(err, refused) || !closed {
		t.Errorf("error %v, body closed: %t", err, closed)
	}
}

type refusing struct{ err error }

func (r refusing) AfterTransmit(context.Context, *smithyhttp.InterceptorContext) error { return r.err }
