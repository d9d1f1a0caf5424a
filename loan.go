package lambdamicrovms

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The memory that a call borrows.
//
// The serializer takes a requestEncoder from a pool. If no user code sees the request
// (ownsRequests), the request, its header and its body are memory of the encoder:
//
//  1. lend hands them out. serializeRequest.HandleSerialize owns the encoder, and
//     releases it when the rest of the chain has returned: all attempts are over by then.
//  2. Each attempt works on a copy (cloneRequest). Only the body is shared.
//  3. directTransport sends the copy. It closes the body when HTTPClient.Do returns, so
//     an HTTP client that still reads gets io.EOF, not the body of another call.
//  4. After a panic nothing is released: an HTTP client may still use the memory.
//
// If a rule is broken, one call sends the data of another, with the secrets in it. The
// response of an attempt keeps its request, which therefore must not point to the
// encoder.

// ownsRequests reports whether no user code sees the request, so that its memory can be
// reused after the call. An auth scheme of the caller would see it.
func (s *settings) ownsRequests() bool {
	for _, scheme := range s.options.AuthSchemes {
		if _, ours := scheme.(*sigV4Scheme); !ours {
			return false
		}
	}
	return !s.observed() && !isIntercepted(&s.options.Interceptors)
}

// lentRequest is a sentinel: a chain that starts with it makes the serializer use the
// encoder's pooled request (see lend).
var lentRequest = &smithyhttp.Request{Request: &http.Request{ContentLength: -1}}

// lend returns the encoder's own request. It is valid until release.
func (e *requestEncoder) lend(input inputShape) *smithyhttp.Request {
	e.url = url.URL{}
	e.http = http.Request{URL: &e.url, Header: e.header, ContentLength: -1}
	if !e.hasBody {
		e.plain.Request = &e.http
		return &e.plain
	}
	e.stream = requestBody{data: e.body.Bytes(), input: input}
	e.http.ContentLength = int64(len(e.stream.data))
	if e.streaming == nil {
		// Only SetStream sets the stream. It copies the request, and fails only if Seek
		// does.
		e.streaming, _ = lentRequest.SetStream(&e.stream)
	}
	e.streaming.Request = &e.http
	return e.streaming
}

// cloneRequest is smithyhttp.RequestCloner with fewer allocations. It runs before each
// attempt, so that no attempt sees what another changed in its request.
func cloneRequest(v any) any {
	r := v.(*smithyhttp.Request)
	if r.URL == nil || r.URL.User != nil || r.Trailer != nil || r.TransferEncoding != nil || r.Form != nil || r.PostForm != nil || r.MultipartForm != nil {
		return r.Clone() // middleware has changed it
	}
	c := &struct {
		smithy smithyhttp.Request
		http   http.Request
		url    url.URL
	}{*r, *r.Request, *r.URL}
	c.smithy.Request = &c.http
	c.http.URL = &c.url
	c.http.Header = r.Header.Clone()
	return &c.smithy
}

// directTransport is smithyhttp.ClientHandler without metrics and without its second copy
// of the request.
type directTransport struct {
	client  HTTPClient
	general middleware.Handler
	// watched is true if it matters whether a failed request was sent.
	watched bool
}

func (t *directTransport) Handle(ctx context.Context, input any) (any, middleware.Metadata, error) {
	req, err := httpRequest(input)
	if err != nil {
		return nil, middleware.Metadata{}, err
	}
	body, own := req.GetStream().(*requestBody)
	if !own && req.GetStream() != nil {
		return t.general.Handle(ctx, input) // a signer has replaced it
	}
	if err := smithyhttp.ValidateEndpointHost(req.Host); err != nil {
		return nil, middleware.Metadata{}, err
	}

	// The response keeps the request, which shares memory with req: drop the stream.
	*req = smithyhttp.Request{Request: req.Request}
	request := req.Request
	x := new(exchange)
	hooked := t.watched && callsHooks(t.client)
	if t.watched && (!own || !hooked) { // otherwise reads of the body show it, at no cost
		*request = *request.WithContext(x.delivery.watch(ctx))
	} else {
		*request = *request.WithContext(ctx)
	}
	if own {
		x.body.rest, x.body.delivery = body.data, &x.delivery
		request.Body = &x.body
	} else if request.ContentLength == -1 {
		request.ContentLength = 0
	}
	response, err := t.client.Do(request) //nolint:bodyclose // deserializeResponse does it
	_ = x.body.Close()                    // the HTTP client may do so later, or never
	if response == nil {
		response = &http.Response{Header: http.Header{}, Body: http.NoBody}
	}
	if err != nil {
		err = sendError(ctx, err, t.watched && x.delivery.unsent(hooked, err))
	}
	x.response.Response = response
	return &x.response, middleware.Metadata{}, err
}

// exchange is the memory of one attempt, in one allocation.
type exchange struct {
	delivery delivery
	body     sentBody
	response smithyhttp.Response
}

// sentBody is the body of an attempt. Close drops the data even if the HTTP client is
// still reading, because other calls reuse the memory. The mutex makes that safe.
type sentBody struct {
	delivery *delivery
	mu       sync.Mutex
	rest     []byte
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	b.delivery.bodyRead.Store(true)
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *sentBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = nil
	return nil
}
