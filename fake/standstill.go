package fake

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// WithLog sets where the server reports that a test seems to wait for nothing. The default of [New] is the log of the
// test and standard error, because go test drops the log of a test that times out; that of [NewServer] is none.
func WithLog(logf func(format string, args ...any)) Option {
	return func(c *config) { c.logf = logf }
}

// logTo is the default of New.
func logTo(tb TB) func(format string, args ...any) {
	return func(format string, args ...any) {
		tb.Helper()
		tb.Logf(format, args...)
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
}

// Repeated requests are taken for waiting in real time after so many polls over so long. A poll is a request that
// repeats another after a pause, which tells it from load.
const (
	idlePolls = 3
	idleTime  = 3 * time.Second
	idlePause = 400 * time.Millisecond
	busyRate  = 50 // calls a second that are load, not waiting
)

// repetition is what is known of the calls of one URL.
type repetition struct {
	last  time.Time // in real time
	polls int
}

// standstill notices callers who poll in real time while the test clock, on which everything depends that they wait
// for, does not move.
type standstill struct {
	mu    sync.Mutex
	ended bool                  // the log of a test must not be used after its end
	told  bool                  // once is enough
	at    time.Time             // the server's time
	since time.Time             // real time at which the server's time was first seen to be that
	calls map[string]repetition // by URL
	total int                   // of calls since then
}

// watch notes a call. It is cheap enough for every call: most tests move the clock on before long.
func (s *Server) watch(method string, operation Operation, url string) {
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
	if at := s.clock.Now(); !at.Equal(w.at) || method != http.MethodGet || len(w.calls) > 1000 {
		w.at, w.since, w.total = at, now, 0
		clear(w.calls)
	}
	if method != http.MethodGet {
		return
	}
	if w.calls == nil {
		w.calls = make(map[string]repetition)
	}
	call := w.calls[url]
	if now.Sub(call.last) >= idlePause {
		call.polls++
	}
	call.last = now
	w.calls[url] = call
	w.total++
	waited := now.Sub(w.since)
	if call.polls >= idlePolls && waited >= idleTime && w.total < busyRate*int(waited.Seconds()) {
		w.told = true
		s.config.logf("fake: %s was polled for %v while the server's time stood still at %s: "+
			"give the waiter or workflow the clock of the server, Clock: srv.Clock(), or move it with srv.Advance",
			operation, waited.Round(time.Second), w.at.Format(time.RFC3339))
	}
}

// hint logs at once.
func (s *Server) hint(format string, args ...any) {
	w := &s.standstill
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.config.logf != nil && !w.ended {
		s.config.logf(format, args...)
	}
}

// end keeps the log of a test from being used after the test.
func (w *standstill) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
