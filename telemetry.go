package lambdamicrovms

import (
	"context"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/spans"
)

// telemetryScope is the instrumentation scope of spans and metrics.
const telemetryScope = "github.com/microvm-go/lambdamicrovms"

// A duration is one of the measured times of a call.
type duration uint8

const (
	callDuration duration = iota
	serializeDuration
	resolveIdentityDuration
	resolveEndpointDuration
	signRequestDuration
	deserializeDuration
	durationCount
)

func (d duration) instrument() (name, description string) {
	switch d {
	case callDuration:
		return "client.call.duration", "The whole call, with retries and the time to send and receive."
	case serializeDuration:
		return "client.call.serialization_duration", "The time to serialize an input."
	case resolveIdentityDuration:
		return "client.call.auth.resolve_identity_duration", "The time to get credentials from their provider."
	case resolveEndpointDuration:
		return "client.call.resolve_endpoint_duration", "The time to find the endpoint of a request, without DNS."
	case signRequestDuration:
		return "client.call.auth.signing_duration", "The time to sign a request."
	default:
		return "client.call.deserialization_duration", "The time to deserialize an output."
	}
}

// telemetry traces and measures calls. It costs nothing with the default providers, which
// do nothing.
type telemetry struct {
	tracer tracing.Tracer
	traced bool

	meter     metrics.Meter
	durations *[durationCount]metrics.Float64Histogram // nil without a meter provider
}

func newTelemetry(o *Options) (telemetry, error) {
	t := telemetry{
		tracer: o.TracerProvider.Tracer(telemetryScope),
		meter:  o.MeterProvider.Meter(telemetryScope),
		traced: !spans.IsNop(o.TracerProvider),
	}
	switch o.MeterProvider.(type) {
	case metrics.NopMeterProvider, *metrics.NopMeterProvider:
		return t, nil
	}
	t.durations = new([durationCount]metrics.Float64Histogram)
	for i := range t.durations {
		name, description := duration(i).instrument()
		histogram, err := t.meter.Float64Histogram(name, func(o *metrics.InstrumentOptions) {
			o.UnitLabel = "s"
			o.Description = description
		})
		if err != nil {
			return t, err
		}
		t.durations[i] = histogram
	}
	return t, nil
}

func (t *telemetry) startSpan(ctx context.Context, name string) (context.Context, tracing.Span) {
	return t.tracer.StartSpan(ctx, name)
}

// timer starts a measurement and returns the function that records it. scheme is nil for
// durations that do not depend on the auth scheme.
func (t *telemetry) timer(ctx context.Context, d duration, scheme smithyhttp.AuthScheme) func() {
	if t.durations == nil {
		return func() {}
	}
	start := time.Now()
	return func() {
		t.durations[d].Record(ctx, time.Since(start).Seconds(), func(o *metrics.RecordMetricOptions) {
			o.Properties.Set("rpc.service", middleware.GetServiceID(ctx))
			o.Properties.Set("rpc.method", middleware.GetOperationName(ctx))
			if scheme != nil {
				o.Properties.Set("auth.scheme_id", scheme.SchemeID())
			}
		})
	}
}

// observe runs a call in a new span and measures it.
func (t *telemetry) observe(ctx context.Context, operation string, call func(context.Context) (middleware.Metadata, error)) {
	ctx, span := t.tracer.StartSpan(ctx, ServiceID+"."+operation, func(o *tracing.SpanOptions) {
		o.Kind = tracing.SpanKindClient
		o.Properties.Set("rpc.system", "aws-api")
		o.Properties.Set("rpc.method", operation)
		o.Properties.Set("rpc.service", ServiceID)
	})
	defer span.End()
	defer t.timer(ctx, callDuration, nil)()

	metadata, err := call(ctx)
	if id, ok := awsmiddleware.GetRequestIDMetadata(metadata); ok {
		span.SetProperty("aws.request_id", id) // official clients set it on the attempt only
	}
	spans.SetResult(span, err)
}

// observed reports whether there is a tracer or meter provider.
func (t *telemetry) observed() bool { return t.traced || t.durations != nil }
