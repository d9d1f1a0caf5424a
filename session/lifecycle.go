package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Describe reads the state and the settings of the MicroVM.
func (s *Session) Describe(ctx context.Context) (*lambdamicrovms.GetMicroVMOutput, error) {
	found, err := s.api.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id})
	if err == nil && (found == nil || found.State == "") {
		return nil, workflow.Incomplete("GetMicroVM", "state")
	}
	return found, err
}

// Suspend suspends the MicroVM and waits until it is SUSPENDED. It does nothing if it is. If the MicroVM ends
// instead, as one does whose suspend hook fails, the error is a *StateError with the reason.
func (s *Session) Suspend(ctx context.Context) error {
	found, err := s.Describe(ctx)
	if err != nil {
		return err
	}
	if found.State == types.MicroVMStatePending {
		found, err = s.wait(ctx, lambdamicrovms.NewMicroVMRunningWaiter, 0)
	}
	lead := time.Duration(0)
	if err == nil && found.State == types.MicroVMStateRunning {
		_, err = s.api.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: &s.id})
		err = s.unlessIn(ctx, err, types.MicroVMStateSuspending, types.MicroVMStateSuspended)
		lead = suspendLead
	}
	if err == nil && found.State != types.MicroVMStateSuspended {
		found, err = s.wait(ctx, lambdamicrovms.NewMicroVMSuspendedWaiter, lead)
	}
	return s.stateError(ctx, "suspend", found, err)
}

// Resume resumes the MicroVM and waits until it is RUNNING. It does nothing if it is; callers at the same time
// share one resume. If the MicroVM has ended the error is a *StateError.
func (s *Session) Resume(ctx context.Context) error {
	_, err := s.resumes.do(ctx, func(ctx context.Context) (struct{}, error) {
		found, err := s.Describe(ctx)
		if err == nil && found.State != types.MicroVMStateRunning {
			found, err = s.awaken(ctx, found.State, 0)
		}
		return struct{}{}, s.stateError(ctx, "resume", found, err)
	})
	return err
}

// Wait waits until the MicroVM has ended, for as long as the context allows, and returns what it was last: with
// the reason, and the time of its end. It works after Close, too.
func (s *Session) Wait(ctx context.Context) (*lambdamicrovms.GetMicroVMOutput, error) {
	return s.waiter(lambdamicrovms.NewMicroVMTerminatedWaiter).WaitForOutput(ctx, s.polled(), longerThanAnyLife)
}

// longerThanAnyLife is a limit that is not reached: a MicroVM lives for 8 hours at most.
const longerThanAnyLife = 24 * time.Hour

// awaken brings a MicroVM that was found in a state to RUNNING. The lead is for the wait
// for one that is starting.
func (s *Session) awaken(ctx context.Context, state types.MicroVMState, lead time.Duration) (*lambdamicrovms.GetMicroVMOutput, error) {
	if state == types.MicroVMStateSuspending {
		found, err := s.wait(ctx, lambdamicrovms.NewMicroVMSuspendedWaiter, 0)
		if err != nil {
			return found, err
		}
		state = found.State
	}
	switch state {
	case types.MicroVMStatePending:
	case types.MicroVMStateSuspended:
		_, err := s.api.ResumeMicroVM(ctx, &lambdamicrovms.ResumeMicroVMInput{MicroVMIdentifier: &s.id})
		if err := s.unlessIn(ctx, err, types.MicroVMStatePending, types.MicroVMStateRunning); err != nil {
			return nil, err
		}
		lead = resumeLead
	default:
		lead = 0
	}
	return s.wait(ctx, lambdamicrovms.NewMicroVMRunningWaiter, lead)
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
		return s.secrets.Error(&StateError{Action: action, MicroVMID: s.id, State: state, Reason: reason, Err: err})
	}
	return err
}

// fate returns the last state of a MicroVM and the reason. One that is about to end tells the reason when it has.
func (s *Session) fate(ctx context.Context, last *lambdamicrovms.GetMicroVMOutput) (types.MicroVMState, string) {
	if last == nil {
		return "", ""
	}
	if last.State == types.MicroVMStateTerminating && deref(last.StateReason) == "" {
		if ended, err := s.wait(ctx, lambdamicrovms.NewMicroVMTerminatedWaiter, 0); err == nil {
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
