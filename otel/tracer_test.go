package otel_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/tracing"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	microvmotel "github.com/microvm-go/lambdamicrovms/otel"
	"github.com/microvm-go/lambdamicrovms/session"
)

// traced returns a server, its client, and a recorder of the client's spans, which have
// the server's time.
func traced(t testing.TB, opts ...fake.Option) (*fake.Server, *lambdamicrovms.Client, *tracetest.SpanRecorder) {
	t.Helper()
	srv := fake.New(t, opts...)
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
		o.TracerProvider = microvmotel.TracerProvider(provider, func(o *microvmotel.TracerOptions) { o.Clock = srv.Clock() })
	})
	return srv, client, recorder
}

// attributes returns the attributes of the first span with the name.
func attributes(t *testing.T, recorder *tracetest.SpanRecorder, name string) map[string]any {
	t.Helper()
	for _, s := range recorder.Ended() {
		if s.Name() == name {
			return values(s.Attributes())
		}
	}
	t.Fatalf("no span %q", name)
	return nil
}

func values(list []attribute.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range list {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

// A call has the attributes of official clients and those of the semantic conventions.
func TestCall(t *testing.T) {
	_, client, recorder := traced(t)
	out, err := client.ListMicroVMs(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := attributes(t, recorder, "Lambda Microvms.ListMicrovms")
	id, _ := got["aws.request_id"].(string)
	if id == "" {
		t.Errorf("no request ID in %v; metadata %v", got, out.ResultMetadata)
	}
	want := map[string]any{
		"rpc.system": "aws-api", "rpc.system.name": "aws-api", "rpc.service": "Lambda Microvms", "rpc.method": "ListMicrovms",
		"error": false, "aws.request_id": id,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	want = map[string]any{"operation.attempt": int64(1), "aws.request_id": id}
	if diff := cmp.Diff(want, attributes(t, recorder, "Attempt")); diff != "" {
		t.Errorf("attempt (-want +got):\n%s", diff)
	}
	request := attributes(t, recorder, "DoHTTPRequest")
	for name, want := range map[string]any{
		"http.method": http.MethodGet, "http.request.method": http.MethodGet,
		"http.status_code": int64(200), "http.response.status_code": int64(200),
	} {
		if request[name] != want {
			t.Errorf("%s is %v, want %v", name, request[name], want)
		}
	}
	for _, s := range recorder.Ended() {
		kind := trace.SpanKindInternal
		if s.Name() == "Lambda Microvms.ListMicrovms" {
			kind = trace.SpanKindClient
		}
		if s.SpanKind() != kind || s.InstrumentationScope().Name != "github.com/microvm-go/lambdamicrovms" {
			t.Errorf("span %s: kind %v, scope %v", s.Name(), s.SpanKind(), s.InstrumentationScope())
		}
	}
}

// The status of a failed call says why, without secrets.
func TestFailedCall(t *testing.T) {
	srv, client, recorder := traced(t)
	srv.Inject(fake.ServerError{})
	_, err := client.ListMicroVMs(context.Background(), nil, func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 1 })
	if err == nil {
		t.Fatal("no error")
	}
	ended := recorder.Ended()
	whole := ended[len(ended)-1]
	if whole.Status().Code != codes.Error || !strings.Contains(whole.Status().Description, "InternalServerException") {
		t.Errorf("status %+v", whole.Status())
	}
	got := values(whole.Attributes())
	if got["error"] != true || got["api.error_code"] != "InternalServerException" || got["error.type"] != "InternalServerException" {
		t.Errorf("attributes %v", got)
	}
}

// deployment returns a deployment of dir whose upload takes 4 seconds.
func deployment(t testing.TB, dir string, clock lambdamicrovms.Clock) images.Deployment {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("shop"),
			BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		},
		Dir: dir,
		Uploader: images.UploaderFunc(func(ctx context.Context, name string, _ io.ReadSeeker, _ int64) (string, error) {
			return "s3://bucket/" + name, clock.Sleep(ctx, 4*time.Second)
		}),
	}
}

// tree returns a line for each span down to the calls, indented below its parent, in the
// order of their starts.
func tree(recorder *tracetest.SpanRecorder) []string {
	var lines []string
	depth := map[trace.SpanID]int{}
	inCall := map[trace.SpanID]bool{}
	for _, s := range recorder.Started() {
		id, parent := s.SpanContext().SpanID(), s.Parent().SpanID()
		if s.Parent().IsValid() {
			depth[id] = depth[parent] + 1
		}
		isCall := strings.HasPrefix(s.Name(), lambdamicrovms.ServiceID+".")
		inCall[id] = inCall[parent] || isCall
		if !inCall[parent] {
			lines = append(lines, strings.Repeat("  ", depth[id])+s.Name())
		}
	}
	return lines
}

// A deployment is one trace: its steps, and below them their calls.
func TestDeployIsOneTrace(t *testing.T) {
	srv, client, recorder := traced(t)
	_, err := images.Deploy(context.Background(), client, deployment(t, t.TempDir(), srv.Clock()), steady)
	if err != nil {
		t.Fatal(err)
	}
	traces := map[trace.TraceID]bool{}
	for _, s := range recorder.Started() {
		traces[s.SpanContext().TraceID()] = true
	}
	if len(traces) != 1 {
		t.Errorf("%d traces", len(traces))
	}
	if started, ended := len(recorder.Started()), len(recorder.Ended()); started != ended {
		t.Errorf("%d spans have started, %d have ended", started, ended)
	}
	lines := tree(recorder)
	for _, want := range []string{
		"images.Deploy", "  hash", "  find", "    Lambda Microvms.ListMicrovmImages", "  zip", "  upload",
		"  create", "    Lambda Microvms.CreateMicrovmImage", "  wait for build", "    Lambda Microvms.GetMicrovmImageVersion",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no span %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if got := attributes(t, recorder, "images.Deploy")["lambdamicrovms.image"]; got != "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop" {
		t.Errorf("image %v", got)
	}
}

// steady polls without jitter.
func steady(o *images.DeployOptions) { o.MinDelay, o.MaxDelay = 15*time.Second, 15*time.Second }

// All spans of a session are below the span of the caller.
func TestSessionBelowTheCaller(t *testing.T) {
	srv, client, recorder := traced(t)
	result, err := images.Deploy(context.Background(), client, deployment(t, t.TempDir(), srv.Clock()))
	if err != nil {
		t.Fatal(err)
	}
	recorder.Reset()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	ctx, caller := provider.Tracer("test").Start(context.Background(), "caller")
	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &result.Image})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	caller.End()
	var steps []string
	for _, line := range tree(recorder) {
		if !strings.Contains(line, lambdamicrovms.ServiceID) {
			steps = append(steps, line)
		}
	}
	if diff := cmp.Diff([]string{"caller", "  session.Run", "    start", "    wait", "  terminate"}, steps); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// smithy-go keeps the spans of a context in a list and appends to it. Concurrent calls
// below several spans must not share its array; the race detector sees it.
func TestConcurrentCallsBelowSpans(t *testing.T) {
	_, client, recorder := traced(t)
	tracer := client.Options().TracerProvider.Tracer("test")
	ctx := context.Background()
	ctx, _ = tracer.StartSpan(ctx, "outer 1")
	ctx, _ = tracer.StartSpan(ctx, "outer 2")
	ctx, _ = tracer.StartSpan(ctx, "outer 3")
	outer, _ := tracing.GetSpan(ctx)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := client.ListMicroVMs(ctx, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	calls := 0
	for _, s := range recorder.Ended() {
		if s.Name() == "Lambda Microvms.ListMicrovms" {
			calls++
			if s.Parent().SpanID().String() != outer.Context().SpanID {
				t.Errorf("the parent is %v, want %v", s.Parent().SpanID(), outer.Context().SpanID)
			}
		}
	}
	if calls != 8 {
		t.Errorf("%d calls", calls)
	}
}

func TestSpan(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := microvmotel.TracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	tracer := provider.Tracer("scope", func(o *tracing.TracerOptions) { o.Properties.Set("tracer", "own") })
	kinds := map[tracing.SpanKind]trace.SpanKind{
		tracing.SpanKindInternal: trace.SpanKindInternal, tracing.SpanKindClient: trace.SpanKindClient,
		tracing.SpanKindServer: trace.SpanKindServer, tracing.SpanKindProducer: trace.SpanKindProducer,
		tracing.SpanKindConsumer: trace.SpanKindConsumer,
	}
	for from, want := range kinds {
		recorder.Reset()
		_, s := tracer.StartSpan(context.Background(), "name", func(o *tracing.SpanOptions) {
			o.Kind = from
			o.Properties.Set("start", 1)
		})
		for key, value := range map[any]any{
			"text": "a", "flag": true, "int": 1, "int32": int32(2), "int64": int64(3), "float": 1.5,
			"texts": []string{"a"}, "ints": []int{1}, "int64s": []int64{1}, "floats": []float64{1}, "flags": []bool{true},
			"other": 3 * time.Second, time.Minute: "key",
		} {
			s.SetProperty(key, value)
		}
		s.AddEvent("event", func(o *tracing.EventOptions) { o.Properties.Set("in", "event") })
		s.SetStatus(tracing.SpanStatusOK)
		s.SetStatus(tracing.SpanStatusUnset)
		s.End()
		got := recorder.Ended()[0]
		if got.SpanKind() != want || got.Status().Code != codes.Ok || s.Name() != "name" || got.Name() != "name" {
			t.Errorf("kind %v, status %v, name %s", got.SpanKind(), got.Status(), s.Name())
		}
		if c := s.Context(); c.SpanID != got.SpanContext().SpanID().String() || c.TraceID != got.SpanContext().TraceID().String() || c.IsRemote {
			t.Errorf("context %+v", c)
		}
		all := map[string]any{
			"start": int64(1), "text": "a", "flag": true, "int": int64(1), "int32": int64(2), "int64": int64(3), "float": 1.5,
			"texts": []string{"a"}, "ints": []int64{1}, "int64s": []int64{1}, "floats": []float64{1}, "flags": []bool{true},
			"other": "3s", "1m0s": "key",
		}
		if diff := cmp.Diff(all, values(got.Attributes())); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
		if events := got.Events(); len(events) != 1 || events[0].Name != "event" || values(events[0].Attributes)["in"] != "event" {
			t.Errorf("events %v", events)
		}
		if scope := got.InstrumentationScope(); scope.Name != "scope" {
			t.Errorf("scope %v", scope)
		} else if value, _ := scope.Attributes.Value("tracer"); value.AsString() != "own" {
			t.Errorf("scope %v", scope)
		}
	}
}
