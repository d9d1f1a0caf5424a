package otel_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	microvmotel "github.com/microvm-go/lambdamicrovms/otel"
	"github.com/microvm-go/lambdamicrovms/session"
)

// The application in a MicroVM gets the span of the request as its parent if the program
// propagates, and nothing otherwise.
func TestPropagate(t *testing.T) {
	var got http.Header
	srv, client, recorder := traced(t, fake.WithApplication(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
	})))
	image, err := images.Deploy(context.Background(), client, deployment(t, t.TempDir(), srv.Clock()))
	if err != nil {
		t.Fatal(err)
	}
	tenant, err := baggage.NewMember("tenant", "shop")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(tenant)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		transport http.RoundTripper
		headers   bool
		baggage   string
	}{
		"not by default": {nil, false, ""},
		"trace context":  {microvmotel.Propagate(srv, propagation.TraceContext{}), true, ""},
		"with baggage": {
			microvmotel.Propagate(srv, propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})), true, "tenant=shop",
		},
	} {
		t.Run(name, func(t *testing.T) {
			provider := sdktrace.NewTracerProvider()
			ctx, caller := provider.Tracer("test").Start(baggage.ContextWithBaggage(context.Background(), bag), "caller")
			defer caller.End()
			s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &image.Image}, func(o *session.Options) {
				o.Transport = test.transport
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			recorder.Reset()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			want := ""
			for _, span := range recorder.Ended() {
				if span.Name() == http.MethodGet && test.headers {
					want = "00-" + span.SpanContext().TraceID().String() + "-" + span.SpanContext().SpanID().String() + "-01"
				}
			}
			if test.headers == (want == "") {
				t.Fatal("the request has no span")
			}
			headers := []string{got.Get("Traceparent"), got.Get("Baggage")}
			if diff := cmp.Diff([]string{want, test.baggage}, headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if len(req.Header) > 0 || response.Request != req {
				t.Errorf("the caller's request is %v, that of the response %v", req, response.Request)
			}
		})
	}
}

// sender is a transport that fails, and records what it was called with.
type sender struct {
	err    error
	header http.Header
	closed bool
}

func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	s.header = req.Header
	return nil, s.err
}

func (s *sender) CloseIdleConnections() { s.closed = true }

// A transport passes errors on, closes idle connections, and accepts a request without
// headers.
func TestPropagateTransport(t *testing.T) {
	below := &sender{err: errors.New("lost")}
	transport := microvmotel.Propagate(below, propagation.TraceContext{})
	_, err := transport.RoundTrip(&http.Request{})
	(&http.Client{Transport: transport}).CloseIdleConnections()
	if !errors.Is(err, below.err) || below.header == nil || !below.closed {
		t.Errorf("got %v, headers %v, closed %t", err, below.header, below.closed)
	}
}
