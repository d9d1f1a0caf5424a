package clienttest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/smithy-go/tracing"
)

// Trace records spans. It is a tracer provider and its only tracer.
type Trace struct {
	mu    sync.Mutex
	Scope string // of the last tracer
	Spans []*Span
}

// Span is a recorded span.
type Span struct {
	tracing.Span // never called
	trace        *Trace
	name         string
	Parent       *Span
	Kind         tracing.SpanKind
	Properties   map[string]string
	Status       tracing.SpanStatus
	Ends         int
}

// Tracer returns t.
func (t *Trace) Tracer(scope string, _ ...tracing.TracerOption) tracing.Tracer {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Scope = scope
	return t
}

// StartSpan starts a span below that of the context.
func (t *Trace) StartSpan(ctx context.Context, name string, opts ...tracing.SpanOption) (context.Context, tracing.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Span{trace: t, name: name, Properties: map[string]string{}}
	if parent, ok := tracing.GetSpan(ctx); ok {
		s.Parent, _ = parent.(*Span)
	}
	var o tracing.SpanOptions
	for _, fn := range opts {
		fn(&o)
	}
	s.Kind = o.Kind
	for k, v := range o.Properties.Values() {
		s.Properties[fmt.Sprint(k)] = fmt.Sprint(v)
	}
	t.Spans = append(t.Spans, s)
	return tracing.WithSpan(ctx, s), s
}

// Name returns the name, or "" if s is nil.
func (s *Span) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// SetProperty records the property as text.
func (s *Span) SetProperty(k, v any) {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	s.Properties[fmt.Sprint(k)] = fmt.Sprint(v)
}

// SetStatus records the status.
func (s *Span) SetStatus(status tracing.SpanStatus) {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	s.Status = status
}

// End counts the calls of End, which must be one.
func (s *Span) End() {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	s.Ends++
}

// Named returns the first span with the name, or an empty one.
func (t *Trace) Named(name string) *Span {
	for _, s := range t.Spans {
		if s.name == name {
			return s
		}
	}
	return &Span{}
}

// Tree returns a line for each span that keep selects, indented below its parent, in the
// order of their starts. It marks spans that have not ended exactly once.
func (t *Trace) Tree(keep func(*Span) bool) []string {
	var lines []string
	for _, s := range t.Spans {
		if !keep(s) {
			continue
		}
		line := s.name
		for p := s.Parent; p != nil; p = p.Parent {
			line = "  " + line
		}
		if s.Ends != 1 {
			line += fmt.Sprintf(" (ended %d times)", s.Ends)
		}
		if s.Status == tracing.SpanStatusError {
			line += ": " + strings.SplitN(s.Properties["exception.message"], "\n", 2)[0]
		}
		lines = append(lines, line)
	}
	return lines
}

// SpanOf returns the span of the context, or nil.
func SpanOf(ctx context.Context) *Span {
	current, _ := tracing.GetSpan(ctx)
	s, _ := current.(*Span)
	return s
}
