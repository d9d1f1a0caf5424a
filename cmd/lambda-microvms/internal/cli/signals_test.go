package cli

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A signal interrupts the command. The program ends if the command does, after the grace
// of SIGTERM and SIGHUP, or at a second signal.
func TestSignals(t *testing.T) {
	for _, test := range []struct {
		name  string
		first os.Signal
		then  func(*signals) // after the interruption
		grace bool           // passes at once
		want  []string
	}{
		{"second Ctrl-C", os.Interrupt, func(s *signals) { s.received <- os.Interrupt }, false, []string{"interrupt", "cleanup", "end by interrupt"}},
		{"SIGTERM after Ctrl-C", os.Interrupt, func(s *signals) { s.received <- syscall.SIGTERM }, true, []string{"interrupt", "cleanup", "end by terminated"}},
		{"SIGTERM, too slow", syscall.SIGTERM, nil, true, []string{"interrupt", "cleanup", "end by terminated"}},
		{"SIGHUP, too slow", syscall.SIGHUP, nil, true, []string{"interrupt", "cleanup", "end by hangup"}},
		{"second SIGTERM", syscall.SIGTERM, func(s *signals) { s.received <- syscall.SIGTERM }, false, []string{"interrupt", "cleanup", "end by terminated"}},
		{"SIGTERM, in time", syscall.SIGTERM, (*signals).finish, false, []string{"interrupt", "end by terminated"}},
		{"Ctrl-C, in time", os.Interrupt, func(s *signals) { s.finish(); s.end(os.Kill) }, true, []string{"interrupt", "end by killed"}},
		{"no signal", nil, func(s *signals) { s.finish(); s.end(os.Kill) }, true, []string{"end by killed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSignals()
			ended := make(chan struct{})
			var got []string
			s.end = func(received os.Signal) {
				got = append(got, "end by "+received.String())
				close(ended)
			}
			s.grace = func() <-chan time.Time {
				over := make(chan time.Time, 1)
				if test.grace {
					over <- time.Time{}
				}
				return over
			}
			s.cleanups = []*func(){ptr(func() { got = append(got, "cleanup") })}
			interrupted := make(chan struct{})
			go s.watch(func() {
				got = append(got, "interrupt")
				close(interrupted)
			})
			if test.first != nil {
				s.received <- test.first
				<-interrupted
			}
			if test.then != nil {
				test.then(s)
			}
			<-ended
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func ptr(f func()) *func() { return &f }
