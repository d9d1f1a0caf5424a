package lambdamicrovms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

func retryingClient(do doFunc, optFns ...func(*Options)) *Client {
	return New(Options{
		Region:     "us-east-1",
		HTTPClient: do,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "SESSION"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, optFns...)
}

// ways are the two ways of a call: a shared chain, and a stack for this call.
var ways = map[string][]func(*Options){
	"shared": nil,
	"own":    {func(*Options) {}},
}

// Changes that an HTTP client or a signer makes to a request are not in the next attempt.
func TestAttemptsAreApart(t *testing.T) {
	for name, options := range ways {
		t.Run(name, func(t *testing.T) {
			var sent []string
			client := retryingClient(func(r *http.Request) (*http.Response, error) {
				header := r.Header.Clone()
				for _, own := range []string{"Authorization", "X-Amz-Date", "Amz-Sdk-Request"} {
					if len(header[own]) != 1 {
						t.Errorf("attempt %d: %s %q", len(sent)+1, own, header[own])
					}
					delete(header, own)
				}
				body := make([]byte, r.ContentLength)
				if len(sent) == 0 {
					body = body[:len(body)/2] // leave a part unread
				}
				if _, err := io.ReadFull(r.Body, body); err != nil {
					t.Error(err)
				}
				sent = append(sent, fmt.Sprint(r.Method, r.Host, r.URL, r.ContentLength, header))
				if len(sent) == 2 {
					if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
						t.Errorf("after the body: %d bytes, %v", n, err)
					}
					return empty(r)
				}
				for name, values := range r.Header {
					values[0] += " spoilt"
					r.Header[name] = append(values, "more")
				}
				r.Header.Set("X-Left", "over")
				r.Header.Del("Content-Type")
				r.URL.Path, r.URL.RawPath, r.URL.Host, r.URL.RawQuery = "/", "", "elsewhere", "a=b"
				r.Method, r.Host, r.ContentLength = "GET", "elsewhere", 7
				return nil, errors.New("connection reset")
			}, func(o *Options) { o.HTTPSignerV4 = spoilingSigner{v4.NewSigner()} })
			in := strictUpdateInput()
			in.ClientToken = aws.String("token")
			if _, err := client.UpdateMicroVMImage(context.Background(), in, options...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
				t.Errorf("-first +second attempt:\n%s", diff)
			}
		})
	}
}

// spoilingSigner signs, and appends to slices that belong to the client.
type spoilingSigner struct{ *v4.Signer }

func (s spoilingSigner) SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, hash, service, region string, at time.Time, optFns ...func(*v4.SignerOptions)) error {
	r.Header.Add("X-Signer", "was here")
	optFns = append(optFns, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return s.Signer.SignHTTP(ctx, credentials, r, hash, service, region, at, optFns...)
}

// Calls reuse memory: no call may see data of another. An HTTP client that still reads a
// body after its call gets no more data.
func TestCallsShareNothing(t *testing.T) {
	input := func(name string) (in *UpdateMicroVMImageInput, body []byte) {
		in = strictUpdateInput()
		in.ClientToken = aws.String(name)
		in.EnvironmentVariables = map[string]string{"NAME": strings.Repeat(name, 2000)}
		var w restjson.Writer
		in.encodeBody(&w)
		return in, w.Bytes()
	}
	var (
		late   sync.WaitGroup
		mu     sync.Mutex
		bodies []io.Reader
	)
	client := retryingClient(func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			if r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
				t.Errorf("%s %s without a body: %d bytes, %s", r.Method, r.URL.Path, r.ContentLength, r.Header.Get("Content-Type"))
			}
			return empty(r)
		}
		_, want := input(r.Context().Value(nameKey{}).(string))
		begun := make(chan struct{})
		late.Add(1)
		go func() { // it reads on after the response
			defer late.Done()
			got := make([]byte, 100)
			_, err := io.ReadFull(r.Body, got)
			close(begun)
			rest, restErr := io.ReadAll(r.Body)
			if got = append(got, rest...); !bytes.HasPrefix(want, got) || err != nil || restErr != nil {
				t.Errorf("want a part of %.200q, sent %.200q, %v, %v", want, got, err, restErr)
			}
		}()
		<-begun
		mu.Lock()
		bodies = append(bodies, r.Body)
		third := len(bodies)%3 == 0
		mu.Unlock()
		if third && strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1;") {
			return nil, errors.New("connection reset")
		}
		return empty(r)
	}, func(o *Options) { o.HTTPSignerV4 = spoilingSigner{v4.NewSigner()} })
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 50 {
				name := string([]byte{'a' + byte(worker), 'a' + byte(i%26)})
				in, _ := input(name)
				ctx := context.WithValue(context.Background(), nameKey{}, name)
				if _, err := client.UpdateMicroVMImage(ctx, in); err != nil {
					t.Error(err)
				}
				if _, err := client.ListMicroVMs(ctx, nil); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	late.Wait()
	for _, body := range bodies {
		if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("a body is read after its call: %d bytes, %v", n, err)
		}
	}
}

