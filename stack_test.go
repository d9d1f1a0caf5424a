package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
)

// The IDs and their order are part of the API, because programs insert middleware by
// them.
func TestStacks(t *testing.T) {
	var b strings.Builder
	for _, form := range []struct {
		title  string
		option func(*lambdamicrovms.Options)
	}{
		{"without interceptors", func(*lambdamicrovms.Options) {}},
		{"with an interceptor", func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterExecution(&recorder{}) }},
	} {
		fmt.Fprintf(&b, "%s\n", form.title)
		for _, op := range readModel(t).Service.Operations {
			b.WriteString(stackOf(t, goName(op.ID.Name()), form.option))
		}
	}
	golden(t, "testdata/stacks.txt", b.String())
}

// stackOf returns the stack that the APIOptions of an operation see.
func stackOf(t *testing.T, method string, option func(*lambdamicrovms.Options)) string {
	t.Helper()
	var b strings.Builder
	seen := errors.New("seen")
	look := lambdamicrovms.WithAPIOptions(func(s *middleware.Stack) error {
		fmt.Fprintf(&b, "  %s\n", s.ID())
		for _, step := range []interface {
			ID() string
			List() []string
		}{s.Initialize, s.Serialize, s.Build, s.Finalize, s.Deserialize} {
			name, _, _ := strings.Cut(step.ID(), " ")
			fmt.Fprintf(&b, "    %-12s%s\n", name, strings.Join(step.List(), " "))
		}
		return seen
	})
	call := reflect.ValueOf(stubbed(nil)).MethodByName(method)
	results := call.Call([]reflect.Value{
		reflect.ValueOf(context.Background()), reflect.Zero(call.Type().In(1)), reflect.ValueOf(option), reflect.ValueOf(look),
	})
	if err, _ := results[1].Interface().(error); !errors.Is(err, seen) {
		t.Fatalf("%s: %v", method, err)
	}
	return b.String()
}

// recorder is an interceptor of all stages.
type recorder struct{ stages []string }

func (r *recorder) add(stage string) error {
	r.stages = append(r.stages, stage)
	return nil
}

func (r *recorder) BeforeExecution(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before execution")
}

func (r *recorder) BeforeSerialization(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before serialization")
}

func (r *recorder) AfterSerialization(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("after serialization")
}

func (r *recorder) BeforeRetryLoop(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before retry loop")
}

func (r *recorder) BeforeAttempt(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before attempt")
}

func (r *recorder) BeforeSigning(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before signing")
}

func (r *recorder) AfterSigning(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("after signing")
}

func (r *recorder) BeforeTransmit(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before transmit")
}

func (r *recorder) AfterTransmit(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("after transmit")
}

func (r *recorder) BeforeDeserialization(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("before deserialization")
}

func (r *recorder) AfterDeserialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	return r.add(fmt.Sprintf("after deserialization of %T", in.Output))
}

func (r *recorder) AfterAttempt(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("after attempt")
}

func (r *recorder) AfterExecution(context.Context, *smithyhttp.InterceptorContext) error {
	return r.add("after execution")
}

func (r *recorder) all() smithyhttp.InterceptorRegistry {
	return smithyhttp.InterceptorRegistry{
		BeforeExecution:       []smithyhttp.BeforeExecutionInterceptor{r},
		BeforeSerialization:   []smithyhttp.BeforeSerializationInterceptor{r},
		AfterSerialization:    []smithyhttp.AfterSerializationInterceptor{r},
		BeforeRetryLoop:       []smithyhttp.BeforeRetryLoopInterceptor{r},
		BeforeAttempt:         []smithyhttp.BeforeAttemptInterceptor{r},
		BeforeSigning:         []smithyhttp.BeforeSigningInterceptor{r},
		AfterSigning:          []smithyhttp.AfterSigningInterceptor{r},
		BeforeTransmit:        []smithyhttp.BeforeTransmitInterceptor{r},
		AfterTransmit:         []smithyhttp.AfterTransmitInterceptor{r},
		BeforeDeserialization: []smithyhttp.BeforeDeserializationInterceptor{r},
		AfterDeserialization:  []smithyhttp.AfterDeserializationInterceptor{r},
		AfterAttempt:          []smithyhttp.AfterAttemptInterceptor{r},
		AfterExecution:        []smithyhttp.AfterExecutionInterceptor{r},
	}
}

// Interceptors are called in the same way by a shared chain and by a stack for a single
// call.
func TestInterceptors(t *testing.T) {
	want := []string{
		"before execution", "before serialization", "after serialization", "before retry loop",
		"before attempt", "before signing", "after signing", "before transmit", "after transmit",
		"before deserialization", "after deserialization of *lambdamicrovms.ListMicroVMImagesOutput",
		"after attempt", "after execution",
	}
	do := func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil }
	for name, run := range map[string]func(*recorder) error{
		"of the client": func(r *recorder) error {
			client := stubbed(do, func(o *lambdamicrovms.Options) { o.Interceptors = r.all() })
			_, err := client.ListMicroVMImages(context.Background(), nil)
			return err
		},
		"of the call": func(r *recorder) error {
			_, err := stubbed(do).ListMicroVMImages(context.Background(), nil, func(o *lambdamicrovms.Options) { o.Interceptors = r.all() })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			if err := run(&r); err != nil {
				t.Fatal(err)
			}
			if got := r.stages; !reflect.DeepEqual(got, want) {
				t.Errorf("called %q\nwant   %q", got, want)
			}
		})
	}
}

