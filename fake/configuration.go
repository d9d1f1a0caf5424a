package fake

import (
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/types"
)

// configure applies the checks that are not in the model, and the defaults of the
// service. Other members that are left out stay unset: an update replaces everything.
func (c *call) configure(v *types.MicroVMImageVersionSummary) (*types.MicroVMImageVersionSummary, error) {
	version, err := c.baseVersion(*v.BaseImageArn, v.BaseImageVersion)
	if err != nil {
		return nil, err
	}
	v.BaseImageVersion = &version
	v.Tags = nil // tags belong to the image
	for _, arn := range v.EgressNetworkConnectors {
		if err := checkConnector(arn); err != nil {
			return nil, err
		}
	}
	if v.EgressNetworkConnectors == nil {
		v.EgressNetworkConnectors = []string{c.scope.connectorARN("INTERNET_EGRESS")}
	}
	for _, r := range v.Resources {
		if err := checkMemory(*r.MinimumMemoryInMiB, *v.BaseImageArn); err != nil {
			return nil, err
		}
	}
	if len(v.Resources) == 0 {
		v.Resources = []types.Resources{{MinimumMemoryInMiB: ptr(int32(2048))}}
	}
	if err := checkHooks(v.Hooks); err != nil {
		return nil, err
	}
	return v, checkEnvironment(v.EnvironmentVariables)
}

func checkConnector(arn string) error {
	if parts := strings.Split(arn, ":"); len(parts) < 7 || parts[0] != "arn" || parts[5] != "network-connector" {
		return invalid("Malformed network connector ARN")
	}
	return nil
}

func checkMemory(size int32, baseARN string) error {
	if slices.Contains([]int32{512, 1024, 2048, 4096, 8192}, size) {
		return nil
	}
	return invalid("The requested memory size of %d MiB is not supported by base MicroVM image %s. "+
		"Supported memory sizes in MiB are: [512, 1024, 2048, 4096, 8192].", size, baseARN)
}

func checkHooks(hooks *types.Hooks) error {
	if hooks == nil {
		return nil
	}
	const on = types.HookStateEnabled
	runtime, build := hooks.MicroVMHooks, hooks.MicroVMImageHooks
	anyRuntime := runtime != nil && (runtime.Run == on || runtime.Resume == on || runtime.Suspend == on || runtime.Terminate == on)
	ready := build != nil && build.Ready == on
	if anyRuntime && !ready {
		return invalid("The ready (/ready) MicroVM image hook must be enabled when any MicroVM lifecycle hook " +
			"(run, resume, suspend, or terminate) is enabled. The ready hook signals when the application has finished " +
			"initializing so the snapshot is taken in a ready state.")
	}
	if hooks.Port == nil && (anyRuntime || ready || build != nil && build.Validate == on) {
		return invalid("A port must be specified when any hook is enabled.")
	}
	return nil
}

// checkEnvironment rejects the only key that the service is known to reject.
func checkEnvironment(variables map[string]string) error {
	const reserved = "AWS_REGION"
	if _, set := variables[reserved]; set {
		return invalid("The environment variable key %s is reserved.", reserved)
	}
	return nil
}
