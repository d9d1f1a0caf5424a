package lambdamicrovms

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/microvmid"
	"github.com/microvm-go/lambdamicrovms/types"
)

// strict checks the rules that the service enforces although its model lacks them. Rules
// that depend on more than the input, such as the hooks of the image that is run, are
// left to the service.
func (v *validator) strict(in any) {
	v.strictMicroVM(microVMOf(in))
	if in, ok := in.(strictInput); ok {
		in.strict(v)
	}
}

// strictInput is an input with such rules of its own. A method for each input, not a type
// switch over all of them: the linker drops the methods of inputs that a program does not
// use.
type strictInput interface {
	strict(*validator)
}

// microVMInput is an input with the identifier of a MicroVM.
type microVMInput interface {
	microVM() *string
}

// microVMOf returns the MicroVM identifier of an input, or nil.
func microVMOf(input any) *string {
	if in, ok := input.(microVMInput); ok {
		return in.microVM()
	}
	return nil
}

func (in *CreateMicroVMAuthTokenInput) microVM() *string      { return in.MicroVMIdentifier }
func (in *CreateMicroVMShellAuthTokenInput) microVM() *string { return in.MicroVMIdentifier }
func (in *GetMicroVMInput) microVM() *string                  { return in.MicroVMIdentifier }
func (in *ResumeMicroVMInput) microVM() *string               { return in.MicroVMIdentifier }
func (in *SuspendMicroVMInput) microVM() *string              { return in.MicroVMIdentifier }
func (in *TerminateMicroVMInput) microVM() *string            { return in.MicroVMIdentifier }

func (in *CreateMicroVMImageInput) strict(v *validator) {
	v.strictConfiguration(in.BaseImageVersion, in.Resources, in.Hooks, in.EnvironmentVariables)
}

func (in *UpdateMicroVMImageInput) strict(v *validator) {
	v.strictImage(in.ImageIdentifier)
	v.strictConfiguration(in.BaseImageVersion, in.Resources, in.Hooks, in.EnvironmentVariables)
}

func (in *RunMicroVMInput) strict(v *validator) {
	v.strictImage(in.ImageIdentifier)
	v.strictPayload(in.RunHookPayload)
	if _, on := in.Logging.(*types.LoggingMemberCloudWatch); on && in.ExecutionRoleArn == nil {
		v.refuse("ExecutionRoleArn", "be set when Logging is CloudWatch", "")
	}
}

func (in *DeleteMicroVMImageInput) strict(v *validator)        { v.strictImage(in.ImageIdentifier) }
func (in *DeleteMicroVMImageVersionInput) strict(v *validator) { v.strictImage(in.ImageIdentifier) }
func (in *GetMicroVMImageInput) strict(v *validator)           { v.strictImage(in.ImageIdentifier) }
func (in *GetMicroVMImageBuildInput) strict(v *validator)      { v.strictImage(in.ImageIdentifier) }
func (in *GetMicroVMImageVersionInput) strict(v *validator)    { v.strictImage(in.ImageIdentifier) }
func (in *ListManagedMicroVMImageVersionsInput) strict(v *validator) {
	v.strictImage(in.ImageIdentifier)
}
func (in *ListMicroVMImageBuildsInput) strict(v *validator)    { v.strictImage(in.ImageIdentifier) }
func (in *ListMicroVMImageVersionsInput) strict(v *validator)  { v.strictImage(in.ImageIdentifier) }
func (in *UpdateMicroVMImageVersionInput) strict(v *validator) { v.strictImage(in.ImageIdentifier) }

func (in *CreateMicroVMAuthTokenInput) strict(v *validator) {
	v.strictExpiration(in.ExpirationInMinutes)
}

func (in *CreateMicroVMShellAuthTokenInput) strict(v *validator) {
	v.strictExpiration(in.ExpirationInMinutes)
}

