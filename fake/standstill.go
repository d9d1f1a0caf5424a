package fake

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// WithLog sets a function that is called if a test waits for something that cannot
// happen: it polls in real time while the server's time stands still, or it calls an
// operation that hangs, without a deadline. The default of [New] is the log of the test,
// and also standard error, because go test drops the log of a test that times out.
// [NewServer] has no default.
func WithLog(logf func(format string, args ...any)) Option {
	return func(c *config) { c.logf = logf }
}

// logTo returns the default of New.
func logTo(tb TB) func(format string, args ...any) {
	return func(format string, args ...any) {
		tb.Helper()
		tb.Logf(format, args...)
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// A caller is assumed to wait in real time after idlePolls polls over idleTime. A poll is
// a request that is repeated after at least idlePause; more frequent requests are load.
const (
	idlePolls = 3
	idleTime  = 3 * time.Second
	idlePause = 400 * time.Millisecond
	busyRate  = 50 // at more calls per second it is load, not waiting
)

// repetition counts the polls of a URL.
type repetition struct {
	last  time.Time // in real time
	polls int
}

// target is what a request is sent to.
type target struct{ method, url string }

// standstill detects callers that poll in real time while the test clock does not move.
type standstill struct {
	mu    sync.Mutex
	ended bool      // a log must not be used after its test
	told  bool      // the message was logged; it is logged once
	at    time.Time // the server's time
	since time.Time // real time when the server's time was first seen at this value
	calls map[target]repetition
	total int // of calls since then
}

// watch checks whether a call is one of a series of polls. acted is true if the call may
// have changed something, and then is not a poll. A call that fails is one: callers
// repeat an update, for example, while the image is busy.
func (s *Server) watch(method string, operation Operation, url string, acted bool) {
	w := &s.standstill
	if s.config.logf == nil || s.config.realTime || operation == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told || w.ended {
		return
	}
	now := time.Now()
	if at := s.clock.Now(); !at.Equal(w.at) || acted || len(w.calls) > 1000 {
		w.at, w.since, w.total = at, now, 0
		clear(w.calls)
	}
	if w.calls == nil {
		w.calls = make(map[target]repetition)
	}
	to := target{method, url}
	call := w.calls[to]
	if now.Sub(call.last) >= idlePause {
		call.polls++
	}
	call.last = now
	w.calls[to] = call
	w.total++
	waited := now.Sub(w.since)
	if call.polls >= idlePolls && waited >= idleTime && w.total < busyRate*int(waited.Seconds()) {
		w.told = true
		s.config.logf("fake: %s was polled for %v while the server's time stood still at %s: "+
			"give the waiter or workflow the clock of the server, Clock: srv.Clock(), or move it with srv.Advance",
			operation, waited.Round(time.Second), w.at.Format(time.RFC3339))
	}
}

// hint logs a message.
func (s *Server) hint(format string, args ...any) {
	w := &s.standstill
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.config.logf != nil && !w.ended {
		s.config.logf(format, args...)
	}
}

// end stops logging.
func (w *standstill) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
