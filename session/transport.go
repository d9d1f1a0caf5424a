package session

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// RoundTrip sends a request to the MicroVM, with the headers of a token and of the port.
// Scheme and host are those of the endpoint, whatever the request says.
//
// The port is the first of these:
//  1. the one that a header X-aws-proxy-port, or the same as a WebSocket subprotocol,
//     chooses; it must be Options.Port, the port in the URL, or one of Options.HeaderPorts;
//  2. the one in the request's URL;
//  3. in a redirect, that of the request before;
//  4. Options.Port.
//
// The URL of a request that the program received as a server counts as a header does, if
// the client has written host and port into the request line.
//
// Headers by the proxy's names are taken out of what is sent, in any spelling, and so are
// subprotocols that hold a port or a token.
//
// The error is a *HostError if the request is for another host, a *PortError if the port
// is not to be used, and a *ProxyError if the proxy does not let the request through.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := s.targetOf(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	c := &course{s: s, req: req, to: to}
	for {
		resp, err := c.send()
		if err != nil {
			return nil, err
		}
		failure := s.explain(req, resp, to.port)
		if failure == nil {
			return resp, nil
		}
		_ = resp.Body.Close()
		if !c.remedy(failure) {
			return nil, failure
		}
	}
}

// course is what a request goes through, once or up to three times.
type course struct {
	s   *Session
	req *http.Request
	to  target

	sent           bool
	token          *token // that it was sent with last
	renewed, awake bool   // what was tried already
}

// errNoResponse is for a transport that breaks the rules of http.RoundTripper.
var errNoResponse = errors.New("session: Options.Transport returned neither a response nor an error")

// send sends a copy of the request: the caller's own must stay without the token, and so
// must the response, in which callers find the request.
func (c *course) send() (*http.Response, error) {
	var err error
	if c.token, err = c.s.tokens.get(c.req.Context(), c.to.port); err != nil {
		if !c.sent {
			closeBody(c.req)
		}
		return nil, err
	}
	out := c.req.Clone(c.req.Context())
	if c.sent && c.req.GetBody != nil {
		if out.Body, err = c.req.GetBody(); err != nil {
			return nil, err
		}
	}
	c.sent = true
	out.URL.Scheme, out.URL.Host, out.Host = c.s.address.Scheme, c.s.address.Host, c.s.endpoint.Host
	out.URL.Opaque = c.to.opaque
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	c.token.clean(out.Header)
	for name, values := range c.token.header {
		out.Header[name] = slices.Clone(values)
	}
	out.Header.Set(headerPort, strconv.Itoa(c.to.port))
	if len(out.Trailer) > 0 {
		c.sendTrailer(out)
	}
	resp, err := c.s.transport.RoundTrip(out)
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil { // a response would hold the request with the token
			_ = resp.Body.Close()
		}
		return nil, c.token.withhold(err)
	case resp == nil:
		return nil, errNoResponse
	}
	resp.Request = c.req
	if location := resp.Header.Get("Location"); location != "" { // an http.Client quotes one that does not parse
		if harmless := c.token.redact(location); harmless != location {
			resp.Header.Set("Location", harmless)
		}
	}
	if resp.Body == nil { // from a transport of the caller's own
		resp.Body = http.NoBody
	}
	return resp, nil
}

// sendTrailer gives a copy of a request the trailer of the original, whose values are set
// while the body is read, without the proxy's own names.
func (c *course) sendTrailer(out *http.Request) {
	c.token.clean(out.Trailer)
	atEnd := func() {
		trailer := c.req.Trailer.Clone()
		c.token.clean(trailer)
		maps.Copy(out.Trailer, trailer)
	}
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = &trailed{out.Body, atEnd}
	}
	if getBody := out.GetBody; getBody != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := getBody()
			if err != nil {
				return nil, err
			}
			return &trailed{body, atEnd}, nil
		}
	}
}

// trailed is a body that has a trailer set at its end.
type trailed struct {
	io.ReadCloser
	atEnd func()
}

func (t *trailed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		t.atEnd()
	}
	return n, err
}

// remedy does what can be done about a refusal, each thing once, and reports whether to
// send the request again.
func (c *course) remedy(failure *ProxyError) bool {
	ctx := c.req.Context()
	switch failure.Kind {
	case KindMissingAuth, KindWrongToken:
		if c.renewed {
			return false
		}
		c.renewed = true
		c.s.tokens.drop(c.token)
		return replayable(c.req)

	case KindSuspended, KindStarting:
		if c.awake || !c.s.options.ResumeOnDemand {
			return false
		}
		c.awake = true
		if err := c.s.Resume(ctx); err != nil {
			failure.Err = err
			return false
		}
		failure.Resumed = !replayable(c.req)
		return !failure.Resumed

	case KindNothingListening:
		// Another request may have resumed the MicroVM since this one was refused.
		if c.awake || !c.s.options.ResumeOnDemand {
			return false
		}
		c.awake = true
		return replayable(c.req)
	}
	return false
}

// replayable reports whether a request may be sent twice, by the rules of net/http.
func replayable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	_, key := req.Header["Idempotency-Key"]
	_, xKey := req.Header["X-Idempotency-Key"]
	return key || xKey
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
