package workflow

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/smithy-go/tracing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/spans"
)

// An Observer traces and logs a workflow. It is nil, and does nothing, if there is
// neither a tracer nor a logger.
type Observer struct {
	tracer tracing.Tracer // nil without a tracer provider
	logger *slog.Logger   // nil without a logger
	clock  lambdamicrovms.Clock
}

// Scope is the instrumentation scope of the spans of a package, such as "images".
func Scope(pkg string) string { return "github.com/microvm-go/lambdamicrovms/" + pkg }

// NewObserver returns the observer of a workflow in a package. It traces with the tracer
// provider of the client, so that calls and workflows are in one trace. api may be a stub
// that embeds the client; without a client there are no spans.
func NewObserver(api any, pkg string, logger *slog.Logger, clock lambdamicrovms.Clock) *Observer {
	o := &Observer{logger: logger, clock: clock}
	if client, ok := api.(interface{ Options() lambdamicrovms.Options }); ok {
		if provider := client.Options().TracerProvider; !spans.IsNop(provider) {
			o.tracer = provider.Tracer(Scope(pkg))
		}
	}
	if o.tracer == nil && o.logger == nil {
		return nil
	}
	return o
}

// A Step is a whole workflow or a part of one. It is nil, and does nothing, if the
// Observer is nil.
type Step struct {
	observer *Observer
	ctx      context.Context //nolint:containedctx // log handlers read the span from it
	message  string
	began    time.Time
	level    slog.Level
	span     tracing.Span // nil without a tracer
	attrs    []slog.Attr
	failure  string // if the step failed without an error: its type
}

// Begin starts a span and returns its context. Attributes go to the span, as properties
// that begin with "lambdamicrovms.", and to the record that End logs.
func (o *Observer) Begin(ctx context.Context, span, message string, level slog.Level, attrs ...slog.Attr) (context.Context, *Step) {
	return o.begin(ctx, tracing.SpanKindInternal, span, message, level, attrs)
}

// BeginClient is Begin with a span of kind client, for a request that no client of AWS
// sends.
func (o *Observer) BeginClient(ctx context.Context, span, message string, level slog.Level, attrs ...slog.Attr) (context.Context, *Step) {
	return o.begin(ctx, tracing.SpanKindClient, span, message, level, attrs)
}

func (o *Observer) begin(ctx context.Context, kind tracing.SpanKind, span, message string, level slog.Level, attrs []slog.Attr) (context.Context, *Step) {
	if o == nil {
		return ctx, nil
	}
	s := &Step{observer: o, message: message, began: o.clock.Now(), level: level}
	if o.tracer != nil {
		ctx, s.span = o.tracer.StartSpan(ctx, span, func(o *tracing.SpanOptions) { o.Kind = kind })
	}
	s.ctx = ctx
	s.Set(attrs...)
	return ctx, s
}

// Set adds attributes. It ignores those with an empty value.
func (s *Step) Set(attrs ...slog.Attr) {
	if s == nil {
		return
	}
	for _, attr := range attrs {
		if attr.Value.Kind() == slog.KindString && attr.Value.String() == "" {
			continue
		}
		s.attrs = append(s.attrs, attr)
		if s.span != nil {
			s.span.SetProperty("lambdamicrovms."+attr.Key, attr.Value.Any())
		}
	}
}

// Property adds a property to the span only. Unlike Set, it adds no prefix to the name.
func (s *Step) Property(name string, value any) {
	if s != nil && s.span != nil {
		s.span.SetProperty(name, value)
	}
}

// Record adds attributes to the log record only.
func (s *Step) Record(attrs ...slog.Attr) {
	if s != nil {
		s.attrs = append(s.attrs, attrs...)
	}
}

// Fail gives the span the status Error, with the type of the failure, although the step
// will end without an error: the caller of a request judges the status of its response.
func (s *Step) Fail(failure string) {
	if s != nil {
		s.failure = failure
	}
}

// End ends the span and logs the step, with its duration. A step that ends with an error
// is logged as a warning. The caller has removed the secrets from err.
func (s *Step) End(err error) {
	if s == nil {
		return
	}
	if s.span != nil {
		if err == nil && s.failure != "" {
			s.span.SetProperty("error", true)
			s.span.SetProperty("error.type", s.failure)
			s.span.SetStatus(tracing.SpanStatusError)
		} else {
			spans.SetResult(s.span, err)
		}
		s.span.End()
	}
	level := s.level
	if err != nil {
		level = slog.LevelWarn
	}
	l := s.observer.logger
	if l == nil || !l.Enabled(s.ctx, level) {
		return
	}
	s.attrs = append(s.attrs, slog.Duration("duration", s.observer.clock.Now().Sub(s.began)))
	if err != nil {
		s.attrs = append(s.attrs, slog.String("error", err.Error()))
	}
	l.LogAttrs(s.ctx, level, s.message, s.attrs...)
}

// Log logs an event during a step of the workflow, such as a poll. It calls attrs only if
// the level is enabled.
func (o *Observer) Log(ctx context.Context, level slog.Level, message string, attrs func() []slog.Attr) {
	if o != nil && o.logger != nil && o.logger.Enabled(ctx, level) {
		o.logger.LogAttrs(ctx, level, message, attrs()...)
	}
}
