package fake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// response is what the server answers, whichever way it travels.
type response struct {
	status int
	header http.Header
	body   []byte
	err    error // that it tells of

	// What befalls it on its way.
	delay  time.Duration
	never  bool
	lost   bool // the connection is reset in its place
	broken bool // it ends after
	after  int  // bytes of the body
}

// accept is the answer of a call that went well.
func (c *call) accept(out restjson.Encoder) *response {
	answered := &response{status: c.route.success, header: make(http.Header)}
	if answered.status == http.StatusNoContent {
		return answered
	}
	body, err := c.extra.write(out)
	if err != nil {
		return c.refuse(err)
	}
	answered.header.Set("Content-Type", "application/json")
	answered.body = body
	return answered
}

// refuse is the answer of a call that went wrong.
func (c *call) refuse(err error) *response {
	if errors.Is(err, errReset) {
		return &response{header: make(http.Header), err: err, lost: true}
	}
	failure := failureOf(err)
	answered := &response{status: failure.status, header: make(http.Header), body: failure.body(), err: failure}
	if failure.html {
		answered.header.Set("Content-Type", "text/html")
		return answered
	}
	answered.header.Set("Content-Type", "application/json")
	answered.header.Set("X-Amzn-Errortype", failure.code)
	if failure.retryAfter != nil {
		answered.header.Set("Retry-After", strconv.Itoa(int(*failure.retryAfter)))
	}
	return answered
}

func (a *response) toClient(r *http.Request) (*http.Response, error) {
	body := a.body
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(a.reader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}, nil
}

// reader reads the body as far as it arrives.
func (a *response) reader(body []byte) io.Reader {
	if !a.broken || len(body) == 0 {
		return bytes.NewReader(body)
	}
	return io.MultiReader(bytes.NewReader(body[:a.arriving(body)]), brokenOff{})
}

// brokenOff is the end of a body that is not its end.
type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// arriving is how many bytes of a body arrive if it breaks off: never all.
func (a *response) arriving(body []byte) int { return max(0, min(a.after, len(body)-1)) }

func (a *response) toWire(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if a.broken && len(a.body) > 0 {
		_, _ = w.Write(a.body[:a.arriving(a.body)])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
	_, _ = w.Write(a.body) // the client may have gone: its loss
}

// errReset is what a client sees of a connection that is reset.
var errReset error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// deliver waits until the answer may be sent. It returns an error if there is none for the client.
func (s *Server) deliver(ctx context.Context, a *response) error {
	if a.never {
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
	if a.delay > 0 {
		if err := s.clock.pass(ctx, a.delay); err != nil {
			return err
		}
	}
	if a.lost {
		return errReset
	}
	return nil
}

// hangUp resets the connection.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 has streams instead
		panic(http.ErrAbortHandler)
	}
	inner := conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		inner = secure.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what is not sent is dropped
	}
	_ = inner.Close()
}

// extras are how an answer differs from its output in the model.
type extras struct {
	members []extra   // after the others
	items   [][]extra // the same for each of the items of a list
	bare    []bare    // in place of members of the output
}

// extra is a member that the model does not have: a string or null.
type extra struct {
	name  string
	value *string
}

// bare is a member that has no nulls for what is not set in it, and is absent if it is nil itself.
type bare struct {
	name  string
	value restjson.Encoder
}

// write writes an output as the service does, with null for members that are not set.
func (e *extras) write(out restjson.Encoder) ([]byte, error) {
	w := &restjson.Writer{ExplicitNulls: true}
	out.EncodeJSON(w)
	if err := w.Err(); err != nil || len(e.members)+len(e.items)+len(e.bare) == 0 {
		return w.Bytes(), err
	}
	amended := &restjson.Writer{ExplicitNulls: true}
	amended.Begin()
	r := restjson.NewReader(string(w.Bytes()))
	r.Mode = restjson.JSON // Wire passes over members that are null
	for r.Object(); r.Next(); {
		e.member(amended, r.Key(), r)
	}
	writeExtras(amended, e.members)
	amended.End()
	return amended.Bytes(), amended.Err()
}

// member copies a member of the output.
func (e *extras) member(w *restjson.Writer, name string, r *restjson.Reader) {
	if i := slices.IndexFunc(e.bare, func(b bare) bool { return b.name == name }); i >= 0 {
		r.Skip()
		if value := e.bare[i].value; value != nil {
			var inner restjson.Writer
			value.EncodeJSON(&inner)
			w.Key(name)
			w.Raw(inner.Bytes())
		}
		return
	}
	w.Key(name)
	if name != "items" || len(e.items) == 0 {
		w.Raw([]byte(r.RawValue()))
		return
	}
	items := e.items
	restjson.ListValue(w, restjson.ReadList(r, (*restjson.Reader).RawValue), func(w *restjson.Writer, raw string) {
		copyObject(w, raw, items[0])
		items = items[1:]
	})
}

func copyObject(w *restjson.Writer, raw string, more []extra) {
	w.Begin()
	r := restjson.NewReader(raw)
	r.Mode = restjson.JSON // Wire passes over members that are null
	for r.Object(); r.Next(); {
		w.Key(r.Key())
		w.Raw([]byte(r.RawValue()))
	}
	writeExtras(w, more)
	w.End()
}

func writeExtras(w *restjson.Writer, members []extra) {
	for _, m := range members {
		w.StringField(m.name, m.value)
	}
}
