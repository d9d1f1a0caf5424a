package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Describe reads the state and the settings of the MicroVM.
func (s *Session) Describe(ctx context.Context) (*lambdamicrovms.GetMicroVMOutput, error) {
	return s.api.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id})
}

// Suspend suspends the MicroVM and waits until it is SUSPENDED. It does nothing if it is. If the MicroVM ends
// instead, as one does whose suspend hook fails, the error is a *StateError with the reason.
func (s *Session) Suspend(ctx context.Context) error {
	found, err := s.Describe(ctx)
	if err != nil {
		return err
	}
	if found.State == types.MicroVMStatePending {
		found, err = s.wait(ctx, lambdamicrovms.NewMicroVMRunningWaiter)
	}
	if err == nil && found.State == types.MicroVMStateRunning {
		_, err = s.api.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: &s.id})
		err = s.unlessIn(ctx, err, types.MicroVMStateSuspending, types.MicroVMStateSuspended)
	}
	if err == nil && found.State != types.MicroVMStateSuspended {
		found, err = s.wait(ctx, lambdamicrovms.NewMicroVMSuspendedWaiter)
	}
	return s.stateError(ctx, "suspend", found, err)
}

// Resume resumes the MicroVM and waits until it is RUNNING. It does nothing if it is; callers at the same time
// share one resume. If the MicroVM has ended the error is a *StateError.
func (s *Session) Resume(ctx context.Context) error {
	_, err := s.resumes.do(ctx, func(ctx context.Context) (struct{}, error) {
		found, err := s.Describe(ctx)
		if err == nil && found.State != types.MicroVMStateRunning {
			found, err = s.awaken(ctx, found.State)
		}
		return struct{}{}, s.stateError(ctx, "resume", found, err)
	})
	return err
}

// Wait waits until the MicroVM has ended, for as long as the context allows, and returns what it was last: with
// the reason, and the time of its end. It works after Close, too.
func (s *Session) Wait(ctx context.Context) (*lambdamicrovms.GetMicroVMOutput, error) {
	return s.waitFor(ctx, lambdamicrovms.NewMicroVMTerminatedWaiter, longerThanAnyLife)
}

// longerThanAnyLife is a limit that is not reached: a MicroVM lives for 8 hours at most.
const longerThanAnyLife = 24 * time.Hour

// awaken brings a MicroVM that was found in a state to RUNNING.
func (s *Session) awaken(ctx context.Context, state types.MicroVMState) (*lambdamicrovms.GetMicroVMOutput, error) {
	if state == types.MicroVMStateSuspending {
		found, err := s.wait(ctx, lambdamicrovms.NewMicroVMSuspendedWaiter)
		if err != nil {
			return found, err
		}
		state = found.State
	}
	if state == types.MicroVMStateSuspended {
		_, err := s.api.ResumeMicroVM(ctx, &lambdamicrovms.ResumeMicroVMInput{MicroVMIdentifier: &s.id})
		if err := s.unlessIn(ctx, err, types.MicroVMStatePending, types.MicroVMStateRunning); err != nil {
			return nil, err
		}
	}
	return s.wait(ctx, lambdamicrovms.NewMicroVMRunningWaiter)
}

// unlessIn returns the error of a change of the state, or nil if somebody else has brought it about.
func (s *Session) unlessIn(ctx context.Context, err error, states ...types.MicroVMState) error {
	if err == nil {
		return nil
	}
	found, unknown := s.Describe(ctx)
	if unknown == nil && slices.Contains(states, found.State) {
		return nil
	}
	return err
}

// newWaiter is one of the functions that make the waiters of MicroVMs.
type newWaiter = func(lambdamicrovms.GetMicroVMAPIClient, ...func(*lambdamicrovms.MicroVMRunningWaiterOptions)) *lambdamicrovms.MicroVMRunningWaiter

func (s *Session) wait(ctx context.Context, until newWaiter) (*lambdamicrovms.GetMicroVMOutput, error) {
	return s.waitFor(ctx, until, s.options.MaxWait)
}

func (s *Session) waitFor(ctx context.Context, until newWaiter, limit time.Duration) (*lambdamicrovms.GetMicroVMOutput, error) {
	waiter := until(s.api, func(o *lambdamicrovms.MicroVMRunningWaiterOptions) {
		if s.options.Clock != nil { // with its own default a waiter cuts off polls that hang
			o.Clock = s.options.Clock
		}
	})
	return waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id}, limit)
}

// stateError returns what is wrong when a MicroVM has ended or did not get where it should. Errors of calls stay as
// they are.
func (s *Session) stateError(ctx context.Context, action string, last *lambdamicrovms.GetMicroVMOutput, err error) error {
	var failed *lambdamicrovms.WaiterFailureError
	var late *lambdamicrovms.WaiterTimeoutError
	switch {
	case err == nil && !ends(last.State):
		return nil
	case err == nil, errors.As(err, &failed), errors.As(err, &late):
		state, reason := s.fate(ctx, last)
		return &StateError{Action: action, MicroVMID: s.id, State: state, Reason: reason, Err: err}
	}
	return err
}

// fate returns the last state of a MicroVM and the reason. One that is about to end tells the reason when it has.
func (s *Session) fate(ctx context.Context, last *lambdamicrovms.GetMicroVMOutput) (types.MicroVMState, string) {
	if last == nil {
		return "", ""
	}
	if last.State == types.MicroVMStateTerminating && deref(last.StateReason) == "" {
		if ended, err := s.wait(ctx, lambdamicrovms.NewMicroVMTerminatedWaiter); err == nil {
			last = ended
		}
	}
	return last.State, deref(last.StateReason)
}

func ends(state types.MicroVMState) bool {
	return state == types.MicroVMStateTerminating || state == types.MicroVMStateTerminated
}

// terminate asks for the end of a MicroVM. One that is not known any more has ended.
func terminate(ctx context.Context, api lambdamicrovms.TerminateMicroVMAPIClient, id string, clock lambdamicrovms.Clock, budget time.Duration) error {
	err := persist(ctx, clock, budget, func(ctx context.Context) error {
		_, err := api.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: &id})
		return err
	})
	if err == nil || lambdamicrovms.IsNotFound(err) {
		return nil
	}
	return &TerminateError{MicroVMID: id, Err: err}
}
