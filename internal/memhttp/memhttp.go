// Package memhttp has an http.Handler serve requests of an HTTP client without a network.
package memhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// RoundTrip serves a request as a server on the network would. The response is returned
// as soon as the handler has written its header; its body is read while the handler
// writes it. The handler's context ends when the caller closes the body, and a panic of
// the handler breaks the response off with an error.
func RoundTrip(r *http.Request, handler http.Handler) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	incoming := r.Clone(ctx)
	if incoming.Host == "" {
		incoming.Host = r.URL.Host
	}
	if incoming.Body == nil {
		incoming.Body = http.NoBody // handlers rely on it
	}
	incoming.RequestURI = r.URL.RequestURI()
	incoming.RemoteAddr = "192.0.2.1:1234"

	body, pipe := io.Pipe()
	w := &writer{header: make(http.Header), body: pipe, head: r.Method == http.MethodHead, started: make(chan struct{})}
	unwatch := context.AfterFunc(ctx, func() { _ = pipe.CloseWithError(ctx.Err()) })
	go func() {
		defer cancel()
		defer unwatch()
		defer closeBody(r)
		err := errGoexit
		defer func() { w.finish(err) }()
		err = protect(func() { handler.ServeHTTP(w, incoming) })
	}()

	select {
	case <-ctx.Done():
		select {
		case <-w.started: // the handler has returned, which is what ended the context
		default:
			return nil, ctx.Err()
		}
	case <-w.started:
	}
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          &responseBody{body, cancel},
		ContentLength: contentLength(w.sent),
		Request:       r,
	}, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

func contentLength(header http.Header) int64 {
	n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// errGoexit is the error of a handler that ended its goroutine.
var errGoexit = errors.New("memhttp: the handler called runtime.Goexit")

// protect turns the panic of a handler into an error.
func protect(handle func()) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("memhttp: the handler panicked: %v", reason)
		}
	}()
	handle()
	return nil
}

// writer is the handler's side of a response.
type writer struct {
	header http.Header
	body   *io.PipeWriter
	head   bool // the client wants no body

	start   sync.Once
	started chan struct{} // closed when the fields below are set
	status  int
	sent    http.Header
	err     error // instead of a response
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if status < http.StatusOK {
		return // informational responses are dropped
	}
	w.begin(status, nil)
}

func (w *writer) begin(status int, err error) {
	w.start.Do(func() {
		w.status, w.err = status, err
		w.sent = w.header.Clone()
		close(w.started)
	})
}

func (w *writer) Write(p []byte) (int, error) {
	if w.header.Get("Content-Type") == "" {
		w.header.Set("Content-Type", http.DetectContentType(p)) // as servers do
	}
	w.WriteHeader(http.StatusOK)
	if w.head {
		return len(p), nil
	}
	return w.body.Write(p)
}

// Flush sends the header; nothing else is buffered.
func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }

// finish ends the response, or breaks it off with an error.
func (w *writer) finish(err error) {
	w.begin(http.StatusOK, err)
	_ = w.body.CloseWithError(err)
}

// responseBody ends the request when the client closes it.
type responseBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *responseBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
