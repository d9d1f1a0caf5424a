//go:build go1.25

package fake_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestWakeInRealTime checks that with WithRealTime a request waits for the MicroVM that
// it resumes, and what other calls see meanwhile.
func TestWakeInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSession(t, fake.WithRealTime())
		vm := s.started(func(in *lambdamicrovms.RunMicroVMInput) {
			in.IdlePolicy = &types.IdlePolicy{AutoResumeEnabled: aws.Bool(true), MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(3600)}
		})
		token := s.token(vm.MicroVMId)
		time.Sleep(2 * time.Minute)
		state := func() types.MicroVMState {
			out, err := s.get(vm.MicroVMId)
			if err != nil {
				t.Fatal(err)
			}
			return out.State
		}
		if got := state(); got != types.MicroVMStateSuspended {
			t.Errorf("idle for two minutes: %s", got)
		}

		begin := time.Now()
		responses := make(chan string)
		go func() { responses <- s.ask(*vm.Endpoint, token, "") }()
		synctest.Wait()
		if got := state(); got != types.MicroVMStatePending {
			t.Errorf("while it wakes: %s", got)
		}
		if got := <-responses; !strings.HasPrefix(got, "200") {
			t.Errorf("the request that woke it got %s", got)
		}
		if got, want := time.Since(begin), fake.MeasuredDelays().Resume; got != want {
			t.Errorf("the request took %v, want %v", got, want)
		}
	})
}
