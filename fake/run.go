package fake

import (
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// longestLife is the maximum, and the default, of maximumDurationInSeconds.
const longestLife = 28800

// maxPayload is the longest payload of a run hook in bytes.
const maxPayload = 4096

func (c *call) runMicroVM(in *lambdamicrovms.RunMicroVMInput) (restjson.Encoder, error) {
	// The model limits characters, the service bytes.
	if in.RunHookPayload != nil && len(*in.RunHookPayload) > maxPayload {
		return nil, invalid("1 validation error detected: Value at 'runHookPayload' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxPayload)
	}
	anonymous := *in
	anonymous.ClientToken = nil
	previous, err := c.replay(in.ClientToken, &anonymous)
	if err != nil {
		return nil, err
	}
	if previous != nil {
		if vm := c.world.microVMs[previous.MicroVMID]; vm != nil {
			return c.ran(vm)
		}
	}
	img, v, err := c.runnable(in)
	if err != nil {
		return nil, err
	}
	memory := *v.config.Resources[0].MinimumMemoryInMiB
	if err := c.roomToRun(memory); err != nil {
		return nil, err
	}

	vm := &microVM{
		sequence: c.server.next(),
		imageID:  img.id,
		version:  v.number,
		memory:   memory,
		settings: c.settings(in, img, v),
	}
	config := &c.server.config
	started := phase{State: types.MicroVMStateRunning, From: c.now.Add(config.delays.Run)}
	if broken, ok := c.startFault(); ok {
		started.State, started.Reason = types.MicroVMStateTerminated, ptr(broken.Reason)
	}
	vm.phases = timeline{{State: types.MicroVMStatePending, From: c.now}, started}
	vm.foresee(config)

	c.world.add(vm)
	c.server.hosts[*vm.settings.Endpoint] = vm
	c.grant(in.ClientToken, &anonymous, grant{MicroVMID: vm.id()})
	return c.ran(vm)
}

func (c *call) ran(vm *microVM) (restjson.Encoder, error) {
	if err := c.known(vm); err != nil {
		return nil, err
	}
	return extended{restjson.Recast(&lambdamicrovms.RunMicroVMOutput{}, vm.describe(c.now)), vm.extra()}, nil
}

// runnable checks a request and returns the version to run.
func (c *call) runnable(in *lambdamicrovms.RunMicroVMInput) (*image, *version, error) {
	if !strings.HasPrefix(*in.ImageIdentifier, "arn:") {
		return nil, nil, invalid("Malformed ARN - doesn't start with 'arn:'")
	}
	for _, arn := range slices.Concat(in.IngressNetworkConnectors, in.EgressNetworkConnectors) {
		if err := checkConnector(arn); err != nil {
			return nil, nil, err
		}
	}
	if _, logs := in.Logging.(*types.LoggingMemberCloudWatch); logs && in.ExecutionRoleArn == nil {
		return nil, nil, invalid("Logging cannot be enabled without providing executionRoleArn")
	}
	if name, _, ok := parseImageARN(*in.ImageIdentifier); ok && name.account == "aws" {
		return nil, nil, c.unmeasured(noActiveVersion(in), "the response to a run of a managed image")
	}

	img, err := c.find(in.ImageIdentifier)
	switch {
	case isNotFound(err):
		return nil, nil, noActiveVersion(in)
	case err != nil:
		return nil, nil, err
	}
	var v *version
	if img.state(c.now) != types.MicroVMImageStateDeleting {
		v = img.latestActive(c.now)
		if in.ImageVersion != nil {
			v = img.version(parseVersion(*in.ImageVersion))
		}
	}
	if v == nil || !v.active(c.now) {
		return nil, nil, noActiveVersion(in)
	}
	if in.RunHookPayload != nil && !v.hasRunHook() {
		return nil, nil, invalid("The run hook must be enabled in the MicroVM image to pass the run hook payload")
	}
	return img, v, nil
}

func noActiveVersion(in *lambdamicrovms.RunMicroVMInput) *failure {
	if in.ImageVersion != nil {
		return notFound("No active version found for MicroVM image %s and version %s", *in.ImageIdentifier, *in.ImageVersion)
	}
	return notFound("No active version found for MicroVM image %s", *in.ImageIdentifier)
}

func (v *version) hasRunHook() bool {
	hooks := v.config.Hooks
	return hooks != nil && hooks.MicroVMHooks != nil && hooks.MicroVMHooks.Run == types.HookStateEnabled
}

// settings returns the members of a MicroVM that never change: those of the request, with
// defaults.
func (c *call) settings(in *lambdamicrovms.RunMicroVMInput, img *image, v *version) *lambdamicrovms.GetMicroVMOutput {
	// Copies only the members that both have: payload and logging are never returned.
	out := restjson.Recast(&lambdamicrovms.GetMicroVMOutput{}, in)
	out.MicroVMId = ptr(idPrefix + c.server.ids.uuid())
	out.Endpoint = ptr(c.server.ids.uuid() + endpointLabel + c.scope.region + endpointSuffix)
	out.ImageArn, out.ImageVersion = ptr(img.arn), ptr(v.name())
	out.StartedAt = ptr(c.now)
	if out.MaximumDurationInSeconds == nil {
		out.MaximumDurationInSeconds = ptr(int32(longestLife))
	}
	if out.IngressNetworkConnectors == nil {
		out.IngressNetworkConnectors = []string{c.scope.connectorARN("HTTP_INGRESS")}
	}
	if out.EgressNetworkConnectors == nil {
		out.EgressNetworkConnectors = slices.Clone(v.config.EgressNetworkConnectors)
	}
	return out
}
