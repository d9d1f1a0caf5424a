package fake

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/memhttp"
)

// A Server is a fake of the service: its state, its clock and its faults. It is an
// [http.Handler] for any client, and an HTTPClient without a network for this module's.
// It is safe for concurrent use.
type Server struct {
	config config
	clock  *clock

	standstill standstill

	ids       *idSource
	dates     dates
	overrides atomic.Pointer[Overrides]
	calls     callLog
	faulty    atomic.Bool // there are faults; lets most calls skip the lock

	keeping sync.Mutex // held while the state file is changed

	mu       sync.Mutex // guards the fields below
	worlds   map[scope]*world
	hosts    map[string]*microVM // by the host of its endpoint
	sequence int64
	faults   []*fault
	keeper   *keeper // nil: no file
	changes  int64   // number of changes so far
	closed   bool
	ended    chan struct{} // closed with the server
}

// TB is the part of [testing.TB] that New uses.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
}

// New returns a Server for a test. When the test ends, the server is closed; if the test
// has failed, the calls are logged. By default its clock stands still, see
// [Server.Advance].
func New(tb TB, opts ...Option) *Server {
	tb.Helper()
	s := NewServer(append([]Option{WithLog(logTo(tb))}, opts...)...)
	tb.Cleanup(func() {
		_ = s.Close() // the state file may be gone with the test's directory: not an error
		if tb.Failed() {
			for _, call := range s.Calls() {
				tb.Logf("fake: %v", call)
			}
		}
	})
	return s
}

// NewServer returns a Server for a program, which should call [Server.Close].
func NewServer(opts ...Option) *Server {
	s := &Server{config: defaultConfig()}
	for _, opt := range opts {
		opt(&s.config)
	}
	if s.config.assume {
		s.config.assumed = s.config.answers.assumeRest()
	}
	s.clock = newClock(s.config.realTime, s.config.start)
	s.worlds = make(map[scope]*world)
	s.hosts = make(map[string]*microVM)
	s.ids = newIDSource(s.config.seed)
	s.overrides.Store(&s.config.overrides)
	s.calls.limit = s.config.callLimit
	s.ended = make(chan struct{})
	for _, f := range s.config.faults {
		s.Inject(f.effect, f.conditions...)
	}
	return s
}

// Close ends the server: calls that [Hang] delays end, and new calls get a 503. If the
// server keeps a state file, Close saves the state once more and releases the file for
// other servers. Later calls do nothing.
//
// Servers of [New] are closed when their test ends.
func (s *Server) Close() error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	s.standstill.end()
	s.mu.Lock()
	k := s.keeper
	s.keeper = nil
	if !s.closed {
		s.closed = true
		close(s.ended)
	}
	s.mu.Unlock()
	if k == nil {
		return nil
	}
	k.mu.Lock()
	err := k.save(s)
	k.mu.Unlock()
	k.end()
	return err
}

// Options returns options for a client that talks to this server without a network. It
// retries as in the standard mode, but without the random delays. A Retry-After header
// moves the test clock instead of sleeping.
//
// All fields can be changed. The delays of another Retryer move the test clock, too; only
// the rate limit of the adaptive mode sleeps in real time.
func (s *Server) Options() lambdamicrovms.Options {
	return lambdamicrovms.Options{
		Region:      s.config.region,
		Credentials: s.Credentials(),
		HTTPClient:  s,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(s.backoff)
		}),
	}
}

// Config returns a configuration of the AWS SDK whose clients of this module talk to this
// server, with the retries of [Server.Options]: for the test of a program that makes its
// client by lambdamicrovms.NewFromConfig. Clients of other services, such as S3, would
// send their requests to this server as well, which does not serve them.
func (s *Server) Config() aws.Config {
	options := s.Options()
	return aws.Config{
		Region:      options.Region,
		Credentials: options.Credentials,
		HTTPClient:  s,
		Retryer:     func() aws.Retryer { return options.Retryer },
	}
}

// Advance moves the server's time forward by d. It panics if d is negative. The next call
// sees the builds that ended and the MicroVMs that started in that time.
func (s *Server) Advance(d time.Duration) { s.clock.advance(d) }

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Clock returns the server's clock, for waiters and workflows. Sleep on the test clock
// moves the time forward and returns at once.
func (s *Server) Clock() lambdamicrovms.Clock { return s.clock }

// SetOverrides replaces the overrides for the calls that follow.
func (s *Server) SetOverrides(overrides Overrides) {
	s.overrides.Store(&overrides)
}

// Do sends a request to the server without a network.
func (s *Server) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		closeBody(r)
		return nil, err
	}
	if forEndpoint(r) {
		return memhttp.RoundTrip(r, http.HandlerFunc(s.serveEndpoint))
	}
	res := s.exchange(r)
	closeBody(r)
	if err := s.deliver(r.Context(), res); err != nil {
		return nil, err
	}
	return res.toClient(r)
}

// RoundTrip is Do. As the Transport of an [http.Client], a Server reaches the endpoints
// of its MicroVMs without a network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) { return s.Do(r) }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if forEndpoint(r) {
		s.serveEndpoint(w, r)
		return
	}
	res := s.exchange(r)
	if err := s.deliver(r.Context(), res); err != nil {
		hangUp(w)
		return
	}
	res.toWire(w)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// maxBody is the limit of Lambda for requests.
const maxBody = 6 << 20

// exchange handles a request and logs it.
func (s *Server) exchange(r *http.Request) *response {
	c := s.newCall(r)
	var res *response
	if body, err := readAll(r.Body); err != nil {
		res = c.refuse(err)
	} else {
		c.body = body
		res = c.handle()
	}
	common := [...]string{c.requestID, s.dates.text(c.today())} // one allocation for both
	res.header["X-Amzn-Requestid"], res.header["Date"] = common[0:1:1], common[1:2:2]
	for _, assumption := range c.assumptions {
		res.header.Add(assumedHeader, assumption)
	}
	for _, d := range c.damages {
		d.damage(res)
	}
	s.note(c, res)
	return res
}

func readAll(body io.Reader) (string, error) {
	if body == nil {
		return "", nil
	}
	content, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case err != nil:
		return "", unreadable("the body is incomplete")
	case len(content) > maxBody:
		return "", tooLarge()
	}
	return string(content), nil
}
