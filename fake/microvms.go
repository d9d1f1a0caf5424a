package fake

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// microVM is a MicroVM. It stays listed after it has ended.
type microVM struct {
	sequence int64
	imageID  string
	version  int
	memory   int32                            // in MiB
	settings *lambdamicrovms.GetMicroVMOutput // all members but the state, its reason and terminatedAt
	activeAt time.Time                        // time of the last traffic
	phases   timeline
}

func (vm *microVM) id() string { return *vm.settings.MicroVMId }

func (vm *microVM) imageName() string {
	name, _, _ := parseImageARN(*vm.settings.ImageArn)
	return name.name
}

// state returns "" if the state is unknown, see Answers.LongSuspension.
func (vm *microVM) state(now time.Time) types.MicroVMState { return vm.phases.at(now).State }

// live reports whether the MicroVM counts against the memory quota and blocks deletes.
func (vm *microVM) live(now time.Time) bool {
	return vm.state(now) != types.MicroVMStateTerminated
}

// describe returns a MicroVM as Get does. It points to memory that is never written
// again.
func (vm *microVM) describe(now time.Time) *lambdamicrovms.GetMicroVMOutput {
	out := *vm.settings
	present := vm.phases.at(now)
	out.State = present.State
	out.StateReason = present.Reason
	if present.State == types.MicroVMStateTerminated {
		out.TerminatedAt = ptr(present.From)
	}
	return &out
}

// item returns a MicroVM as List does.
func (vm *microVM) item(now time.Time) *types.MicroVMItem {
	return &types.MicroVMItem{
		ImageArn:     vm.settings.ImageArn,
		ImageVersion: vm.settings.ImageVersion,
		MicroVMId:    vm.settings.MicroVMId,
		StartedAt:    vm.settings.StartedAt,
		State:        vm.state(now),
	}
}

func (*microVM) extra() []extra { return []extra{{name: "terminationReasonCode"}} }

// known returns a 501 for a MicroVM whose state is unknown.
func (vm *microVM) known(now time.Time) error {
	if vm.state(now) == "" {
		return unknown("LongSuspension", "the state of "+vm.id()+" after it was SUSPENDED for its suspendedDurationSeconds")
	}
	return nil
}

// known also marks the response if the state is an assumption.
func (c *call) known(vm *microVM) error {
	if vm.phases.at(c.now).Assumed {
		c.dependsOn("LongSuspension")
	}
	return vm.known(c.now)
}

const idPrefix = "microvm-"

// findMicroVM returns the MicroVM with the given id.
func (c *call) findMicroVM(id *string) (*microVM, error) {
	vm := c.world.microVMs[*id]
	if vm == nil {
		return nil, notFound("MicroVM not found: %s", *id)
	}
	return vm, nil
}

func (c *call) getMicroVM(in *lambdamicrovms.GetMicroVMInput) (restjson.Encoder, error) {
	vm, err := c.findMicroVM(in.MicroVMIdentifier)
	if err != nil {
		return nil, err
	}
	if err := c.known(vm); err != nil {
		return nil, err
	}
	return extended{vm.describe(c.now), vm.extra()}, nil
}

// listMicroVMs filters after it has cut the page, as listMicroVMImages does.
func (c *call) listMicroVMs(in *lambdamicrovms.ListMicroVMsInput) (*page, error) {
	if in.ImageIdentifier != nil {
		if _, err := c.ownARN(*in.ImageIdentifier); err != nil {
			return nil, err
		}
	}
	query := aws.ToString(in.ImageIdentifier) + " " + aws.ToString(in.ImageVersion)
	found, next, err := cut(c, c.world.microVMOrder, func(vm *microVM) int64 { return vm.sequence }, in.MaxResults, in.NextToken, query)
	if err != nil {
		return nil, err
	}
	out := newPage(next, len(found))
	for _, vm := range found {
		if in.ImageIdentifier != nil && *in.ImageIdentifier != *vm.settings.ImageArn ||
			in.ImageVersion != nil && parseVersion(*in.ImageVersion) != vm.version {
			continue
		}
		if err := c.known(vm); err != nil {
			return nil, err
		}
		out.items = append(out.items, vm.item(c.now))
	}
	return out, nil
}

// imageOf returns the name of the image of a MicroVM, or "".
func (w *world) imageOf(id string) string {
	if vm := w.microVMs[id]; vm != nil {
		return vm.imageName()
	}
	return ""
}

// running returns the MicroVMs of an image that have not ended. Version 0 means all
// versions.
func (w *world) running(img *image, version int, now time.Time) []*microVM {
	var found []*microVM
	for _, vm := range w.microVMOrder {
		if vm.imageID == img.id && (version == 0 || vm.version == version) && vm.live(now) {
			found = append(found, vm)
		}
	}
	return found
}
