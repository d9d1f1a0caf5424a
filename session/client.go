package session

import (
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
		return err
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
	if resp.Request == complete {
		resp.Request = req
	}
	return resp, nil
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
