package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

func TestClientToken(t *testing.T) {
	var tokens []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		tokens = append(tokens, tokenOf(t, r))
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	in := updateInput()
	for range 2 {
		if _, err := client.UpdateMicroVMImage(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	}
	if len(tokens) != 2 || tokens[0] == "" || tokens[0] == tokens[1] {
		t.Errorf("tokens %q, want two that differ", tokens)
	}
	if diff := cmp.Diff(updateInput(), in); diff != "" {
		t.Errorf("the caller's input was changed, -before +after:\n%s", diff)
	}

	in.ClientToken = aws.String("mine")
	if _, err := client.UpdateMicroVMImage(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	if got := tokens[len(tokens)-1]; got != "mine" {
		t.Errorf("token %q, want the caller's", got)
	}
}

func TestTokenProvider(t *testing.T) {
	var got string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		got = tokenOf(t, r)
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	provider := func(token string, err error) func(*lambdamicrovms.Options) {
		return func(o *lambdamicrovms.Options) {
			o.IdempotencyTokenProvider = tokenFunc(func() (string, error) { return token, err })
		}
	}
	if _, err := client.UpdateMicroVMImage(context.Background(), updateInput(), provider("made", nil)); err != nil || got != "made" {
		t.Errorf("token %q, %v; want made", got, err)
	}
	broken := errors.New("broken")
	if _, err := client.UpdateMicroVMImage(context.Background(), updateInput(), provider("", broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// All middlewares see the same copy of an input with a client token. They see the
// caller's input itself if it has none.
func TestInputOfMiddlewares(t *testing.T) {
	var seen any
	client := stubbed(
		func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil },
		lambdamicrovms.WithAPIOptions(func(s *middleware.Stack) error {
			return s.Initialize.Add(middleware.InitializeMiddlewareFunc("see", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				seen = in.Parameters
				return next.HandleInitialize(ctx, in)
			}), middleware.Before)
		}),
	)
	update := updateInput()
	if _, err := client.UpdateMicroVMImage(context.Background(), update); err != nil {
		t.Fatal(err)
	}
	if copied, ok := seen.(*lambdamicrovms.UpdateMicroVMImageInput); !ok || copied == update || copied.ClientToken == nil {
		t.Errorf("middlewares see %T, the caller's own: %t", seen, seen == any(update))
	}
	list := &lambdamicrovms.ListMicroVMsInput{}
	if _, err := client.ListMicroVMs(context.Background(), list); err != nil {
		t.Fatal(err)
	}
	if seen != any(list) {
		t.Error("an input without a token was copied")
	}
}

func TestNilInput(t *testing.T) {
	client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil })
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Errorf("nil for an input without required members: %v", err)
	}
	_, err := client.UpdateMicroVMImage(context.Background(), nil)
	var invalid smithy.InvalidParamsError
	if !errors.As(err, &invalid) {
		t.Errorf("nil for an input with required members: %v", err)
	}
}

// Some values of path members are rejected even without validation, because they would
// change the path.
func TestPathLabels(t *testing.T) {
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s was sent", r.URL)
		return newResponse(http.StatusOK, nil, `{}`), nil
	}, func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone })
	for name, id := range map[string]*string{"nil": nil, "empty": aws.String(""), "dot": aws.String("."), "dots": aws.String("..")} {
		_, err := client.DeleteMicroVMImage(context.Background(), &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: id})
		var refused *smithy.SerializationError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "ImageIdentifier") {
			t.Errorf("%s: %v, want a SerializationError that names ImageIdentifier", name, err)
		}
	}
}

func TestResultMetadata(t *testing.T) {
	client := stubbed(func(*http.Request) (*http.Response, error) {
		return newResponse(http.StatusOK, http.Header{"X-Amzn-Requestid": {"request-1"}}, `{}`), nil
	})
	out, err := client.ListMicroVMs(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata); id != "request-1" {
		t.Errorf("request id %q", id)
	}
	if awsmiddleware.GetRawResponse(out.ResultMetadata) == nil {
		t.Error("no raw response")
	}
}

