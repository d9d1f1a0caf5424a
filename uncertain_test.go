package lambdamicrovms_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestUncertain(t *testing.T) {
	type step func(context.CancelFunc) (*http.Response, error)
	responds := func(r *http.Response) step {
		return func(context.CancelFunc) (*http.Response, error) { return r, nil }
	}
	fails := func(err error) step {
		return func(context.CancelFunc) (*http.Response, error) { return nil, err }
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	noProxy := &net.OpError{Op: "proxyconnect", Net: "tcp", Err: syscall.ECONNREFUSED}
	untrusted := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	canceled := func(cancel context.CancelFunc) (*http.Response, error) {
		cancel()
		return nil, context.Canceled
	}
	canceledInBody := func(status int) step {
		return func(cancel context.CancelFunc) (*http.Response, error) {
			cancel()
			return broken(status, `{"state`, context.Canceled), nil
		}
	}
	throttle := func() step { return responds(failure(429, "ThrottlingException")) }
	gateway := func() step { return responds(newResponse(502, nil, "<html>")) }
	busy := func() step { return responds(failure(409, "ConflictException")) }
	// drop is a middleware that discards the response.
	drop := func(at middleware.RelativePosition, keep bool) func(*lambdamicrovms.Options) {
		return lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("Drop", func(
				ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
			) (middleware.DeserializeOutput, middleware.Metadata, error) {
				_, metadata, err := next.HandleDeserialize(ctx, in)
				if !keep {
					err = errors.New("dropped by middleware")
				}
				return middleware.DeserializeOutput{}, metadata, err
			}), at)
		})
	}

	tests := map[string]struct {
		attempts []step
		input    func(*lambdamicrovms.UpdateMicroVMImageInput)
		option   func(*lambdamicrovms.Options)
		want     bool
	}{
		"refused":                      {attempts: []step{busy()}},
		"throttled to the end":         {attempts: []step{throttle(), throttle(), throttle()}},
		"redirected":                   {attempts: []step{responds(newResponse(307, http.Header{"Location": {"https://evil.example/"}}, ""))}},
		"refused and broken off":       {attempts: []step{responds(broken(404, `{"mess`, io.ErrUnexpectedEOF))}},
		"refused, canceled while read": {attempts: []step{canceledInBody(404)}},
		"no connection":                {attempts: []step{fails(refused), fails(refused), fails(refused)}},
		"no way to the proxy":          {attempts: []step{fails(noProxy), fails(noProxy), fails(noProxy)}},
		"wrong certificate":            {attempts: []step{fails(untrusted), fails(untrusted), fails(untrusted)}},
		"no credentials": {option: func(o *lambdamicrovms.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no credentials")
			})
		}},
		"invalid": {input: func(in *lambdamicrovms.UpdateMicroVMImageInput) { in.BuildRoleArn = nil }},

		"server errors":                   {attempts: []step{responds(failure(500, "InternalServerException")), throttle(), throttle()}, want: true},
		"gateway":                         {attempts: []step{gateway(), gateway(), gateway()}, want: true},
		"reset":                           {attempts: []step{fails(syscall.ECONNRESET), fails(syscall.ECONNRESET), fails(syscall.ECONNRESET)}, want: true},
		"reset, then refused":             {attempts: []step{fails(syscall.ECONNRESET), busy()}, want: true},
		"reset, then throttled":           {attempts: []step{fails(syscall.ECONNRESET), throttle(), throttle()}, want: true},
		"reset, then no connection":       {attempts: []step{fails(syscall.ECONNRESET), fails(refused), fails(refused)}, want: true},
		"throttled, then canceled":        {attempts: []step{throttle(), canceled}, want: true},
		"canceled on the way":             {attempts: []step{canceled}, want: true},
		"canceled while the body is read": {attempts: []step{canceledInBody(200)}, want: true},
		"success that cannot be read":     {attempts: []step{responds(newResponse(200, nil, `{"imageVersion": oops}`))}, want: true},
		"success that broke off, then refused": {
			attempts: []step{responds(broken(200, `{"imageVer`, io.ErrUnexpectedEOF)), busy()}, want: true,
		},
		"success that an interceptor refuses": {
			attempts: []step{responds(newResponse(200, nil, `{}`))}, want: true,
			option: func(o *lambdamicrovms.Options) {
				o.Interceptors.AfterExecution = append(o.Interceptors.AfterExecution, objector{})
			},
		},
		"success of a middleware's type": {
			attempts: []step{responds(newResponse(200, nil, `{}`))}, want: true,
			option: lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Else", func(
					ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
				) (middleware.InitializeOutput, middleware.Metadata, error) {
					_, metadata, err := next.HandleInitialize(ctx, in)
					return middleware.InitializeOutput{Result: "something else"}, metadata, err
				}), middleware.Before)
			}),
		},
		"reset without retries": {
			attempts: []step{fails(syscall.ECONNRESET)}, want: true,
			option: lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
				_, err := stack.Finalize.Remove("Retry")
				return err
			}),
		},
		"success that a middleware drops": {attempts: []step{responds(newResponse(200, nil, `{}`))}, want: true, option: drop(middleware.Before, false)},
		"reset that a middleware drops": {
			attempts: []step{fails(syscall.ECONNRESET), fails(syscall.ECONNRESET), fails(syscall.ECONNRESET)}, want: true, option: drop(middleware.After, true),
		},
		"refusal that a middleware drops": {attempts: []step{busy()}, option: drop(middleware.Before, false)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var token string
			sent := 0
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				token = tokenOf(t, r)
				sent++
				if sent > len(test.attempts) {
					t.Fatalf("attempt %d", sent)
				}
				return test.attempts[sent-1](cancel)
			}, eager)
			in := updateInput()
			if test.input != nil {
				test.input(in)
			}
			var options []func(*lambdamicrovms.Options)
			if test.option != nil {
				options = append(options, test.option)
			}
			_, err := client.UpdateMicroVMImage(ctx, in, options...)
			if err == nil || sent != len(test.attempts) {
				t.Fatalf("%d attempts, error %v; want %d and an error", sent, err, len(test.attempts))
			}
			if _, outermost := err.(*smithy.OperationError); !outermost {
				t.Errorf("%T in place of the operation's error", err)
			}
			var uncertain *lambdamicrovms.UncertainError
			if got := errors.As(err, &uncertain); got != test.want {
				t.Fatalf("uncertain is %t, want %t: %v", got, test.want, err)
			}
			if test.want && uncertain.ClientToken != token {
				t.Errorf("client token %q, sent was %q", uncertain.ClientToken, token)
			}
		})
	}
}

