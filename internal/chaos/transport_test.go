package chaos

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/tamper"
)

type workerKey struct{}

func workerOf(ctx context.Context) *worker {
	w, _ := ctx.Value(workerKey{}).(*worker)
	return w
}

// network is the connection from the clients of an episode to the server.
type network struct {
	kind   string
	client lambdamicrovms.HTTPClient
	url    string // empty without a real network
	close  func()

	arrived, inside atomic.Int64 // requests at the server; counted only over a real network
}

func newNetwork(kind string, srv *fake.Server) *network {
	n := &network{kind: kind, client: srv, close: func() {}}
	if kind == "memory" {
		return n
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.inside.Add(1)
		defer n.inside.Add(-1)
		n.arrived.Add(1)
		srv.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	if kind == "HTTP/2" {
		server.EnableHTTP2 = true
		server.StartTLS()
		transport.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
		transport.ForceAttemptHTTP2 = true
	} else {
		server.Start()
	}
	n.url = server.URL
	n.client = &http.Client{Transport: transport}
	n.close = func() {
		transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	}
	return n
}

// settle waits until the server has handled all requests of a worker. A request that was
// sent just as its context ended may never arrive; settle gives up on it.
func (n *network) settle(w *worker) {
	if n.url == "" {
		return
	}
	for giveUp := time.Now().Add(100 * time.Millisecond); n.arrived.Load() < w.wrote.Load() && time.Now().Before(giveUp); {
		time.Sleep(50 * time.Microsecond)
	}
	w.wrote.Store(n.arrived.Load())
	for n.inside.Load() > 0 {
		time.Sleep(50 * time.Microsecond)
	}
}

// Do implements HTTPClient for all clients. It counts requests, and rejects a request of
// an unknown worker.
func (n *network) Do(r *http.Request) (*http.Response, error) {
	w := workerOf(r.Context())
	w.sends(r.Context())
	if n.url != "" {
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() { w.wrote.Add(1) }}))
	}
	resp, err := n.client.Do(r)
	// No member of a ListTags response is required, so an empty body looks like an image
	// without tags. No program can tell the two apart, so its body is never emptied.
	listsTags := r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/2017-03-31/tags/")
	if err == nil && !listsTags {
		err = w.tamper(resp)
	}
	if err == nil && resp.StatusCode < 300 && !listsTags && w.emptied() {
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength = http.NoBody, 0
	}
	return w.receives(r.Context(), r.Method+" "+r.URL.Path, resp, err)
}

// tamper removes parts of responses to workflows. It leaves direct calls alone, because
// the client does not check outputs.
func (w *worker) tamper(resp *http.Response) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet || resp.StatusCode >= 300 || !isWorkflow(w.kind) || w.luck.Float64() >= w.level {
		return nil
	}
	w.tally.fault(partialResponse)
	return tamper.Response(w.luck, resp)
}

func isWorkflow(kind string) bool {
	return strings.HasPrefix(kind, "images.") || strings.HasPrefix(kind, "session.")
}

// partialResponse is the name of tamper's fault.
const partialResponse = "PartialResponse"

// emptySuccess is the name of the fault that removes the body of a success, with a
// matching Content-Length.
const emptySuccess = "EmptySuccess"

// emptied reports whether the next success loses its body.
func (w *worker) emptied() bool {
	w.mu.Lock()
	hit := !w.quiet && w.luck.Float64() < w.level
	w.mu.Unlock()
	if hit {
		w.tally.fault(emptySuccess)
	}
	return hit
}

// sends records that an attempt starts.
func (w *worker) sends(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts++
	w.tally.attempts.Add(1)
	if ctx.Err() != nil && w.ended == ctx.Done() {
		w.afterEnd++
	}
}

// receives records the result of an attempt.
func (w *worker) receives(ctx context.Context, what string, resp *http.Response, err error) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		w.ended = ctx.Done() // all attempts of a call share it
	}
	status := 0
	if err == nil {
		status = resp.StatusCode
		w.open++
		w.tally.bodies.Add(1)
		resp.Body = &countedBody{ReadCloser: resp.Body, w: w}
	}
	w.status = status
	w.open5xx = w.open5xx || status < 300 || status >= 500
	w.trace = append(w.trace, exchange{what, status, err})
	return resp, err
}

type exchange struct {
	what   string
	status int
	err    error
}

type countedBody struct {
	io.ReadCloser
	w      *worker
	closed atomic.Bool
}

func (b *countedBody) Close() error {
	if !b.closed.Swap(true) {
		b.w.mu.Lock()
		b.w.open--
		b.w.mu.Unlock()
	}
	return b.ReadCloser.Close()
}

// endpoint is the transport of sessions to a MicroVM. It has its own faults, because
// those of the fake apply only to the API.
type endpoint struct {
	w   *worker
	srv *fake.Server
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	w := e.w
	w.sends(r.Context())
	fate := w.endpointFate()
	if fate == fateReset {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return w.receives(r.Context(), "endpoint (reset)", nil, syscall.ECONNRESET)
	}
	resp, err := e.srv.RoundTrip(r)
	switch {
	case err != nil:
	case fate == fateLost:
		_ = resp.Body.Close()
		resp, err = nil, syscall.ECONNRESET
	case fate == fateHang:
		_ = resp.Body.Close()
		w.cancelSoon()
		<-r.Context().Done()
		resp, err = nil, r.Context().Err()
	case fate == fateCut:
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, 5), brokenOff{}), resp.Body}
	}
	return w.receives(r.Context(), "endpoint", resp, err)
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type fate int

const (
	fateNone fate = iota
	fateReset
	fateLost
	fateCut
	fateHang
)

var fateNames = [...]string{"", "endpoint: reset", "endpoint: lost response", "endpoint: cut body", "endpoint: hang"}

func (w *worker) endpointFate() fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet || w.ctx.Err() != nil {
		return fateNone
	}
	for f := fateReset; f <= fateHang; f++ {
		if w.luck.Float64() < 2*w.level { // doubled, since these requests are few
			w.tally.fault(fateNames[f])
			return f
		}
	}
	return fateNone
}
