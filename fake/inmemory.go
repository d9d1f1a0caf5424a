package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// RoundTrip is Do, by which a Server is the Transport of an [http.Client] too: one that reaches the
// endpoints of MicroVMs without a network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) { return s.Do(r) }

// doEndpoint has the proxy answer without a network. The answer is there as soon as its head is; its
// body is read while it is written.
func (s *Server) doEndpoint(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	incoming := r.Clone(ctx)
	if incoming.Host == "" {
		incoming.Host = r.URL.Host
	}
	incoming.RequestURI = r.URL.RequestURI()
	incoming.RemoteAddr = "192.0.2.1:1234"

	body, writer := io.Pipe()
	answer := &inMemory{header: make(http.Header), body: writer, head: r.Method == http.MethodHead, started: make(chan struct{})}
	unwatch := context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
	go func() {
		defer cancel()
		defer unwatch()
		defer closeBody(r)
		err := errGoexit
		defer func() { answer.finish(err) }()
		err = protect(func() { s.serveEndpoint(answer, incoming) })
	}()

	select {
	case <-ctx.Done():
		select {
		case <-answer.started: // the handler is through: that is what ended the context
		default:
			return nil, ctx.Err()
		}
	case <-answer.started:
	}
	if answer.err != nil {
		return nil, answer.err
	}
	return &http.Response{
		Status:        strconv.Itoa(answer.status) + " " + http.StatusText(answer.status),
		StatusCode:    answer.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        answer.sent,
		Body:          &inMemoryBody{body, cancel},
		ContentLength: contentLength(answer.sent),
		Request:       r,
	}, nil
}

func contentLength(header http.Header) int64 {
	n, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// errGoexit ends a request whose handler does not return.
var errGoexit = errors.New("fake: the application has called runtime.Goexit")

// protect turns the panic of a handler into an error.
func protect(handle func()) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("fake: the application panicked: %v", reason)
		}
	}()
	handle()
	return nil
}

// inMemory is the other side of an answer.
type inMemory struct {
	header http.Header
	body   *io.PipeWriter
	head   bool // the client wants no body

	start   sync.Once
	started chan struct{} // closed when what follows is set
	status  int
	sent    http.Header
	err     error // instead of an answer
}

func (m *inMemory) Header() http.Header { return m.header }

func (m *inMemory) WriteHeader(status int) {
	if status < http.StatusOK {
		return // only the last answer counts
	}
	m.begin(status, nil)
}

func (m *inMemory) begin(status int, err error) {
	m.start.Do(func() {
		m.status, m.err = status, err
		m.sent = m.header.Clone()
		close(m.started)
	})
}

func (m *inMemory) Write(p []byte) (int, error) {
	if m.header.Get("Content-Type") == "" {
		m.header.Set("Content-Type", http.DetectContentType(p)) // as servers do; it is too late if the head is sent
	}
	m.WriteHeader(http.StatusOK)
	if m.head {
		return len(p), nil
	}
	return m.body.Write(p)
}

// Flush has nothing to do: nothing is kept back.
func (m *inMemory) Flush() { m.WriteHeader(http.StatusOK) }

// finish ends the answer, or breaks it off.
func (m *inMemory) finish(err error) {
	m.begin(http.StatusOK, err)
	_ = m.body.CloseWithError(err)
}

// inMemoryBody ends the request when the client has enough.
type inMemoryBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *inMemoryBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
