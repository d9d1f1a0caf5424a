package fake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// response is a response before it is sent over the network or returned in-process.
type response struct {
	status int
	header http.Header
	body   []byte
	err    error // nil for a success

	// How faults change the delivery.
	delay  time.Duration
	never  bool
	lost   bool // reset the connection instead
	broken bool // cut the body
	after  int  // bytes of the body that a cut leaves
}

// accept returns the response of a successful call.
func (c *call) accept(out restjson.Encoder) *response {
	res := &response{status: c.route.success, header: make(http.Header)}
	if res.status == http.StatusNoContent {
		return res
	}
	body, err := encode(out)
	if err != nil {
		return c.refuse(err)
	}
	res.header.Set("Content-Type", "application/json")
	res.body = body
	return res
}

// refuse returns the response of a failed call.
func (c *call) refuse(err error) *response {
	if errors.Is(err, errReset) {
		return &response{header: make(http.Header), err: err, lost: true}
	}
	failure := failureOf(err)
	res := &response{status: failure.status, header: make(http.Header), body: failure.body(), err: failure}
	if failure.html {
		res.header.Set("Content-Type", "text/html")
		return res
	}
	res.header.Set("Content-Type", "application/json")
	res.header.Set("X-Amzn-Errortype", failure.code)
	if failure.retryAfter != nil {
		res.header.Set("Retry-After", strconv.Itoa(int(*failure.retryAfter)))
	}
	return res
}

func (res *response) toClient(r *http.Request) (*http.Response, error) {
	body := res.body
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        statusLine(res.status),
		StatusCode:    res.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        res.header,
		Body:          res.reader(body),
		ContentLength: int64(len(body)),
		Request:       r,
	}, nil
}

// reader returns the body, or the part of it that the client receives.
func (res *response) reader(body []byte) io.ReadCloser {
	if !res.broken || len(body) == 0 {
		whole := new(wholeBody)
		whole.Reset(body)
		return whole
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(body[:res.arriving(body)]), brokenOff{}))
}

// wholeBody is a body that the client receives completely.
type wholeBody struct{ bytes.Reader }

func (*wholeBody) Close() error { return nil }

// statusLine returns the status as in http.Response.Status, without allocating for 200.
func statusLine(status int) string {
	if status == http.StatusOK {
		return "200 OK"
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}

// brokenOff is the error at the premature end of a body.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// arriving returns how many bytes of a cut body the client receives: never all.
func (res *response) arriving(body []byte) int { return max(0, min(res.after, len(body)-1)) }

func (res *response) toWire(w http.ResponseWriter) {
	for name, values := range res.header {
		w.Header()[name] = values
	}
	if res.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(res.body)))
	}
	w.WriteHeader(res.status)
	if res.broken && len(res.body) > 0 {
		_, _ = w.Write(res.body[:res.arriving(res.body)])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
	_, _ = w.Write(res.body) // an error means that the client closed the connection
}

// errReset is the error that a client gets from a reset connection.
var errReset error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// deliver waits as long as the faults delay the response. It returns an error if they
// suppress it.
func (s *Server) deliver(ctx context.Context, res *response) error {
	if res.never {
		if _, ok := ctx.Deadline(); !ok {
			s.hint("fake: a call hangs because of fake.Hang, and its context has no deadline")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return errReset
		}
	}
	if res.delay > 0 {
		if err := s.clock.wait(ctx, res.delay); err != nil {
			return err
		}
	}
	if res.lost {
		return errReset
	}
	return nil
}

// hangUp resets the connection.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 cannot be hijacked
		panic(http.ErrAbortHandler)
	}
	inner := conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		inner = secure.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close with a reset
	}
	_ = inner.Close()
}

// An extra is a member that the model does not have: a string or null.
type extra struct {
	name  string
	value *string
}

// extended is an output or an item with extras after its other members.
type extended struct {
	restjson.Encoder
	more []extra
}

// EncodeJSON writes all members as one object.
func (e extended) EncodeJSON(w *restjson.Writer) {
	e.Encoder.EncodeJSON(w)
	w.Reopen()
	for _, m := range e.more {
		w.StringField(m.name, m.value)
	}
	w.End()
}

// page is the output of every list operation.
type page struct {
	items []restjson.Encoder
	next  *string
}

// EncodeJSON writes the page.
func (p *page) EncodeJSON(w *restjson.Writer) {
	w.Begin()
	w.Key("items")
	restjson.ListValue(w, p.items, func(w *restjson.Writer, item restjson.Encoder) { item.EncodeJSON(w) })
	w.StringField("nextToken", p.next)
	w.End()
}

func newPage(next *string, size int) *page {
	return &page{items: make([]restjson.Encoder, 0, size), next: next} // an empty list is [], not null
}

// bodies pools writers for JSON that is copied or hashed right away.
var bodies = sync.Pool{New: func() any { return new(restjson.Writer) }}

// encode writes an output as the service does, with null for members that are not set.
func encode(out restjson.Encoder) ([]byte, error) {
	w, _ := bodies.Get().(*restjson.Writer)
	defer bodies.Put(w)
	w.Reset()
	w.ExplicitNulls = true
	out.EncodeJSON(w)
	return bytes.Clone(w.Bytes()), w.Err()
}
