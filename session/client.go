package session

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Client returns a new HTTP client for the MicroVM. A URL without a host ("/path") means
// the session's host, also for cookies and redirects. The client follows redirects within
// that host. It returns a response that redirects to another host.
//
// Set Jar, Timeout or CheckRedirect on the returned client, not on a copy of it: a copy
// ignores them for URLs without a host.
func (s *Session) Client() *http.Client {
	client := &http.Client{CheckRedirect: s.checkRedirect}
	client.Transport = &clientTransport{Session: s, client: client}
	return client
}

func (s *Session) checkRedirect(next *http.Request, via []*http.Request) error {
	if _, err := s.targetOf(next); err != nil {
		var foreign *HostError
		if errors.As(err, &foreign) {
			return http.ErrUseLastResponse
		}
		return s.secrets.Error(err)
	}
	if len(via) >= 10 { // as many as net/http follows
		return errors.New("session: stopped after 10 redirects")
	}
	return nil
}

// clientTransport is the transport of Session.Client.
type clientTransport struct {
	*Session
	client *http.Client
}

// RoundTrip adds the session's host to a URL without one. For such a URL, net/http would
// keep no cookies, and would drop Authorization and Cookie on a redirect to a URL with a
// host. An inner client therefore sends the completed request and follows its redirects.
func (t *clientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if last := lastOf(req.Response); last != nil {
		closeBody(req)
		return last.again(), nil
	}
	if req.URL.Host != "" || req.URL.Opaque != "" {
		return t.Session.RoundTrip(req)
	}
	complete := req.WithContext(req.Context()) // shares the trailer, which is set while the body is read
	complete.Header = req.Header.Clone()       // an http.Client adds cookies to it
	at := *req.URL
	at.Scheme, at.Host = t.endpoint.Scheme, t.endpoint.Host
	complete.URL = &at

	inner := &http.Client{Transport: t.Session, CheckRedirect: t.client.CheckRedirect, Jar: t.client.Jar}
	resp, err := inner.Do(complete)
	if err != nil {
		return nil, cause(err)
	}
	switch to, noRedirect := resp.Location(); {
	case resp.Request == complete:
		resp.Request = req
	case noRedirect == nil:
		markLast(resp, to)
	}
	return resp, nil
}

// lastResponse is a redirect that the inner client did not follow, because CheckRedirect
// returned http.ErrUseLastResponse. The outer client calls CheckRedirect again, as if
// this were the first redirect, and may follow it. It then receives the same response
// again, until it has called CheckRedirect as often as the inner client.
type lastResponse struct {
	*http.Response

	repeats int // how often the response may be returned again
}

type lastResponseKey struct{}

// markLast marks a response as the last one of the inner client. It also makes the
// Location absolute, because the outer client would resolve it against the URL of the
// first request.
func markLast(resp *http.Response, to *url.URL) {
	last := &lastResponse{Response: resp}
	for r := resp.Request; r.Response != nil; r = r.Response.Request {
		last.repeats++
	}
	resp.Header.Set("Location", to.String())
	resp.Request = resp.Request.WithContext(context.WithValue(resp.Request.Context(), lastResponseKey{}, last))
}

// lastOf returns the mark of a response, or nil.
func lastOf(resp *http.Response) *lastResponse {
	if resp == nil || resp.Request == nil {
		return nil
	}
	last, _ := resp.Request.Context().Value(lastResponseKey{}).(*lastResponse)
	return last
}

// again returns the response once more, without its body, which net/http has closed.
func (l *lastResponse) again() *http.Response {
	resp := *l.Response
	resp.Header, resp.Body, resp.ContentLength = resp.Header.Clone(), http.NoBody, 0
	if l.repeats--; l.repeats < 0 {
		resp.Header.Del("Location") // http.Client returns such a response
	}
	return &resp
}

// cause unwraps the *url.Error of the inner client. The outer client adds the same one.
func cause(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// CloseIdleConnections closes the idle connections of Options.Transport.
func (s *Session) CloseIdleConnections() {
	if closer, ok := s.transport.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
