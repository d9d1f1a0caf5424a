package lambdamicrovms

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// tracedStack is a stack of middlewares that record when they are entered and left.
func tracedStack(trace *[]string) *middleware.Stack {
	enter := func(id string) func() {
		*trace = append(*trace, id)
		return func() { *trace = append(*trace, "/"+id) }
	}
	s := middleware.NewStack("traced", smithyhttp.NewStackRequest)
	for i := range 3 {
		id := fmt.Sprint(i)
		_ = s.Initialize.Add(middleware.InitializeMiddlewareFunc("i"+id, func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			defer enter("i" + id + " " + in.Parameters.(string))()
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
		_ = s.Serialize.Add(middleware.SerializeMiddlewareFunc("s"+id, func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
			defer enter("s" + id + " " + in.Parameters.(string))()
			in.Request.(*smithyhttp.Request).Header.Add("X-Trace", id)
			return next.HandleSerialize(ctx, in)
		}), middleware.After)
		_ = s.Build.Add(middleware.BuildMiddlewareFunc("b"+id, func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
			defer enter("b" + id)()
			return next.HandleBuild(ctx, in)
		}), middleware.After)
		_ = s.Finalize.Add(middleware.FinalizeMiddlewareFunc("f"+id, func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			defer enter("f" + id)()
			return next.HandleFinalize(ctx, in)
		}), middleware.After)
		_ = s.Deserialize.Add(middleware.DeserializeMiddlewareFunc("d"+id, func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			defer enter("d" + id)()
			out, metadata, err := next.HandleDeserialize(ctx, in)
			out.Result = fmt.Sprintf("%v %v", out.RawResponse, id)
			return out, metadata, err
		}), middleware.After)
	}
	_ = s.Build.Add(newUserAgent(&Options{}, featureNone), middleware.After)
	return s
}

