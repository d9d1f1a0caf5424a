package fake

import (
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// phase is a state that a MicroVM has from some time on. The state is empty if nobody knows it.
type phase struct {
	State  types.MicroVMState `json:"state"`
	From   time.Time          `json:"from"`
	Reason *string            `json:"reason,omitempty"`

	Assumed bool `json:"assumed,omitempty"` // see WithAssumedAnswers
}

// timeline is the present phase of a MicroVM and, after it, what will become of it if nobody calls.
type timeline []phase

// index returns which phase it is in.
func (t timeline) index(now time.Time) int {
	for i := len(t) - 1; i > 0; i-- {
		if !t[i].From.After(now) {
			return i
		}
	}
	return 0
}

func (t timeline) at(now time.Time) phase { return t[t.index(now)] }

// next returns when the phase begins that follows the present one with the state given, if it does.
func (t timeline) next(now time.Time, state types.MicroVMState) (from time.Time, ok bool) {
	if i := t.index(now) + 1; i < len(t) && t[i].State == state {
		return t[i].From, true
	}
	return time.Time{}, false
}

// reasonSuccess is the reason of a MicroVM that has ended as it was to.
const reasonSuccess = "Success."

func ending(from time.Time, takes time.Duration) []phase {
	return []phase{
		{State: types.MicroVMStateTerminating, From: from},
		{State: types.MicroVMStateTerminated, From: from.Add(takes), Reason: ptr(reasonSuccess)},
	}
}

// turn replaces the future of a MicroVM: by the phases given and by what follows from them.
func (vm *microVM) turn(now time.Time, config *config, phases ...phase) {
	present := vm.phases.at(now)
	vm.phases = append(timeline{present}, phases...)
	if len(phases) > 0 && !phases[0].From.After(now) {
		vm.phases = vm.phases[1:]
	}
	vm.foresee(config)
}

// foresee appends what becomes of a MicroVM by itself: it is suspended when it is idle, ended when it was
// suspended for long, and ended when its time is over.
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

// asleep reports whether the MicroVM is suspended or about to be, and not about to run again.
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

// resumeMicroVM leaves the MicroVM SUSPENDED until it is RUNNING.
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

// outOfTurn is the error of a suspend or resume that does not fit the state.
func (c *call) outOfTurn(vm *microVM) error {
	if err := c.known(vm); err != nil {
		return err
	}
	state := vm.state(c.now)
	if state == types.MicroVMStateTerminated {
		return invalid("The MicroVM %s has been terminated and its state cannot be changed.", vm.id())
	}
	return c.settle(c.server.config.answers.OutOfTurn, "OutOfTurn",
		"what "+string(c.operation)+" gets when the MicroVM is "+string(state),
		"The MicroVM "+vm.id()+" is in state: "+string(state))
}

// terminateMicroVM succeeds again for a MicroVM that has ended.
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