// objector is an interceptor that fails every call.
type objector struct{}

func (objector) AfterExecution(context.Context, *smithyhttp.InterceptorContext) error {
	return errors.New("refused by an interceptor")
}

func TestUncertainWithoutToken(t *testing.T) {
	reset := func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNRESET }
	client := stubbed(reset)
	ctx, image := context.Background(), updateInput().ImageIdentifier

	var uncertain *lambdamicrovms.UncertainError
	_, err := client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: image})
	if !errors.As(err, &uncertain) || uncertain.ClientToken != "" {
		t.Errorf("delete: %v, client token %q", err, uncertain.ClientToken)
	}
	if _, err = client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: image}); err == nil || errors.As(err, &uncertain) {
		t.Errorf("what only reads leaves no doubt: %v", err)
	}
}

// UncertainError changes neither the text nor what errors.As finds below it.
func TestUncertainChain(t *testing.T) {
	client := stubbed(func(*http.Request) (*http.Response, error) {
		r := failure(500, "InternalServerException")
		r.Header.Set("X-Amzn-Requestid", "the-request")
		return r, nil
	})
	_, err := client.UpdateMicroVMImage(context.Background(), updateInput())
	var (
		response *awshttp.ResponseError
		modeled  *types.InternalServerException
	)
	if !errors.As(err, &response) || response.HTTPStatusCode() != 500 || !errors.As(err, &modeled) {
		t.Errorf("%#v", err)
	}
	const want = "operation error Lambda Microvms: UpdateMicrovmImage, outcome unknown: " +
		"https response error StatusCode: 500, RequestID: the-request, InternalServerException: because"
	if err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}