type nameKey struct{}

// directTransport must behave like smithyhttp.ClientHandler.
func TestDirectTransport(t *testing.T) {
	refused := errors.New("connection refused")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	bodyOf := func(stream func() io.Reader) func(*smithyhttp.Request) *smithyhttp.Request {
		return func(r *smithyhttp.Request) *smithyhttp.Request {
			r, err := r.SetStream(stream())
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	hostOf := func(host string) func(*smithyhttp.Request) *smithyhttp.Request {
		return func(r *smithyhttp.Request) *smithyhttp.Request {
			r.Host = host
			return r
		}
	}
	for name, test := range map[string]struct {
		ctx     context.Context
		prepare func(*smithyhttp.Request) *smithyhttp.Request
		do      doFunc
	}{
		"no body":             {do: empty},
		"body":                {prepare: bodyOf(func() io.Reader { return &requestBody{data: []byte("body")} }), do: empty},
		"body of another":     {prepare: bodyOf(func() io.Reader { return strings.NewReader("body") }), do: empty},
		"host":                {prepare: hostOf("example.com:8080"), do: empty},
		"no host":             {prepare: hostOf("exa mple"), do: empty},
		"no response":         {do: func(*http.Request) (*http.Response, error) { return nil, nil }},
		"no connection":       {do: func(*http.Request) (*http.Response, error) { return nil, refused }},
		"response and error":  {do: func(r *http.Request) (*http.Response, error) { a, _ := empty(r); return a, refused }},
		"canceled":            {ctx: canceled, do: func(*http.Request) (*http.Response, error) { return nil, context.Canceled }},
		"canceled, no matter": {ctx: canceled, do: empty},
	} {
		t.Run(name, func(t *testing.T) {
			type outcome struct {
				Request, Body, After, Response, Err string
				SendError, Canceled                 bool
			}
			run := func(transport func(HTTPClient) middleware.Handler) (o outcome) {
				request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
				request.Method, request.URL.Path, request.URL.Host = "PUT", "/path", "example.com"
				request.Header.Set("X-Name", "value")
				if test.prepare != nil {
					request = test.prepare(request)
				}
				ctx := test.ctx
				if ctx == nil {
					ctx = context.Background()
				}
				var sent *http.Request
				out, metadata, err := transport(doFunc(func(r *http.Request) (*http.Response, error) {
					sent = r
					o.Request = fmt.Sprint(r.Method, r.URL, r.Host, r.Header, r.ContentLength, r.Context() == ctx)
					if r.Body != nil {
						body, err := io.ReadAll(r.Body)
						o.Body = fmt.Sprintf("%s %v", body, err)
					}
					return test.do(r)
				})).Handle(ctx, request)
				if sent != nil && sent.Body != nil {
					n, err := sent.Body.Read(make([]byte, 1))
					o.After = fmt.Sprint(n, err)
				}
				response, _ := out.(*smithyhttp.Response)
				if response != nil {
					o.Response = fmt.Sprintf("%d %v %T", response.StatusCode, response.Header, response.Body)
				}
				var send *smithyhttp.RequestSendError
				var ended *smithy.CanceledError
				o.Err, o.SendError, o.Canceled = fmt.Sprint(err, metadata), errors.As(err, &send), errors.As(err, &ended)
				return o
			}
			want := run(func(c HTTPClient) middleware.Handler { return smithyhttp.NewClientHandlerWithOptions(c) })
			got := run(func(c HTTPClient) middleware.Handler {
				return &directTransport{client: c, general: smithyhttp.NewClientHandlerWithOptions(c)}
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-smithy-go's +direct:\n%s", diff)
			}
		})
	}
}

// Defaults that are filled in at first use equal those that option functions see.
func TestDefaultsAreMadeOnce(t *testing.T) {
	early := New(Options{Region: "us-east-1"}, func(*Options) {}).Options()
	client := New(Options{Region: "us-east-1"})
	var wait sync.WaitGroup
	options := make([]Options, 4)
	for i := range options {
		wait.Add(1)
		go func() {
			defer wait.Done()
			options[i] = client.Options()
		}()
	}
	wait.Wait()
	for _, o := range options {
		if o.Retryer == nil || o.HTTPClient == nil || o.HTTPSignerV4 == nil || o.Retryer != options[0].Retryer || o.HTTPSignerV4 != options[0].HTTPSignerV4 {
			t.Errorf("%v and %v are not the same options", o.Retryer, options[0].Retryer)
		}
		for _, types := range [][2]any{{o.Retryer, early.Retryer}, {o.HTTPClient, early.HTTPClient}, {o.HTTPSignerV4, early.HTTPSignerV4}} {
			if fmt.Sprintf("%T", types[0]) != fmt.Sprintf("%T", types[1]) {
				t.Errorf("a %T, and a %T for option functions", types[0], types[1])
			}
		}
	}
}
