package otel

import (
	"context"
	"sync/atomic"

	"github.com/aws/smithy-go/tracing"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/microvm-go/lambdamicrovms"
)

// Global sets the tracer provider and the meter provider of a client to OpenTelemetry's
// global ones. Use it as an option of lambdamicrovms.New or NewFromConfig, after
// otel.SetTracerProvider and otel.SetMeterProvider.
func Global(o *lambdamicrovms.Options) {
	o.TracerProvider = TracerProvider(otel.GetTracerProvider())
	o.MeterProvider = MeterProvider(otel.GetMeterProvider())
}

// TracerOptions are the options of TracerProvider.
type TracerOptions struct {
	// Clock is the time source of spans. The default is that of OpenTelemetry. In tests
	// with package fake, set it to the clock of the fake, which moves while a workflow
	// waits: the spans then show how long the workflow would have waited.
	Clock lambdamicrovms.Clock
}

// TracerProvider adapts a tracer provider of OpenTelemetry for Options.TracerProvider.
func TracerProvider(provider trace.TracerProvider, optFns ...func(*TracerOptions)) tracing.TracerProvider {
	p := &tracerProvider{provider: provider}
	for _, fn := range optFns {
		fn(&p.options)
	}
	return p
}

type tracerProvider struct {
	provider trace.TracerProvider
	options  TracerOptions
}

func (p *tracerProvider) Tracer(scope string, optFns ...tracing.TracerOption) tracing.Tracer {
	var options tracing.TracerOptions
	for _, fn := range optFns {
		fn(&options)
	}
	attributes := attributesOf(&options.Properties)
	return &tracer{p.provider.Tracer(scope, trace.WithInstrumentationAttributes(attributes...)), p.options.Clock}
}

type tracer struct {
	tracer trace.Tracer
	clock  lambdamicrovms.Clock
}

func (t *tracer) StartSpan(ctx context.Context, name string, optFns ...tracing.SpanOption) (context.Context, tracing.Span) {
	var options tracing.SpanOptions
	for _, fn := range optFns {
		fn(&options)
	}
	start := []trace.SpanStartOption{
		trace.WithSpanKind(kind(options.Kind)),
		trace.WithAttributes(spanAttributes(attributesOf(&options.Properties)...)...),
	}
	if t.clock != nil {
		start = append(start, trace.WithTimestamp(t.clock.Now()))
	}
	ctx, started := t.tracer.Start(ctx, name, start...) //nolint:spancheck // span.End ends it
	s := &span{span: started, name: name, clock: t.clock}
	return tracing.WithSpan(alone(ctx), s), s //nolint:spancheck // likewise
}

// alone removes all spans of smithy-go from a context. smithy-go appends to a list of
// spans, so that two concurrent calls below three spans would write to the same array.
// Only the last span is needed, because OpenTelemetry knows its parents.
func alone(ctx context.Context) context.Context {
	if _, ok := tracing.GetSpan(ctx); !ok {
		return ctx
	}
	fewer, _ := tracing.PopSpan(ctx)
	return alone(fewer)
}

func kind(k tracing.SpanKind) trace.SpanKind {
	switch k {
	case tracing.SpanKindClient:
		return trace.SpanKindClient
	case tracing.SpanKindServer:
		return trace.SpanKindServer
	case tracing.SpanKindProducer:
		return trace.SpanKindProducer
	case tracing.SpanKindConsumer:
		return trace.SpanKindConsumer
	default:
		return trace.SpanKindInternal
	}
}

type span struct {
	span  trace.Span
	name  string
	clock lambdamicrovms.Clock
	// message is the text of the error, for the description of the status.
	message atomic.Value
}

func (s *span) Name() string { return s.name }

func (s *span) Context() tracing.SpanContext {
	c := s.span.SpanContext()
	if !c.IsValid() {
		return tracing.SpanContext{}
	}
	return tracing.SpanContext{TraceID: c.TraceID().String(), SpanID: c.SpanID().String(), IsRemote: c.IsRemote()}
}

func (s *span) AddEvent(name string, optFns ...tracing.EventOption) {
	var options tracing.EventOptions
	for _, fn := range optFns {
		fn(&options)
	}
	event := []trace.EventOption{trace.WithAttributes(attributesOf(&options.Properties)...)}
	if s.clock != nil {
		event = append(event, trace.WithTimestamp(s.clock.Now()))
	}
	s.span.AddEvent(name, event...)
}

func (s *span) SetProperty(key, value any) {
	if text, ok := value.(string); ok && key == "exception.message" {
		s.message.Store(text)
	}
	s.span.SetAttributes(spanAttributes(keyValue(key, value))...)
}

func (s *span) SetStatus(status tracing.SpanStatus) {
	switch status {
	case tracing.SpanStatusOK:
		s.span.SetStatus(codes.Ok, "")
	case tracing.SpanStatusError:
		message, _ := s.message.Load().(string)
		s.span.SetStatus(codes.Error, message)
	default:
	}
}

func (s *span) End() {
	if s.clock != nil {
		s.span.End(trace.WithTimestamp(s.clock.Now()))
		return
	}
	s.span.End()
}
