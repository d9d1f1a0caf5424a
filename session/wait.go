package session

import (
	"context"
	"errors"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// The lead of a change that the session has asked for is the time until it polls first:
// half of the time that the change was measured to take (a start 1.85 s, a resume 1.2 s, a
// suspension 1 to 2 s). The polls that this saves come closer together later.
const (
	startLead   = 900 * time.Millisecond
	resumeLead  = 600 * time.Millisecond
	suspendLead = 500 * time.Millisecond

	// minPollDelay is the least time between polls after a lead.
	minPollDelay = 150 * time.Millisecond
)

// newWaiter is one of the functions that make the waiters of MicroVMs.
type newWaiter = func(lambdamicrovms.GetMicroVMAPIClient, ...func(*lambdamicrovms.MicroVMRunningWaiterOptions)) *lambdamicrovms.MicroVMRunningWaiter

func (s *Session) waiter(until newWaiter) *lambdamicrovms.MicroVMRunningWaiter {
	return until(s.api, func(o *lambdamicrovms.MicroVMRunningWaiterOptions) {
		if s.options.Clock != nil { // with its own default a waiter cuts off polls that hang
			o.Clock = s.options.Clock
		}
	})
}

func (s *Session) polled() *lambdamicrovms.GetMicroVMInput {
	return &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id}
}

// wait waits for at most Options.MaxWait. It polls first after the lead, or after half of
// MaxWait if that is less.
func (s *Session) wait(ctx context.Context, until newWaiter, lead time.Duration) (*lambdamicrovms.GetMicroVMOutput, error) {
	lead = min(lead, s.options.MaxWait/2)
	if lead == 0 {
		return s.waiter(until).WaitForOutput(ctx, s.polled(), s.options.MaxWait)
	}
	_ = s.clock.Sleep(ctx, lead) // the waiter reports a context that has ended
	found, err := s.waiter(until).WaitForOutput(ctx, s.polled(), s.options.MaxWait-lead,
		func(o *lambdamicrovms.MicroVMRunningWaiterOptions) { o.MinDelay = minPollDelay })
	return found, countLead(err, lead)
}

// countLead makes the error of a waiter tell of the whole wait.
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
