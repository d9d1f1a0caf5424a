package cli

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// signals interrupts the command at the first signal, so that it can undo what it has
// begun in AWS. The program ends at once at the second signal, or if a command takes
// longer than grace after SIGTERM or SIGHUP, since what sends them soon sends SIGKILL.
type signals struct {
	received chan os.Signal
	first    atomic.Pointer[os.Signal] // nil before a signal
	grace    func() <-chan time.Time   // receives when grace is over
	end      func(received os.Signal)  // ends the program as if the signal had not been caught

	mu       sync.Mutex
	cleanups []*func() // in the order of their registration
}

// grace is how long a command may go on after SIGTERM or SIGHUP.
const grace = time.Second

func newSignals() *signals {
	return &signals{
		received: make(chan os.Signal, 2),
		grace:    func() <-chan time.Time { return time.After(grace) },
		end:      raise,
	}
}

// watch waits for signals, and calls interrupt at the first one.
func (s *signals) watch(interrupt func()) {
	first := <-s.received
	s.first.Store(&first)
	interrupt()
	var over <-chan time.Time // never after Ctrl-C: the user can press it again
	if first != os.Interrupt {
		over = s.grace()
	}
	select {
	case second := <-s.received:
		s.kill(second)
	case <-over:
		s.kill(first)
	}
}

// finish ends the program by the signal that has interrupted its command. After Ctrl-C
// the program has an exit code instead.
func (s *signals) finish() {
	if first := s.first.Load(); first != nil && *first != os.Interrupt {
		s.end(*first)
	}
}

// OnKill has cleanup called when a signal ends the program before the command has ended.
// cleanup runs beside the command, and must not call release. The last one that was
// registered runs first: a terminal is restored before something is printed.
//
// From then on, SIGTERM and SIGHUP interrupt the command as Ctrl-C does. Before, they end
// the program.
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

// kill ends the program after its cleanups.
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
	s.end(received)
}

// raise ends the program by a signal, as if it had not been caught.
func raise(received os.Signal) {
	signal.Reset(received)
	if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(received) == nil {
		time.Sleep(time.Second) // the signal takes a moment to arrive
	}
	// Windows cannot send the signal, and a parent may have had it ignored.
	os.Exit(fault.ExitInterrupted)
}
