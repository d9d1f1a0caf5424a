package session

import (
	"context"
	"errors"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// The lead is the delay before the first poll after a state change was requested. It is
// about half of the measured duration of the change: start 1.85 s, resume 1.2 s, suspend
// 1 to 2 s. The polls that this saves are spent on shorter delays afterwards.
const (
	startLead   = 900 * time.Millisecond
	resumeLead  = 600 * time.Millisecond
	suspendLead = 500 * time.Millisecond

	// minPollDelay is the minimum delay between polls after a lead.
	minPollDelay = 150 * time.Millisecond
)

// newWaiter is the type of the constructors of MicroVM waiters.
type newWaiter = func(lambdamicrovms.GetMicroVMAPIClient, ...func(*lambdamicrovms.MicroVMRunningWaiterOptions)) *lambdamicrovms.MicroVMRunningWaiter

func (s *Session) waiter(until newWaiter) *lambdamicrovms.MicroVMRunningWaiter {
	return until(s.api, func(o *lambdamicrovms.MicroVMRunningWaiterOptions) {
		if s.options.Clock != nil { // without a clock, the waiter also cancels polls that hang
			o.Clock = s.options.Clock
		}
	})
}

func (s *Session) polled() *lambdamicrovms.GetMicroVMInput {
	return &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id}
}

// wait waits for at most Options.MaxWait. It polls first after the lead, or after half of
// MaxWait if that is shorter.
func (s *Session) wait(ctx context.Context, until newWaiter, lead time.Duration) (found *lambdamicrovms.GetMicroVMOutput, err error) {
	err = s.during(ctx, "wait", func(ctx context.Context) (err error) {
		found, err = s.poll(ctx, until, lead)
		return err
	})
	return found, err
}

func (s *Session) poll(ctx context.Context, until newWaiter, lead time.Duration) (*lambdamicrovms.GetMicroVMOutput, error) {
	lead = min(lead, s.options.MaxWait/2)
	if lead == 0 {
		return s.waiter(until).WaitForOutput(ctx, s.polled(), s.options.MaxWait)
	}
	_ = s.clock.Sleep(ctx, lead) // the waiter reports a context that has ended
	found, err := s.waiter(until).WaitForOutput(ctx, s.polled(), s.options.MaxWait-lead,
		func(o *lambdamicrovms.MicroVMRunningWaiterOptions) { o.MinDelay = minPollDelay })
	return found, countLead(err, lead)
}

// countLead adds the lead to the durations in the error of a waiter.
func countLead(err error, lead time.Duration) error {
	var late *lambdamicrovms.WaiterTimeoutError
	if errors.As(err, &late) {
		late.MaxWait += lead
		late.Elapsed += lead
	}
	var failed *lambdamicrovms.WaiterFailureError
	if errors.As(err, &failed) {
		failed.Elapsed += lead
	}
	return err
}
