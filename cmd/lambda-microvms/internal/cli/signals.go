package cli

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// signals interrupts the command at the first Ctrl-C. The second one ends the program at
// once.
type signals struct {
	received chan os.Signal

	mu       sync.Mutex
	cleanups []*func() // in the order of their registration
}

func watchSignals(interrupt func()) *signals {
	s := &signals{received: make(chan os.Signal, 2)}
	signal.Notify(s.received, os.Interrupt)
	go func() {
		for interrupted := false; ; interrupted = true {
			if received := <-s.received; interrupted || received != os.Interrupt {
				s.kill(received)
			}
			interrupt()
		}
	}()
	return s
}

// OnKill has cleanup called when a signal ends the program at once: the second Ctrl-C,
// SIGTERM or SIGHUP. cleanup runs beside the command, and must not call release. The last
// one that was registered runs first: a terminal is restored before something is printed.
func (s *Session) OnKill(cleanup func()) (release func()) {
	return s.signals.onKill(cleanup)
}

func (s *signals) onKill(cleanup func()) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	signal.Notify(s.received, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(s.received, syscall.SIGHUP)
	}
	s.cleanups = append(s.cleanups, &cleanup)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cleanups = slices.DeleteFunc(s.cleanups, func(c *func()) bool { return c == &cleanup })
	}
}

// cleanupTimeout limits the cleanups of a kill: one that prints could wait forever for
// somebody who reads.
const cleanupTimeout = time.Second

// kill ends the program by a signal, as if it had not been caught.
func (s *signals) kill(received os.Signal) {
	s.mu.Lock() // and never unlock: the command must not go on
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, cleanup := range slices.Backward(s.cleanups) {
			(*cleanup)()
		}
	}()
	select {
	case <-done:
	case <-time.After(cleanupTimeout):
	}
	signal.Reset(received)
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(received) == nil {
		time.Sleep(time.Second) // the signal takes a moment to arrive
	}
	// Windows cannot send the signal, and a parent may have had it ignored.
	os.Exit(fault.ExitInterrupted)
}
