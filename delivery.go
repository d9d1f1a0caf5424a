package lambdamicrovms

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// unsentError marks the error of an attempt whose request did not reach the service. It
// does not change the text. Errors from before the transport are marked as well, because
// the error of a credentials provider may wrap the send error of another service's
// client.
type unsentError struct{ Err error } // exported for redact.Secrets.Error, which copies it

func (e *unsentError) Error() string { return e.Err.Error() }

func (e *unsentError) Unwrap() error { return e.Err }

func markUnsent(err error) error {
	if err == nil {
		return nil
	}
	return &unsentError{err}
}

// A delivery records from the hooks of net/http how far one request was sent. It uses
// atomics because hooks may run after the HTTP client has given up.
type delivery struct {
	trace     httptrace.ClientTrace
	requested atomic.Bool // a connection was requested: the client calls the hooks
	connected atomic.Bool // there was a connection: bytes may have been sent
	bodyRead  atomic.Bool
}

// watch returns a context with hooks that report to d.
func (d *delivery) watch(ctx context.Context) context.Context {
	d.trace.GetConn = func(string) { d.requested.Store(true) }
	d.trace.GotConn = func(httptrace.GotConnInfo) { d.connected.Store(true) }
	return httptrace.WithClientTrace(ctx, &d.trace)
}

// unsent reports whether the service certainly did not receive the whole request.
// callsHooks says that the HTTP client calls the hooks; otherwise err, the error that the
// client returned, decides.
func (d *delivery) unsent(callsHooks bool, err error) bool {
	switch {
	case d.connected.Load():
		return false
	case d.requested.Load():
		return true
	case callsHooks:
		// The request was sent if its body was read: by a protocol that is registered on
		// the transport and calls no hooks.
		return !d.bodyRead.Load()
	default:
		return isDialError(err)
	}
}

// isDialError reports whether no connection could be opened. All of several joined errors
// must say so.
func isDialError(err error) bool {
	switch e := err.(type) { //nolint:errorlint // it walks the chain itself
	case nil:
		return false
	case *net.OpError:
		return e.Op == "dial" || e.Op == "proxyconnect"
	case *tls.CertificateVerificationError:
		return true
	case interface{ Unwrap() []error }:
		joined := e.Unwrap()
		for _, err := range joined {
			if !isDialError(err) {
				return false
			}
		}
		return len(joined) > 0
	default:
		return isDialError(errors.Unwrap(err))
	}
}

// callsHooks reports whether the client calls the hooks of httptrace for all requests.
func callsHooks(client HTTPClient) bool {
	c, ok := client.(*http.Client)
	if !ok {
		return false
	}
	transport, ok := c.Transport.(*plainTransport)
	return ok && transport.callsHooks()
}

// sendError returns the error of a request for which the HTTP client returned no
// response.
func sendError(ctx context.Context, err error, unsent bool) error {
	ended := ctx.Err()
	if ended != nil {
		err = ended
	}
	if unsent {
		err = markUnsent(err)
	}
	if ended != nil {
		return &smithy.CanceledError{Err: err}
	}
	return &smithyhttp.RequestSendError{Err: err}
}

// watchedTransport is smithyhttp.ClientHandler, but returns the errors of
// directTransport.
type watchedTransport struct {
	handler middleware.Handler // sends with a watchedClient
}

func (t *watchedTransport) Handle(ctx context.Context, input any) (any, middleware.Metadata, error) {
	sending := new(watchedSending)
	out, metadata, err := t.handler.Handle(context.WithValue(ctx, watchedSendingKey{}, sending), input)
	if sending.failed {
		err = sendError(ctx, sending.err, sending.unsent)
	}
	return out, metadata, err
}

type watchedSendingKey struct{}

// watchedSending is the report of a watchedClient to its watchedTransport.
type watchedSending struct {
	failed, unsent bool
	err            error
}

// watchedClient reports the deliveries of another client.
type watchedClient struct{ HTTPClient }

func (c watchedClient) Do(r *http.Request) (*http.Response, error) {
	d := new(delivery)
	r = r.WithContext(d.watch(r.Context()))
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &watchedBody{r.Body, d}
	}
	response, err := c.HTTPClient.Do(r)
	if sending, ok := r.Context().Value(watchedSendingKey{}).(*watchedSending); ok && err != nil {
		*sending = watchedSending{failed: true, err: err, unsent: d.unsent(callsHooks(c.HTTPClient), err)}
	}
	return response, err
}

type watchedBody struct {
	io.ReadCloser
	delivery *delivery
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.delivery.bodyRead.Store(true)
	return b.ReadCloser.Read(p)
}
