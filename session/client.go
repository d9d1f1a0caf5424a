package session

import (
	"errors"
	"net/http"
	"net/url"
)

// Client returns an HTTP client for the MicroVM, a new one each time. It treats "/path" as
// the URL with the session's host, for cookies and redirects too. It follows redirects
// within the host, and returns the response that redirects to another host.
//
// Set Jar, Timeout or CheckRedirect on the client itself: a copy of it applies them to
// URLs with a host only.
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

// RoundTrip completes a URL without a host. net/http keeps no cookies for such a URL, and
// drops Authorization and Cookie on the way from it to a URL with a host, so an inner
// client follows the redirects of the completed request.
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

// cause takes off the method and URL that an inner client has put around an error: the
// outer one does the same.
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
