package session

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// RoundTrip sends a request to the MicroVM, with headers for the token and the port.
// Scheme and host are always those of the endpoint.
//
// The port is the first of these:
//
//  1. the port in an X-aws-proxy-port header or in the equivalent WebSocket subprotocol;
//     it must be Options.Port, the port in the URL, or one of Options.HeaderPorts;
//  2. the port in the URL;
//  3. for a redirect, the port of the previous request;
//  4. Options.Port.
//
// If the program received the request as a server, and the request line contained host
// and port, then the port in the URL is untrusted and rule 1 applies to it.
//
// RoundTrip does not forward headers with the proxy's names, in any spelling, nor
// subprotocols that contain a port or a token.
//
// The error is a *HostError if the request is for another host, a *PortError if the port
// is invalid or may not be chosen, and a *ProxyError if the proxy rejects the request.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := s.targetOf(req)
	if err != nil {
		closeBody(req)
		return nil, s.secrets.Error(err)
	}
	c := &exchange{s: s, req: req, to: to}
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
			return nil, c.token.secrets.Error(failure)
		}
	}
}

// exchange is a request with its attempts, of which there are at most three.
type exchange struct {
	s   *Session
	req *http.Request
	to  target

	attempts       int
	token          *token        // of the last attempt
	body           io.ReadCloser // of its response
	renewed, awake bool          // the remedies that were tried
}

// errNoResponse reports a transport that violates the contract of http.RoundTripper.
var errNoResponse = errors.New("session: Options.Transport returned neither a response nor an error")

// send makes one attempt. It sends a copy of the request, because the token must appear
// neither in the caller's request nor in Response.Request.
func (c *exchange) send() (*http.Response, error) {
	var err error
	if c.token, err = c.s.tokens.get(c.req.Context(), c.to.port); err != nil {
		if c.attempts == 0 {
			closeBody(c.req)
		}
		return nil, err
	}
	out := c.req.Clone(c.req.Context())
	if c.attempts > 0 && c.req.GetBody != nil {
		if out.Body, err = c.req.GetBody(); err != nil {
			return nil, err
		}
	}
	c.attempts++
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
	resp, err := c.observed(out)
	if err != nil {
		return nil, err
	}
	resp.Request = c.req
	c.cleanLocation(resp.Header)
	switch {
	case resp.Body == nil: // Options.Transport may omit it
		resp.Body = http.NoBody
	case resp.Body != http.NoBody && resp.StatusCode != http.StatusSwitchingProtocols: // whose body is a connection
		c.body, resp.Body = resp.Body, (*responseBody)(c)
	}
	return resp, nil
}

// cleanLocation removes secrets from an invalid redirect, because http.Client quotes it
// in its error. From a valid one it removes only the whole token. Anything else may be
// right: the application may have been started with this path, and other tokens can begin
// in the same way.
func (c *exchange) cleanLocation(header http.Header) {
	location := header.Get("Location")
	harmless := location
	if _, err := url.Parse(location); err != nil {
		harmless = c.token.secrets.Redact(location)
	} else {
		for _, value := range c.token.long {
			harmless = strings.ReplaceAll(harmless, value, redact.Text)
			harmless = strings.ReplaceAll(harmless, url.QueryEscape(value), redact.Text)
		}
	}
	if harmless != location {
		header.Set("Location", harmless)
	}
}

// observed sends an attempt in a span of its own, and logs it.
func (c *exchange) observed(out *http.Request) (resp *http.Response, err error) {
	if c.s.observer == nil {
		return c.roundTrip(out)
	}
	ctx, step := c.begin(out)
	defer func() { endRequest(step, resp, c.recorded(out, err)) }()
	err = workflow.ErrPanicked // until the transport returns
	return c.roundTrip(out.WithContext(ctx))
}

// roundTrip sends an attempt. The error has no secrets.
func (c *exchange) roundTrip(out *http.Request) (*http.Response, error) {
	resp, err := c.s.transport.RoundTrip(out)
	switch {
	case err != nil:
		if resp != nil && resp.Body != nil { // the response refers to the request with the token
			_ = resp.Body.Close()
		}
		return nil, c.token.secrets.Error(err)
	case resp == nil:
		return nil, errNoResponse
	}
	return resp, nil
}

// responseBody is the body of an exchange's response. It removes secrets from errors,
// because net/http quotes a trailer that it cannot parse.
type responseBody exchange

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // Read returns io.EOF as it is
		err = b.token.secrets.Error(err)
	}
	return n, err
}

func (b *responseBody) Close() error { return b.token.secrets.Error(b.body.Close()) }

// sendTrailer copies the trailer of the request, without the proxy's headers, once the
// body has been read: only then are its values set.
func (c *exchange) sendTrailer(out *http.Request) {
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

// trailed is a body that calls atEnd at its end.
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

// remedy fixes the cause of a rejection, if it can and has not tried before, and reports
// whether to send the request again.
func (c *exchange) remedy(failure *ProxyError) bool {
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
		// Another request may have resumed the MicroVM since this one was rejected.
		if c.awake || !c.s.options.ResumeOnDemand {
			return false
		}
		c.awake = true
		return replayable(c.req)
	}
	return false
}

// replayable reports whether net/http would consider a request safe to send twice.
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