// Programs insert and replace middleware by ID.
func TestAPIOptionsByID(t *testing.T) {
	for _, level := range []string{"client", "call"} {
		t.Run(level, func(t *testing.T) {
			var path, header []string
			do := func(r *http.Request) (*http.Response, error) {
				path, header = append(path, r.URL.Path), append(header, r.Header.Get("X-Mark"))
				return newResponse(http.StatusOK, nil, `{}`), nil
			}
			runs := 0
			option := lambdamicrovms.WithAPIOptions(func(s *middleware.Stack) error {
				runs++
				mark := fmt.Sprint("run ", runs)
				if err := s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("mark", func(
					ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
				) (middleware.FinalizeOutput, middleware.Metadata, error) {
					in.Request.(*smithyhttp.Request).Header.Set("X-Mark", mark)
					return next.HandleFinalize(ctx, in)
				}), "Signing", middleware.Before); err != nil {
					return err
				}
				_, err := s.Deserialize.Remove("RequestResponseLogger")
				return err
			})
			var client *lambdamicrovms.Client
			var callOptions []func(*lambdamicrovms.Options)
			if level == "client" {
				client = stubbed(do, option)
			} else {
				client, callOptions = stubbed(do), append(callOptions, option)
			}
			for range 2 {
				if _, err := client.ListMicroVMs(context.Background(), nil, callOptions...); err != nil {
					t.Fatal(err)
				}
			}
			if want := []string{"run 1", "run 2"}; !reflect.DeepEqual(header, want) {
				t.Errorf("headers %q, want %q: each call has a stack of its own", header, want)
			}
			if want := []string{"/2025-09-09/microvms", "/2025-09-09/microvms"}; !reflect.DeepEqual(path, want) {
				t.Errorf("paths %q, want %q", path, want)
			}

			if level == "call" { // and the next without it has none of it
				if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
					t.Fatal(err)
				}
				if got := header[len(header)-1]; got != "" || runs != 2 {
					t.Errorf("the option went on to a call without it: header %q, runs %d", got, runs)
				}
			}
		})
	}
}

// Programs written for official clients insert at IDs that do nothing here.
func TestInsertAtPlaceholders(t *testing.T) {
	for _, position := range []middleware.RelativePosition{middleware.Before, middleware.After} {
		var ran []string
		option := lambdamicrovms.WithAPIOptions(func(s *middleware.Stack) error {
			var failed error
			for _, id := range []string{"setOperationInput", "ResolveEndpoint"} {
				failed = errors.Join(failed, s.Serialize.Insert(middleware.SerializeMiddlewareFunc("at "+id, func(
					ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler,
				) (middleware.SerializeOutput, middleware.Metadata, error) {
					ran = append(ran, id)
					return next.HandleSerialize(ctx, in)
				}), id, position))
			}
			for _, id := range []string{"InterceptBeforeRetryLoop", "InterceptAttempt"} {
				failed = errors.Join(failed, s.Finalize.Insert(middleware.FinalizeMiddlewareFunc("at "+id, func(
					ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
				) (middleware.FinalizeOutput, middleware.Metadata, error) {
					ran = append(ran, id)
					return next.HandleFinalize(ctx, in)
				}), id, position))
			}
			return failed
		})
		client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil }, option)
		if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if want := []string{"setOperationInput", "ResolveEndpoint", "InterceptBeforeRetryLoop", "InterceptAttempt"}; !reflect.DeepEqual(ran, want) {
			t.Errorf("position %v: ran %q, want %q", position, ran, want)
		}
	}
}

func TestAPIOptionFails(t *testing.T) {
	broken := errors.New("broken")
	client := stubbed(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	_, err := client.ListMicroVMs(context.Background(), nil, lambdamicrovms.WithAPIOptions(func(*middleware.Stack) error { return broken }))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// A middleware may return an output without calling the service, but only the operation's
// own output type.
func TestMiddlewareResponds(t *testing.T) {
	for name, test := range map[string]struct {
		result any
		ok     bool
	}{
		"output":             {&lambdamicrovms.ListMicroVMsOutput{}, true},
		"output of another":  {&lambdamicrovms.ListTagsOutput{}, false},
		"nothing":            {nil, false},
		"output by value":    {lambdamicrovms.ListMicroVMsOutput{}, false},
		"something entirely": {"else", false},
	} {
		t.Run(name, func(t *testing.T) {
			option := lambdamicrovms.WithAPIOptions(func(s *middleware.Stack) error {
				return s.Initialize.Add(middleware.InitializeMiddlewareFunc("respond", func(
					context.Context, middleware.InitializeInput, middleware.InitializeHandler,
				) (middleware.InitializeOutput, middleware.Metadata, error) {
					return middleware.InitializeOutput{Result: test.result}, middleware.Metadata{}, nil
				}), middleware.Before)
			})
			out, err := stubbed(nil).ListMicroVMs(context.Background(), nil, option)
			if (err == nil) != test.ok || (out != nil) != test.ok {
				t.Errorf("got %v, %v", out, err)
			}
		})
	}
}

// headerInterceptor sets a User-Agent header.
type headerInterceptor struct{}

func (headerInterceptor) AfterSerialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	in.Request.Header.Set("User-Agent", "mine/1")
	return nil
}