// facts returns what user code can learn about a call from its context.
func facts(ctx context.Context) []string {
	return []string{
		middleware.GetServiceID(ctx), middleware.GetOperationName(ctx),
		awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), awsmiddleware.GetRegion(ctx),
		fmt.Sprintf("%T", middleware.GetLogger(ctx)),
		fmt.Sprint(ctx.Value(ownKey{})),
		awsmiddleware.GetSigningName(ctx), //nolint:staticcheck // deprecated, but in use
	}
}

type (
	ownKey     struct{}
	testLogger struct{ logging.Nop }
)

func TestContext(t *testing.T) {
	var inClient, inCredentials []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		inClient = facts(r.Context())
		return newResponse(http.StatusOK, nil, `{}`), nil
	}, func(o *lambdamicrovms.Options) {
		o.Logger = testLogger{}
		o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			inCredentials = facts(ctx)
			return staticCredentials.Retrieve(ctx)
		})
	})
	// The call is made inside a call of another service, whose context values must not be
	// visible.
	ctx := context.WithValue(context.Background(), ownKey{}, "own")
	ctx = middleware.WithServiceID(ctx, "Outer")
	ctx = middleware.WithOperationName(ctx, "Outer")
	ctx = awsmiddleware.SetServiceID(ctx, "Outer")
	ctx = awsmiddleware.SetRegion(ctx, "eu-west-1")
	ctx = awsmiddleware.SetSigningName(ctx, "outer") //nolint:staticcheck // deprecated, but in use
	ctx = middleware.SetLogger(ctx, logging.Nop{})

	const service, operation = "Lambda Microvms", "ListMicrovms"
	want := func(region string) []string {
		return []string{service, operation, service, operation, region, "lambdamicrovms_test.testLogger", "own", ""}
	}
	for region, options := range map[string][]func(*lambdamicrovms.Options){
		"us-east-1": nil,
		"us-west-2": {func(o *lambdamicrovms.Options) { o.Region = "us-west-2" }},
	} {
		if _, err := client.ListMicroVMs(ctx, nil, options...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want(region), inClient); diff != "" {
			t.Errorf("in the HTTP client, -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(want(region), inCredentials); diff != "" {
			t.Errorf("in the credentials provider, -want +got:\n%s", diff)
		}
	}
}

