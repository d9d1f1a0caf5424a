package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/tracing"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

func TestSpans(t *testing.T) {
	var tr clienttest.Trace
	client := stubbed(func(*http.Request) (*http.Response, error) {
		return newResponse(http.StatusOK, http.Header{"X-Amzn-Requestid": {"request-1"}}, `{}`), nil
	}, func(o *lambdamicrovms.Options) { o.TracerProvider = &tr })
	if _, err := client.UpdateMicroVMImage(context.Background(), updateInput()); err != nil {
		t.Fatal(err)
	}
	const operation = "Lambda Microvms.UpdateMicrovmImage"
	var got []string
	for _, s := range tr.Spans {
		got = append(got, s.Name()+" in "+s.Parent.Name())
		if s.Ends == 0 {
			t.Errorf("span %s is still open", s.Name())
		}
	}
	want := []string{
		operation + " in ", "OperationSerializer in " + operation, "RetryLoop in " + operation, "Attempt in RetryLoop",
		"ResolveAuthScheme in Attempt", "GetIdentity in Attempt", "ResolveEndpoint in Attempt", "ComputePayloadSHA256 in Attempt",
		"SignRequest in Attempt", "DoHTTPRequest in Attempt", "OperationDeserializer in Attempt",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	whole := tr.Named(operation)
	properties := map[string]string{
		"rpc.system": "aws-api", "rpc.service": "Lambda Microvms", "rpc.method": "UpdateMicrovmImage", "error": "false",
		"aws.request_id": "request-1",
	}
	if diff := cmp.Diff(properties, whole.Properties); diff != "" || whole.Kind != tracing.SpanKindClient || whole.Status != tracing.SpanStatusOK {
		t.Errorf("kind %v, status %v, -want +got:\n%s", whole.Kind, whole.Status, diff)
	}
	if got := tr.Named("ResolveEndpoint").Properties["client.call.resolved_endpoint"]; got != "https://lambda.us-east-1.amazonaws.com" {
		t.Errorf("resolved endpoint %q", got)
	}
	if got := tr.Named("ResolveAuthScheme").Properties["auth.scheme_id"]; got != "aws.auth#sigv4" {
		t.Errorf("auth scheme %q", got)
	}
	if tr.Scope != "github.com/microvm-go/lambdamicrovms" {
		t.Errorf("scope %q", tr.Scope)
	}
}

func TestSpanOfError(t *testing.T) {
	var tr clienttest.Trace
	client := stubbed(func(*http.Request) (*http.Response, error) {
		return failure(http.StatusConflict, "ConflictException"), nil
	}, func(o *lambdamicrovms.Options) { o.TracerProvider = &tr })
	if _, err := client.ListMicroVMs(context.Background(), nil); err == nil {
		t.Fatal("no error")
	}
	whole := tr.Named("Lambda Microvms.ListMicrovms")
	delete(whole.Properties, "exception.message")
	want := map[string]string{
		"rpc.system": "aws-api", "rpc.service": "Lambda Microvms", "rpc.method": "ListMicrovms", "error": "true",
		"exception.type": "*http.ResponseError", "api.error_code": "ConflictException", "api.error_message": "because", "api.error_fault": "client",
	}
	if diff := cmp.Diff(want, whole.Properties); diff != "" || whole.Status != tracing.SpanStatusError {
		t.Errorf("status %v, -want +got:\n%s", whole.Status, diff)
	}
}

// meter records which of the client's durations were measured.
type meter struct {
	metrics.NopMeter
	mu       sync.Mutex
	recorded []string
	broken   error
}

type histogram struct {
	meter *meter
	name  string
}

func (m *meter) Meter(string, ...metrics.MeterOption) metrics.Meter { return m }

func (m *meter) Float64Histogram(name string, opts ...metrics.InstrumentOption) (metrics.Float64Histogram, error) {
	var o metrics.InstrumentOptions
	for _, fn := range opts {
		fn(&o)
	}
	if o.UnitLabel != "s" || o.Description == "" {
		return nil, fmt.Errorf("%s: unit %q, description %q", name, o.UnitLabel, o.Description)
	}
	return histogram{m, name}, m.broken
}

func (h histogram) Record(_ context.Context, seconds float64, opts ...metrics.RecordMetricOption) {
	var o metrics.RecordMetricOptions
	for _, fn := range opts {
		fn(&o)
	}
	h.meter.mu.Lock()
	defer h.meter.mu.Unlock()
	if strings.HasPrefix(h.name, "client.call.") {
		h.meter.recorded = append(h.meter.recorded, fmt.Sprint(h.name, property(&o.Properties, "rpc.method"), property(&o.Properties, "auth.scheme_id")))
	}
	if seconds < 0 {
		h.meter.recorded = append(h.meter.recorded, "negative")
	}
}

func property(p *smithy.Properties, key string) string {
	if v := p.Get(key); v != nil {
		return fmt.Sprint(" ", v)
	}
	return ""
}

func TestMetrics(t *testing.T) {
	var m meter
	client := stubbed(
		func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil },
		func(o *lambdamicrovms.Options) { o.MeterProvider = &m },
	)
	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	slices.Sort(m.recorded)
	want := []string{
		"client.call.attempt_duration ListMicrovms",
		"client.call.auth.resolve_identity_duration ListMicrovms aws.auth#sigv4",
		"client.call.auth.signing_duration ListMicrovms aws.auth#sigv4",
		"client.call.deserialization_duration ListMicrovms",
		"client.call.duration ListMicrovms",
		"client.call.resolve_endpoint_duration ListMicrovms",
		"client.call.serialization_duration ListMicrovms",
	}
	if diff := cmp.Diff(want, m.recorded); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMeterFails(t *testing.T) {
	m := &meter{broken: errors.New("broken")}
	client := stubbed(nil, func(o *lambdamicrovms.Options) { o.MeterProvider = m })
	for _, options := range [][]func(*lambdamicrovms.Options){nil, {func(*lambdamicrovms.Options) {}}} {
		if _, err := client.ListMicroVMs(context.Background(), nil, options...); !errors.Is(err, m.broken) {
			t.Errorf("got %v, want %v", err, m.broken)
		}
	}
}

// A call without a tracer inside a call with a tracer is not part of its trace.
func TestTracerDoesNotLeak(t *testing.T) {
	var tr clienttest.Trace
	inner := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil })
	outer := stubbed(func(r *http.Request) (*http.Response, error) {
		if _, err := inner.ListMicroVMImages(r.Context(), nil); err != nil {
			return nil, err
		}
		return newResponse(http.StatusOK, nil, `{}`), nil
	}, func(o *lambdamicrovms.Options) { o.TracerProvider = &tr })
	if _, err := outer.ListMicroVMs(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	for _, s := range tr.Spans {
		if s.Name() == "Attempt" {
			attempts++
		}
	}
	if attempts != 1 {
		t.Errorf("%d attempts in the trace, want the outer call's", attempts)
	}
}
