package fake

import (
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// phase is the state of a MicroVM from a point in time. The state is empty if it is
// unknown, see Answers.LongSuspension.
type phase struct {
	State  types.MicroVMState `json:"state"`
	From   time.Time          `json:"from"`
	Reason *string            `json:"reason,omitempty"`

	Assumed bool `json:"assumed,omitempty"` // see WithAssumedAnswers
}

// timeline is the current phase of a MicroVM and the phases that follow without further
// calls.
type timeline []phase

// index returns the index of the phase at a time.
func (t timeline) index(now time.Time) int {
	for i := len(t) - 1; i > 0; i-- {
		if !t[i].From.After(now) {
			return i
		}
	}
	return 0
}

func (t timeline) at(now time.Time) phase { return t[t.index(now)] }

// next returns when the following phase begins, if it has the given state.
func (t timeline) next(now time.Time, state types.MicroVMState) (from time.Time, ok bool) {
	if i := t.index(now) + 1; i < len(t) && t[i].State == state {
		return t[i].From, true
	}
	return time.Time{}, false
}

// reasonSuccess is the stateReason of a MicroVM that has ended normally.
const reasonSuccess = "Success."

func ending(from time.Time, takes time.Duration) []phase {
	return []phase{
		{State: types.MicroVMStateTerminating, From: from},
		{State: types.MicroVMStateTerminated, From: from.Add(takes), Reason: ptr(reasonSuccess)},
	}
}

// turn replaces the phases after the current one, and appends what follows from them.
func (vm *microVM) turn(now time.Time, config *config, phases ...phase) {
	present := vm.phases.at(now)
	vm.phases = append(timeline{present}, phases...)
	if len(phases) > 0 && !phases[0].From.After(now) {
		vm.phases = vm.phases[1:]
	}
	vm.foresee(config)
}

// foresee appends the phases that come without a call: suspension when idle, the end of a
// long suspension, and termination at the maximum duration.
func (vm *microVM) foresee(config *config) {
	policy := vm.settings.IdlePolicy
	last := func() phase { return vm.phases[len(vm.phases)-1] }
	if policy != nil && last().State == types.MicroVMStateRunning {
		idleFrom := last().From
		if vm.activeAt.After(idleFrom) {
			idleFrom = vm.activeAt
		}
		idleFrom = idleFrom.Add(seconds(*policy.MaxIdleDurationSeconds))
		vm.phases = append(vm.phases, suspending(idleFrom, config.delays.Suspend)...)
	}
	if policy != nil && last().State == types.MicroVMStateSuspended {
		until := last().From.Add(seconds(*policy.SuspendedDurationSeconds))
		switch config.answers.LongSuspension {
		case LongSuspensionUnknown:
			vm.phases = append(vm.phases, phase{From: until})
		case LongSuspensionEnds:
			phases := ending(until, config.delays.Terminate)
			for i := range phases {
				phases[i].Assumed = config.assumed["LongSuspension"]
			}
			vm.phases = append(vm.phases, phases...)
		}
	}

	deadline := vm.settings.StartedAt.Add(seconds(*vm.settings.MaximumDurationInSeconds))
	before := slices.IndexFunc(vm.phases, func(p phase) bool { return !p.From.Before(deadline) })
	if before < 0 {
		before = len(vm.phases)
	}
	if before > 0 && !ends(vm.phases[before-1].State) {
		vm.phases = append(vm.phases[:before], ending(deadline, config.delays.Terminate)...)
	}
}

func suspending(from time.Time, takes time.Duration) []phase {
	return []phase{
		{State: types.MicroVMStateSuspending, From: from},
		{State: types.MicroVMStateSuspended, From: from.Add(takes)},
	}
}

func ends(state types.MicroVMState) bool {
	return state == types.MicroVMStateTerminating || state == types.MicroVMStateTerminated
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// asleep reports whether the MicroVM is SUSPENDING, or SUSPENDED and not being resumed.
func (vm *microVM) asleep(now time.Time) bool {
	switch vm.state(now) {
	case types.MicroVMStateSuspending:
		return true
	case types.MicroVMStateSuspended:
		_, resumes := vm.phases.next(now, types.MicroVMStateRunning)
		return !resumes
	}
	return false
}

func (c *call) suspendMicroVM(in *lambdamicrovms.SuspendMicroVMInput) (*lambdamicrovms.SuspendMicroVMOutput, error) {
	vm, err := c.findMicroVM(in.MicroVMIdentifier)
	if err != nil {
		return nil, err
	}
	if state := vm.state(c.now); state != types.MicroVMStateRunning {
		return &lambdamicrovms.SuspendMicroVMOutput{}, c.outOfTurn(vm)
	}
	config := &c.server.config
	phases := suspending(c.now, config.delays.Suspend)
	if broken, ok := c.suspendFault(); ok {
		phases[1].State, phases[1].Reason = types.MicroVMStateTerminated, ptr(broken.Reason)
	}
	vm.turn(c.now, config, phases...)
	return &lambdamicrovms.SuspendMicroVMOutput{}, nil
}

// resumeMicroVM never shows PENDING: the MicroVM stays SUSPENDED until it is RUNNING.
func (c *call) resumeMicroVM(in *lambdamicrovms.ResumeMicroVMInput) (*lambdamicrovms.ResumeMicroVMOutput, error) {
	vm, err := c.findMicroVM(in.MicroVMIdentifier)
	if err != nil {
		return nil, err
	}
	if state := vm.state(c.now); state != types.MicroVMStateSuspended || !vm.asleep(c.now) {
		return &lambdamicrovms.ResumeMicroVMOutput{}, c.outOfTurn(vm)
	}
	config := &c.server.config
	vm.turn(c.now, config, phase{State: types.MicroVMStateRunning, From: c.now.Add(config.delays.Resume)})
	return &lambdamicrovms.ResumeMicroVMOutput{}, nil
}

// outOfTurn returns the error of a suspend or resume in the wrong state.
func (c *call) outOfTurn(vm *microVM) error {
	if err := c.known(vm); err != nil {
		return err
	}
	state := vm.state(c.now)
	if state == types.MicroVMStateTerminated {
		return invalid("The MicroVM %s has been terminated and its state cannot be changed.", vm.id())
	}
	return c.settle(c.server.config.answers.OutOfTurn, "OutOfTurn",
		"the response to "+string(c.operation)+" when the MicroVM is "+string(state),
		"The MicroVM "+vm.id()+" is in state: "+string(state))
}

// terminateMicroVM succeeds for a MicroVM that has already ended.
func (c *call) terminateMicroVM(in *lambdamicrovms.TerminateMicroVMInput) (*lambdamicrovms.TerminateMicroVMOutput, error) {
	vm, err := c.findMicroVM(in.MicroVMIdentifier)
	if err != nil {
		return nil, err
	}
	if !ends(vm.state(c.now)) {
		config := &c.server.config
		vm.turn(c.now, config, ending(c.now, config.delays.Terminate)...)
	}
	return &lambdamicrovms.TerminateMicroVMOutput{}, nil
}
