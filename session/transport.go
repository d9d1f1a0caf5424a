package session

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// Client returns an HTTP client for the MicroVM, a new one each time. It follows redirects within the
// session's host as usual; of one to another host the response itself is returned.
func (s *Session) Client() *http.Client {
	return &http.Client{Transport: s, CheckRedirect: s.checkRedirect}
}

func (s *Session) checkRedirect(next *http.Request, via []*http.Request) error {
	if !s.isOurs(next) {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 { // as many as net/http follows
		return errors.New("session: stopped after 10 redirects")
	}
	return nil
}

// CloseIdleConnections closes the connections of Options.Transport that nobody uses.
func (s *Session) CloseIdleConnections() {
	if closer, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// RoundTrip sends a request to the MicroVM, with the headers of a token and of the port: the one in a header
// X-aws-proxy-port of the request, or in its URL, or Options.Port. Scheme and host are those of the
// endpoint, whatever the request says. The error is a *HostError if the request is for another host, and a
// *ProxyError if the proxy does not let it through.
func (s *Session) RoundTrip(req *http.Request) (*http.Response, error) {
	port, err := s.portOf(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	c := &course{s: s, req: req, port: port}
	for {
		resp, err := c.send()
		if err != nil {
			return nil, err
		}
		failure := s.explain(req, resp, port)
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
	s    *Session
	req  *http.Request
	port int

	sent           bool
	token          *token // that it was sent with last
	renewed, awake bool   // what was tried already
}

// send sends a copy of the request: the caller's own must stay without the token, and so must the response, in which
// callers find the request.
func (c *course) send() (*http.Response, error) {
	var err error
	if c.token, err = c.s.tokens.get(c.req.Context(), c.port); err != nil {
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
	out.URL.Scheme, out.URL.Host, out.Host = c.s.endpoint.Scheme, c.s.endpoint.Host, c.s.endpoint.Host
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	maps.Copy(out.Header, c.token.header.Clone())
	out.Header.Set(headerPort, strconv.Itoa(c.port))
	resp, err := c.s.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = c.req
	if resp.Body == nil { // from a transport of the caller's own
		resp.Body = http.NoBody
	}
	return resp, nil
}

// remedy does about a refusal what can be done, each thing once, and reports whether to send the request again.
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

// isOurs reports whether a request is for the session's host, of which the port does not matter, or for none.
func (s *Session) isOurs(req *http.Request) bool {
	return req.URL.Host == "" || strings.EqualFold(req.URL.Hostname(), s.endpoint.Hostname())
}

// portOf returns the port of the MicroVM that a request is for.
func (s *Session) portOf(req *http.Request) (int, error) {
	if !s.isOurs(req) {
		return 0, &HostError{Host: req.URL.Host, Want: s.endpoint.Host}
	}
	text := req.Header.Get(headerPort)
	if text == "" && !strings.EqualFold(req.URL.Host, s.endpoint.Host) {
		text = req.URL.Port()
	}
	switch {
	case text != "":
		port, err := strconv.Atoi(text)
		if err != nil || !isPort(port) {
			return 0, fmt.Errorf("session: %q is not a port", text)
		}
		return port, nil
	case req.Response != nil && req.Response.Request != nil:
		// An application redirects to the host that it knows, which has no port.
		return s.portOf(req.Response.Request)
	}
	return s.options.Port, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
