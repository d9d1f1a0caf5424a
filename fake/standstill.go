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

// Polls are taken for waiting in real time after so many of the same request over so long.
const (
	idlePolls = 3
	idleTime  = 3 * time.Second
)

// standstill notices callers who poll in real time while the test clock, on which everything depends that they wait
// for, does not move.
type standstill struct {
	mu    sync.Mutex
	ended bool      // the log of a test must not be used after its end
	told  bool      // once is enough
	at    time.Time // the server's time
	since time.Time // real time at which the server's time was first seen to be that
	polls map[string]int
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
	if now := s.clock.Now(); !now.Equal(w.at) || method != http.MethodGet || len(w.polls) > 1000 {
		w.at, w.since, w.polls = now, time.Now(), nil
	}
	if method != http.MethodGet {
		return
	}
	if w.polls == nil {
		w.polls = make(map[string]int)
	}
	w.polls[url]++
	if waited := time.Since(w.since); w.polls[url] >= idlePolls && waited >= idleTime {
		w.told = true
		s.config.logf("fake: %s was called %d times in %v while the server's time stood still at %s: "+
			"give the waiter or workflow the clock of the server, Clock: srv.Clock(), or move it with srv.Advance",
			operation, w.polls[url], waited.Round(time.Second), w.at.Format(time.RFC3339))
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
