package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Describe returns the state and the configuration of the MicroVM.
func (s *Session) Describe(ctx context.Context) (*lambdamicrovms.GetMicroVMOutput, error) {
	found, err := s.api.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &s.id})
	if err == nil && (found == nil || found.State == "") {
		return nil, workflow.Incomplete("GetMicroVM", "state")
	}
	return found, s.secrets.Error(err)
}

// Suspend suspends the MicroVM and waits until it is SUSPENDED. It does nothing if the
// MicroVM is suspended already. If the MicroVM ends instead, for example because its
// suspend hook fails, the error is a *StateError with the reason.
func (s *Session) Suspend(ctx context.Context) error {
	return s.during(ctx, "session.Suspend", s.suspend)
}

func (s *Session) suspend(ctx context.Context) error {
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

// Resume resumes the MicroVM and waits until it is RUNNING. It does nothing if the
// MicroVM is running already. Concurrent callers share one resume. If the MicroVM has
// ended, the error is a *StateError.
func (s *Session) Resume(ctx context.Context) error {
	_, err := s.resumes.do(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.during(ctx, "session.Resume", s.resume)
	})
	return err
}

func (s *Session) resume(ctx context.Context) error {
	found, err := s.Describe(ctx)
	if err == nil && found.State != types.MicroVMStateRunning {
		found, err = s.awaken(ctx, found.State, 0)
	}
	return s.stateError(ctx, "resume", found, err)
}

// Wait waits until the MicroVM has ended or the context ends. The output has the reason
// and the time of the end. Wait also works after Close.
func (s *Session) Wait(ctx context.Context) (ended *lambdamicrovms.GetMicroVMOutput, err error) {
	err = s.during(ctx, "session.Wait", func(ctx context.Context) (err error) {
		ended, err = s.waiter(lambdamicrovms.NewMicroVMTerminatedWaiter).WaitForOutput(ctx, s.polled(), longerThanAnyLife)
		return err
	})
	return ended, err
}

// longerThanAnyLife is never reached: a MicroVM lives for at most 8 hours.
const longerThanAnyLife = 24 * time.Hour

// awaken waits until the MicroVM is RUNNING, and resumes it first if necessary. state is
// the last state seen. lead is the delay before the first poll of a MicroVM that is
// starting.
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

// unlessIn returns the error of a state change, or nil if the MicroVM is in one of the
// states nevertheless, because another client has changed it.
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

// stateError returns a *StateError if the MicroVM has ended or did not reach the state
// that the action waits for. It returns errors of calls unchanged.
func (s *Session) stateError(ctx context.Context, action string, last *lambdamicrovms.GetMicroVMOutput, err error) error {
	var failed *lambdamicrovms.WaiterFailureError
	var late *lambdamicrovms.WaiterTimeoutError
	switch {
	case err == nil && !ends(last.State):
		return nil
	case err == nil, errors.As(err, &failed), errors.As(err, &late):
		last = s.fate(ctx, last)
		return &StateError{Action: action, MicroVMID: s.id, State: last.State, Reason: aws.ToString(last.StateReason), Err: err}
	}
	return err
}

// fate returns the last state of a MicroVM with its reason. The reason of a MicroVM that
// is TERMINATING may only be known once it is TERMINATED.
func (s *Session) fate(ctx context.Context, last *lambdamicrovms.GetMicroVMOutput) *lambdamicrovms.GetMicroVMOutput {
	if last == nil {
		return &lambdamicrovms.GetMicroVMOutput{}
	}
	if last.State == types.MicroVMStateTerminating && aws.ToString(last.StateReason) == "" {
		if ended, err := s.wait(ctx, lambdamicrovms.NewMicroVMTerminatedWaiter, 0); err == nil {
			return ended
		}
	}
	return last
}

func ends(state types.MicroVMState) bool {
	return state == types.MicroVMStateTerminating || state == types.MicroVMStateTerminated
}

// terminate requests the termination of a MicroVM. If the MicroVM is not found, it has
// ended.
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