// refuse reports a broken rule of the service; limit follows "must" in the error.
func (v *validator) refuse(path, limit, given string) {
	v.fail(place{name: path}, ConstraintError{Rule: RuleService, Limit: limit, Given: given})
}

// strictImage requires an ARN. The documentation also allows names and IDs, but the
// service rejects them.
func (v *validator) strictImage(identifier *string) {
	if identifier != nil && !isImageARN(*identifier) {
		v.refuse("ImageIdentifier", "be an ARN (arn:<partition>:lambda:<region>:<account>:microvm-image:<name>)", quoted(*identifier))
	}
}

func (v *validator) strictMicroVM(id *string) {
	if id != nil && !microvmid.Valid(*id) {
		v.refuse("MicroVMIdentifier", "be the ID of a MicroVM (microvm-<UUID>)", quoted(*id))
	}
}

func isImageARN(s string) bool {
	next := func() (part string) {
		part, s, _ = strings.Cut(s, ":")
		return part
	}
	return next() == "arn" && next() != "" && next() == "lambda" && next() != "" && next() != "" && next() == "microvm-image" && s != ""
}

// strictConfiguration checks what the inputs of a new and an updated image share.
func (v *validator) strictConfiguration(baseVersion *string, resources []types.Resources, hooks *types.Hooks, variables map[string]string) {
	v.strictBaseVersion(baseVersion)
	v.strictMemory(resources)
	v.strictHooks(hooks)
	v.strictEnvironment(variables)
}

// strictBaseVersion rejects "1.0", the form of responses, which the service does not
// accept in requests.
func (v *validator) strictBaseVersion(version *string) {
	if version != nil && !isNumber(*version) {
		v.refuse("BaseImageVersion", `be a bare major version, such as "1"`, quoted(*version))
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (v *validator) strictMemory(resources []types.Resources) {
	for i := range resources {
		if size := resources[i].MinimumMemoryInMiB; size != nil {
			switch *size {
			case 512, 1024, 2048, 4096, 8192:
			default:
				v.refuse(fmt.Sprintf("Resources[%d].MinimumMemoryInMiB", i), "be one of 512, 1024, 2048, 4096, 8192", strconv.Itoa(int(*size)))
			}
		}
	}
}

func (v *validator) strictHooks(hooks *types.Hooks) {
	if hooks == nil {
		return
	}
	const on = types.HookStateEnabled
	runtime, image := hooks.MicroVMHooks, hooks.MicroVMImageHooks
	anyRuntime := runtime != nil && (runtime.Run == on || runtime.Resume == on || runtime.Suspend == on || runtime.Terminate == on)
	ready := image != nil && image.Ready == on
	if anyRuntime && !ready {
		v.refuse("Hooks.MicroVMImageHooks.Ready", "be ENABLED when any hook of MicroVMHooks is", "")
	}
	if hooks.Port == nil && (anyRuntime || ready || image != nil && image.Validate == on) {
		v.refuse("Hooks.Port", "be set when any hook is ENABLED", "")
	}
}

// strictEnvironment rejects the only variable that the service is known to reject.
func (v *validator) strictEnvironment(variables map[string]string) {
	const reserved = "AWS_REGION"
	if _, set := variables[reserved]; set {
		at := place{name: "EnvironmentVariables", key: reserved, kind: inMap}
		v.fail(at, ConstraintError{Rule: RuleService, Key: true, Limit: "not be a name that the service sets"})
	}
}

// strictPayload counts bytes, as the service does. The model counts code points.
func (v *validator) strictPayload(payload *string) {
	if payload != nil && len(*payload) > 4096 {
		v.refuse("RunHookPayload", "have at most 4096 bytes", fmt.Sprintf("%d bytes", len(*payload)))
	}
}

func (v *validator) strictExpiration(minutes *int32) {
	if minutes != nil && *minutes > 60 {
		v.refuse("ExpirationInMinutes", "be at most 60", strconv.Itoa(int(*minutes)))
	}
}
