package otel

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// Propagate returns a transport that continues traces in the application to which it
// sends requests: it adds the headers of the propagator to a copy of each request. A nil
// transport means http.DefaultTransport.
//
// Use it as session.Options.Transport if the application in the MicroVM is your own.
// Sessions do not propagate by themselves, because the code in a MicroVM may be
// untrusted. propagation.TraceContext sends the IDs of trace and span only, and
// propagation.Baggage the values that other services attached to the trace.
func Propagate(transport http.RoundTripper, propagator propagation.TextMapPropagator) http.RoundTripper {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &propagating{transport, propagator}
}

type propagating struct {
	transport  http.RoundTripper
	propagator propagation.TextMapPropagator
}

func (p *propagating) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	if out.Header == nil {
		out.Header = http.Header{}
	}
	p.propagator.Inject(out.Context(), propagation.HeaderCarrier(out.Header))
	resp, err := p.transport.RoundTrip(out)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// CloseIdleConnections closes those of the transport.
func (p *propagating) CloseIdleConnections() {
	if closer, ok := p.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
