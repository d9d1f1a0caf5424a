package fake

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
)

// traffic calls came whenever bytes are read.
type traffic struct {
	io.ReadCloser
	came func()
}

func (t *traffic) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if n > 0 {
		t.came()
	}
	return n, err
}

// tap returns a writer whose hijacked connection, such as that of a WebSocket, counts
// received bytes as traffic.
func (s *Server) tap(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if _, ok := w.(http.Hijacker); !ok {
		return w
	}
	host := hostOf(r)
	return &tapped{w, func() { s.touch(host) }}
}

type tapped struct {
	http.ResponseWriter
	came func()
}

func (t *tapped) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tapped) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

func (t *tapped) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return conn, rw, err
	}
	there, _ := rw.Peek(rw.Reader.Buffered()) // received together with the request
	conn = &tappedConn{conn, traffic{conn, t.came}}
	reader := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(slices.Clone(there)), conn), rw.Reader.Size())
	_, _ = reader.Peek(len(there)) // so that Buffered counts them; it reads nothing else
	return conn, bufio.NewReadWriter(reader, rw.Writer), nil
}

type tappedConn struct {
	net.Conn
	incoming traffic
}

func (c *tappedConn) Read(p []byte) (int, error) { return c.incoming.Read(p) }