func TestContextEnded(t *testing.T) {
	client := stubbed(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.ListMicroVMs(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// Options of a call apply only to that call.
func TestOptionsOfCall(t *testing.T) {
	var hosts []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host)
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	for _, options := range [][]func(*lambdamicrovms.Options){
		nil,
		{func(o *lambdamicrovms.Options) { o.Region = "us-west-2" }},
		{func(o *lambdamicrovms.Options) { o.BaseEndpoint = aws.String("https://own.example") }},
		nil,
	} {
		if _, err := client.ListMicroVMs(context.Background(), nil, options...); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"lambda.us-east-1.amazonaws.com", "lambda.us-west-2.amazonaws.com", "own.example", "lambda.us-east-1.amazonaws.com"}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestUserAgent(t *testing.T) {
	var got string
	do := func(r *http.Request) (*http.Response, error) {
		got = r.Header.Get("User-Agent")
		if strings.HasSuffix(r.URL.Path, "/microvms") || strings.HasSuffix(r.URL.Path, "/microvm-images") {
			return newResponse(http.StatusOK, nil, `{"items":[]}`), nil
		}
		return newResponse(http.StatusOK, nil, `{"state":"RUNNING"}`), nil
	}
	get := func(client *lambdamicrovms.Client, options ...func(*lambdamicrovms.Options)) error {
		_, err := client.ListMicroVMs(context.Background(), nil, options...)
		return err
	}
	tests := map[string]struct {
		call func() error
		want []string // words of the header; a word that ends in # is a prefix
		not  []string
	}{
		"plain": {
			func() error { return get(stubbed(do)) },
			[]string{"api/lambdamicrovms#"}, []string{"app/", "m/"},
		},
		"retry mode": {
			func() error { return get(stubbed(do, func(o *lambdamicrovms.Options) { o.Retryer = nil })) },
			[]string{"m/E"}, nil,
		},
		"adaptive": {
			func() error {
				return get(lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: httpFunc(do), RetryMode: aws.RetryModeAdaptive}))
			},
			[]string{"m/F"}, nil,
		},
		"application": {
			func() error { return get(stubbed(do, func(o *lambdamicrovms.Options) { o.AppID = "my app" })) },
			[]string{"app/my-app"}, nil,
		},
		"source of credentials": {
			func() error {
				return get(stubbed(do, func(o *lambdamicrovms.Options) { o.Credentials = sourcedCredentials{staticCredentials} }))
			},
			[]string{"m/g,s"}, nil,
		},
		"API option": {
			func() error {
				return get(stubbed(do), lambdamicrovms.WithAPIOptions(awsmiddleware.AddUserAgentKeyValue("tool", "7")))
			},
			[]string{"tool/7", "api/lambdamicrovms#"}, nil,
		},
		"paginator": {
			func() error {
				_, err := lambdamicrovms.NewListMicroVMsPaginator(stubbed(do), nil).NextPage(context.Background())
				return err
			},
			[]string{"m/C"}, nil,
		},
		"paginator with options": {
			func() error {
				_, err := lambdamicrovms.NewListMicroVMsPaginator(stubbed(do), nil).NextPage(context.Background(), func(o *lambdamicrovms.Options) { o.AppID = "app" })
				return err
			},
			[]string{"m/C", "app/app"}, nil,
		},
		"waiter": {
			func() error {
				in := &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")}
				return lambdamicrovms.NewMicroVMRunningWaiter(stubbed(do)).Wait(context.Background(), in, 1<<40)
			},
			[]string{"m/B"}, nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := test.call(); err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(got)
			for _, word := range test.want {
				if !slices.ContainsFunc(words, func(w string) bool {
					return w == word || strings.HasSuffix(word, "#") && strings.HasPrefix(w, word)
				}) {
					t.Errorf("no %s in %q", word, got)
				}
			}
			for _, prefix := range test.not {
				if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, prefix) }) {
					t.Errorf("a %s in %q", prefix, got)
				}
			}
		})
	}
}

// A User-Agent header that is already set is kept, after the SDK's own text.
func TestUserAgentOfInterceptor(t *testing.T) {
	var got []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		got = r.Header["User-Agent"]
		return newResponse(http.StatusOK, nil, `{}`), nil
	}, func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterSerialization(headerInterceptor{}) })
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "aws-sdk-go-v2/") || !strings.HasSuffix(got[0], " mine/1") {
		t.Errorf("User-Agent %q", got)
	}
}

type sourcedCredentials struct{ aws.CredentialsProvider }

func (sourcedCredentials) ProviderSources() []aws.CredentialSource {
	return []aws.CredentialSource{aws.CredentialSourceEnvVars, aws.CredentialSourceSSO}
}

// Many goroutines use one client, and no call sees data of another.
func TestConcurrentCalls(t *testing.T) {
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		return newResponse(http.StatusOK, http.Header{"X-Amzn-Requestid": {r.Header.Get("Amz-Sdk-Invocation-Id")}}, string(body)), nil
	})
	var calls sync.WaitGroup
	for i := range 16 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for j := range 20 {
				in := updateInput()
				in.Description = aws.String(fmt.Sprint(i, "/", j))
				var options []func(*lambdamicrovms.Options)
				if j%5 == 0 {
					options = append(options, func(o *lambdamicrovms.Options) { o.AppID = "own" })
				}
				out, err := client.UpdateMicroVMImage(context.Background(), in, options...)
				if err != nil {
					t.Error(err)
				} else if *out.Description != *in.Description {
					t.Errorf("the response of call %s came to call %s", *out.Description, *in.Description)
				}
			}
		}()
	}
	calls.Wait()
}