// A chain must do the same as its stack.
func TestChainIsTheStack(t *testing.T) {
	run := func(wrap func(*middleware.Stack, middleware.Handler) middleware.Handler) (trace []string) {
		transport := middleware.HandlerFunc(func(_ context.Context, in any) (any, middleware.Metadata, error) {
			header := in.(*smithyhttp.Request).Header
			trace = append(trace, fmt.Sprint("sent ", header["X-Trace"], header["User-Agent"]))
			var metadata middleware.Metadata
			metadata.Set("key", "metadata")
			return "response", metadata, io.ErrNoProgress
		})
		out, metadata, err := wrap(tracedStack(&trace), transport).Handle(context.Background(), "input")
		return append(trace, fmt.Sprint(out, " ", metadata.Get("key"), " ", err))
	}
	want := run(func(s *middleware.Stack, h middleware.Handler) middleware.Handler {
		return middleware.DecorateHandler(h, s)
	})
	got := run(func(s *middleware.Stack, h middleware.Handler) middleware.Handler {
		c, err := compile(s, smithyhttp.NewStackRequest, h)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
	if diff := cmp.Diff(want, got); diff != "" || len(got) < 30 {
		t.Errorf("-stack +chain:\n%s", diff)
	}
}

// A compiled chain leaves out placeholders, so that they cost nothing.
func TestChainLeavesOutIdleMiddlewares(t *testing.T) {
	noop := metrics.NopMeterProvider{}
	for name, test := range map[string]struct {
		interceptors smithyhttp.InterceptorRegistry
		idle         []string
	}{
		"without interceptors": {idle: []string{"setOperationInput", "ResolveEndpoint", "InterceptBeforeRetryLoop", "InterceptAttempt"}},
		"with one": {
			interceptors: smithyhttp.InterceptorRegistry{BeforeAttempt: []smithyhttp.BeforeAttemptInterceptor{nil}},
			idle:         []string{"setOperationInput", "ResolveEndpoint", "InterceptBeforeRetryLoop"},
		},
	} {
		options := &Options{
			HTTPClient: doFunc(empty), EndpointResolverV2: NewDefaultEndpointResolverV2(),
			TracerProvider: &tracing.NopTracerProvider{}, MeterProvider: noop, Interceptors: test.interceptors,
		}
		s, err := newSettings(options, nil)
		if err != nil {
			t.Fatal(err)
		}
		stack := assemble(s, &listMicroVMs, featureNone)
		list := func() []string { return append(stack.Serialize.List(), stack.Finalize.List()...) }
		want := slices.DeleteFunc(list(), func(id string) bool { return slices.Contains(test.idle, id) })
		if _, err := compile(stack, smithyhttp.NewStackRequest, s.transport); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, list()); diff != "" {
			t.Errorf("%s: -want +compiled:\n%s", name, diff)
		}
	}
}

func TestCompileNeedsUserAgent(t *testing.T) {
	if _, err := compile(middleware.NewStack("empty", smithyhttp.NewStackRequest), nil, nil); err == nil {
		t.Error("a stack without the SDK's UserAgent was compiled")
	}
}

func chainClient(do doFunc) *Client {
	return New(Options{Region: "us-east-1", HTTPClient: do, Retryer: aws.NopRetryer{}})
}

// Plain calls, pages and polls each have a shared chain. Calls with options do not share
// one.
func TestChainsAreKept(t *testing.T) {
	c := chainClient(empty)
	kept := func() (names []string) {
		for slot := range c.chains {
			for feature := range c.chains[slot] {
				if p := c.chains[slot][feature].Load(); p != nil {
					names = append(names, fmt.Sprint(p.operation, feature))
				}
			}
		}
		slices.Sort(names)
		return names
	}
	ctx := context.Background()
	for range 2 {
		if _, err := c.ListMicroVMs(ctx, nil, func(*Options) {}); err != nil {
			t.Fatal(err)
		}
	}
	if got := kept(); got != nil {
		t.Errorf("calls with options left %v", got)
	}
	for range 2 {
		_, plain := c.ListMicroVMs(ctx, nil)
		_, page := NewListMicroVMsPaginator(c, nil).NextPage(ctx)
		_, poll := c.ListTags(withFeature(ctx, featureWaiter), &ListTagsInput{Resource: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:web")})
		if plain != nil || page != nil || poll != nil {
			t.Fatal(plain, page, poll)
		}
	}
	if diff := cmp.Diff([]string{"ListMicrovms0", "ListMicrovms2", "ListTags1"}, kept()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A shared chain and a stack of a single call must send the same requests.
func TestBothWaysSendTheSame(t *testing.T) {
	var sent []string
	c := chainClient(func(r *http.Request) (*http.Response, error) {
		var b strings.Builder
		r.Header.Del("Amz-Sdk-Invocation-Id") // random
		fmt.Fprintln(&b, r.Method, r.URL, r.ContentLength)
		_ = r.Header.Write(&b)
		if r.Body != nil {
			_, _ = io.Copy(&b, r.Body)
		}
		sent = append(sent, b.String())
		return empty(r)
	})
	noop := func(*Options) {}
	for name, call := range map[string]func(context.Context, ...func(*Options)) error{
		"body": func(ctx context.Context, o ...func(*Options)) error {
			in := strictUpdateInput()
			in.ClientToken = aws.String("token")
			_, err := c.UpdateMicroVMImage(ctx, in, o...)
			return err
		},
		"query": func(ctx context.Context, o ...func(*Options)) error {
			_, err := c.ListMicroVMs(ctx, &ListMicroVMsInput{NextToken: aws.String("a=b c"), MaxResults: aws.Int32(7)}, o...)
			return err
		},
	} {
		for _, feature := range []callFeature{featureNone, featureWaiter, featurePaginator} {
			sent = nil
			ctx := withFeature(context.Background(), feature)
			if err := call(ctx); err != nil {
				t.Fatal(err)
			}
			if err := call(ctx, noop); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sent[0], sent[1]); diff != "" {
				t.Errorf("%s, feature %d: -shared +own:\n%s", name, feature, diff)
			}
		}
	}
}

// The feature of a call must not mark calls that user code makes inside it.
func TestFeatureIsOfOneCall(t *testing.T) {
	var agents []string
	inner := chainClient(func(r *http.Request) (*http.Response, error) {
		agents = append(agents, r.UserAgent())
		return empty(r)
	})
	outer := chainClient(func(r *http.Request) (*http.Response, error) {
		agents = append(agents, r.UserAgent())
		if _, err := inner.ListMicroVMs(r.Context(), nil); err != nil {
			return nil, err
		}
		return empty(r)
	})
	if _, err := outer.ListMicroVMs(withFeature(context.Background(), featureWaiter), nil); err != nil {
		t.Fatal(err)
	}
	if len(agents) != 2 || !strings.HasSuffix(agents[0], " m/B") || strings.Contains(agents[1], " m/") {
		t.Errorf("User-Agents %q, want only the first marked", agents)
	}
}

func TestPartitionWithout(t *testing.T) {
	for _, test := range []struct {
		partition       partition.Partition
		fips, dualStack bool
		want            string
	}{
		{partition.Partition{Name: "old", NoFIPS: true}, true, false, "FIPS is enabled but this partition does not support FIPS: old"},
		{partition.Partition{Name: "old", NoDualStack: true}, false, true, "DualStack is enabled but this partition does not support DualStack: old"},
		{partition.Partition{Name: "old", NoFIPS: true}, true, true, "FIPS and DualStack are enabled, but this partition does not support one or both: old"},
		{partition.Partition{Name: "old", NoDualStack: true}, true, true, "FIPS and DualStack are enabled, but this partition does not support one or both: old"},
	} {
		if _, err := serviceHost(test.partition, "r", test.fips, test.dualStack); err == nil || err.Error() != "endpoint rule error, "+test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	if host, err := serviceHost(partition.Partition{DNSSuffix: "x", NoFIPS: true, NoDualStack: true}, "r", false, false); err != nil || host != "lambda.r.x" {
		t.Errorf("got %s, %v", host, err)
	}
}

// smithy-go's wrapper returns io.EOF from WriteTo, which makes net/http drop the
// connection.
func TestRequestBodyHasNoWriteTo(t *testing.T) {
	var body any = &requestBody{}
	if _, ok := body.(io.WriterTo); ok {
		t.Error("the request body has a WriteTo")
	}
}

func TestRequestBodySeek(t *testing.T) {
	b := &requestBody{data: []byte("0123456789")}
	for _, test := range []struct {
		offset int64
		whence int
		want   string // what is left to read, or an error
	}{
		{3, io.SeekStart, "3456789"},
		{-2, io.SeekEnd, "89"},
		{0, io.SeekEnd, ""},
		{0, io.SeekStart, "0123456789"},
		{-1, io.SeekStart, "error"},
		{1, io.SeekEnd, "error"},
	} {
		at, err := b.Seek(test.offset, test.whence)
		left := b.Len()
		rest, _ := io.ReadAll(b)
		if got := string(rest); err != nil && test.want != "error" || err == nil && (got != test.want || left != len(got) || at != int64(10-left)) {
			t.Errorf("Seek(%d, %d) = %d, %v; left %q, %d", test.offset, test.whence, at, err, got, left)
		}
	}
	if _, err := b.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if at, err := b.Seek(-1, io.SeekCurrent); at != 3 || err != nil {
		t.Errorf("Seek(-1, current) = %d, %v", at, err)
	}
	if _, err := b.Seek(0, 7); err == nil {
		t.Error("an unknown whence is accepted")
	}
}

// A pooled encoder must behave like a new one, also after a failure.
func TestRequestEncoderIsReused(t *testing.T) {
	in := strictUpdateInput()
	for range 2 {
		e := newRequestEncoder()
		(&DeleteMicroVMImageInput{}).serialize(e)
		in.serialize(e)
		e.release()
	}
	e := newRequestEncoder()
	defer e.release()
	if e.err != nil || e.hasBody || len(e.path)+len(e.escapedPath)+len(e.query)+len(e.body.Bytes()) > 0 {
		t.Errorf("left over: %v %t %q %q %q %q", e.err, e.hasBody, e.path, e.escapedPath, e.query, e.body.Bytes())
	}
}
