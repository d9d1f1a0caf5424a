package lambdamicrovms

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/types"
)

const microVMID = "microvm-0f5b6c1e-9f8b-4d7a-8a35-5c1b2d3e4f50"

const imageARN = "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"

func TestValidationStrict(t *testing.T) {
	const (
		on  = types.HookStateEnabled
		off = types.HookStateDisabled

		imageRule   = "be an ARN (arn:<partition>:lambda:<region>:<account>:microvm-image:<name>)"
		microVMRule = "be the ID of a MicroVM (microvm-<UUID>)"
		versionRule = `be a bare major version, such as "1"`
		memoryRule  = "be one of 512, 1024, 2048, 4096, 8192"
		readyRule   = "be ENABLED when any hook of MicroVMHooks is"
		portRule    = "be set when any hook is ENABLED"
		nameRule    = "not be a name that the service sets"
		roleRule    = "be set when Logging is CloudWatch"
	)
	create := func(change func(*CreateMicroVMImageInput)) OperationInput {
		in := strictCreateInput()
		change(in)
		return in
	}
	hooks := func(hooks types.Hooks) OperationInput {
		return create(func(in *CreateMicroVMImageInput) { in.Hooks = &hooks })
	}
	memory := func(sizes ...int32) OperationInput {
		return create(func(in *CreateMicroVMImageInput) {
			for _, size := range sizes {
				in.Resources = append(in.Resources, types.Resources{MinimumMemoryInMiB: aws.Int32(size)})
			}
		})
	}
	baseVersion := func(version string) OperationInput {
		return create(func(in *CreateMicroVMImageInput) { in.BaseImageVersion = aws.String(version) })
	}
	image := func(identifier string) OperationInput {
		return &GetMicroVMImageInput{ImageIdentifier: aws.String(identifier)}
	}
	run := func(change func(*RunMicroVMInput)) OperationInput {
		in := &RunMicroVMInput{ImageIdentifier: aws.String(imageARN)}
		change(in)
		return in
	}
	cloudWatch := &types.LoggingMemberCloudWatch{}

	// All inputs satisfy the model.
	tests := []struct {
		name string
		in   OperationInput
		want []ConstraintError // without Input; all are of RuleService
	}{
		{"create", strictCreateInput(), nil},
		{"update", strictUpdateInput(), nil},

		{"version 1", baseVersion("1"), nil},
		{"version 12", baseVersion("12"), nil},
		{"version 1.0", baseVersion("1.0"), []ConstraintError{{Path: "BaseImageVersion", Limit: versionRule, Given: `"1.0"`}}},
		{"version v1", baseVersion("v1"), []ConstraintError{{Path: "BaseImageVersion", Limit: versionRule, Given: `"v1"`}}},
		{"version 1x2", baseVersion("1x2"), []ConstraintError{{Path: "BaseImageVersion", Limit: versionRule, Given: `"1x2"`}}},

		{"memory 512", memory(512), nil},
		{"memory 1024", memory(1024), nil},
		{"memory 2048", memory(2048), nil},
		{"memory 4096", memory(4096), nil},
		{"memory 8192", memory(8192), nil},
		{"memory 511", memory(511), []ConstraintError{{Path: "Resources[0].MinimumMemoryInMiB", Limit: memoryRule, Given: "511"}}},
		{"memory 16384", memory(16384), []ConstraintError{{Path: "Resources[0].MinimumMemoryInMiB", Limit: memoryRule, Given: "16384"}}},

		{"no hooks", hooks(types.Hooks{}), nil},
		{"hooks off", hooks(types.Hooks{MicroVMHooks: &types.MicroVMHooks{Run: off}, MicroVMImageHooks: &types.MicroVMImageHooks{Ready: off, Validate: off}}), nil},
		{"ready and run with a port", hooks(types.Hooks{Port: aws.Int32(9000), MicroVMHooks: &types.MicroVMHooks{Run: on}, MicroVMImageHooks: &types.MicroVMImageHooks{Ready: on}}), nil},
		{"validate alone with a port", hooks(types.Hooks{Port: aws.Int32(9000), MicroVMImageHooks: &types.MicroVMImageHooks{Validate: on}}), nil},
		{"validate without a port", hooks(types.Hooks{MicroVMImageHooks: &types.MicroVMImageHooks{Validate: on}}), []ConstraintError{{Path: "Hooks.Port", Limit: portRule}}},
		{"ready without a port", hooks(types.Hooks{MicroVMImageHooks: &types.MicroVMImageHooks{Ready: on}}), []ConstraintError{{Path: "Hooks.Port", Limit: portRule}}},
		{"run without ready", hooks(types.Hooks{Port: aws.Int32(9000), MicroVMHooks: &types.MicroVMHooks{Run: on}}), []ConstraintError{{Path: "Hooks.MicroVMImageHooks.Ready", Limit: readyRule}}},
		{"resume without ready", hooks(types.Hooks{Port: aws.Int32(9000), MicroVMHooks: &types.MicroVMHooks{Resume: on}, MicroVMImageHooks: &types.MicroVMImageHooks{Validate: on}}), []ConstraintError{{Path: "Hooks.MicroVMImageHooks.Ready", Limit: readyRule}}},
		{"suspend without ready", hooks(types.Hooks{Port: aws.Int32(9000), MicroVMHooks: &types.MicroVMHooks{Suspend: on}, MicroVMImageHooks: &types.MicroVMImageHooks{Ready: off}}), []ConstraintError{{Path: "Hooks.MicroVMImageHooks.Ready", Limit: readyRule}}},
		{"terminate without ready and port", hooks(types.Hooks{MicroVMHooks: &types.MicroVMHooks{Terminate: on}}), []ConstraintError{
			{Path: "Hooks.MicroVMImageHooks.Ready", Limit: readyRule},
			{Path: "Hooks.Port", Limit: portRule},
		}},

		{"environment", create(func(in *CreateMicroVMImageInput) {
			in.EnvironmentVariables = map[string]string{"AWS_REGION_NAME": "x", "aws_region": "x", "AWS_LAMBDA_MICROVM_IMAGE": "x"}
		}), nil},
		{"reserved environment", create(func(in *CreateMicroVMImageInput) {
			in.EnvironmentVariables = map[string]string{
				"AWS_REGION": "secret",
			}
		}), []ConstraintError{
			{Path: `EnvironmentVariables["AWS_REGION"]`, Key: true, Limit: nameRule},
		}},

		{"own image", image(imageARN), nil},
		{"image of another partition", image("arn:aws-cn:lambda:cn-north-1:123456789012:microvm-image:shop"), nil},
		{"managed image", image("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"), nil},
		{"image name", image("shop"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"shop"`}}},
		{"image ARN with a slash", image("arn:aws:lambda:us-east-1:123456789012:microvm-image/shop"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"arn:aws:lambda:us-east-1:123456789012:microvm-image/shop"`}}},
		{"image ARN without a name", image("arn:aws:lambda:us-east-1:123456789012:microvm-image:"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"arn:aws:lambda:us-east-1:123456789012:microvm-image:"`}}},
		{"ARN of a connector", image("arn:aws:lambda:us-east-1:123456789012:network-connector:nc-1"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"arn:aws:lambda:us-east-1:123456789012:network-connector:nc-1"`}}},
		{"ARN of another service", image("arn:aws:s3:us-east-1:123456789012:microvm-image:shop"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"arn:aws:s3:us-east-1:123456789012:microvm-image:shop"`}}},
		{"ARN without a region", image("arn:aws:lambda::123456789012:microvm-image:shop"), []ConstraintError{{Path: "ImageIdentifier", Limit: imageRule, Given: `"arn:aws:lambda::123456789012:microvm-image:shop"`}}},

		{"payload of 4096 bytes", run(func(in *RunMicroVMInput) { in.RunHookPayload = aws.String(strings.Repeat("é", 2048)) }), nil},
		{"payload of 4097 bytes", run(func(in *RunMicroVMInput) { in.RunHookPayload = aws.String(strings.Repeat("é", 2048) + "e") }), []ConstraintError{
			{Path: "RunHookPayload", Limit: "have at most 4096 bytes", Given: "4097 bytes"},
		}},
		{"logging with a role", run(func(in *RunMicroVMInput) {
			in.Logging, in.ExecutionRoleArn = cloudWatch, aws.String("arn:aws:iam::123456789012:role/run")
		}), nil},
		{"logging disabled", run(func(in *RunMicroVMInput) { in.Logging = &types.LoggingMemberDisabled{} }), nil},
		{"logging without a role", run(func(in *RunMicroVMInput) { in.Logging = cloudWatch }), []ConstraintError{{Path: "ExecutionRoleArn", Limit: roleRule}}},

		{"token for 60 minutes", &CreateMicroVMAuthTokenInput{
			MicroVMIdentifier: aws.String(microVMID), ExpirationInMinutes: aws.Int32(60),
			AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberAllPorts{}},
		}, nil},
		{"token for 61 minutes", &CreateMicroVMAuthTokenInput{
			MicroVMIdentifier: aws.String(microVMID), ExpirationInMinutes: aws.Int32(61),
			AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberPort{Value: 80}},
		}, []ConstraintError{{Path: "ExpirationInMinutes", Limit: "be at most 60", Given: "61"}}},
		{"shell token for 61 minutes", &CreateMicroVMShellAuthTokenInput{
			MicroVMIdentifier: aws.String(microVMID), ExpirationInMinutes: aws.Int32(61),
		}, []ConstraintError{{Path: "ExpirationInMinutes", Limit: "be at most 60", Given: "61"}}},

		{"MicroVM", &GetMicroVMInput{MicroVMIdentifier: aws.String(microVMID)}, nil},
		{"MicroVM in capitals", &GetMicroVMInput{MicroVMIdentifier: aws.String("microvm-0F5B6C1E-9F8B-4D7A-8A35-5C1B2D3E4F50")}, nil},
		{"MicroVM of another form", &GetMicroVMInput{MicroVMIdentifier: aws.String("nope")}, []ConstraintError{{Path: "MicroVMIdentifier", Limit: microVMRule, Given: `"nope"`}}},

		// Nobody has measured which values this filter accepts.
		{"filter of the list of MicroVMs", &ListMicroVMsInput{ImageIdentifier: aws.String("shop")}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := Validate(test.in, ValidationModel); err != nil {
				t.Errorf("the model does not allow the input: %v", err)
			}
			var got []ConstraintError
			for _, violation := range Violations(Validate(test.in, ValidationStrict)) {
				if violation.Rule != RuleService {
					t.Errorf("rule %q: %v", violation.Rule, violation)
				}
				violation.Input, violation.Rule = "", ""
				got = append(got, *violation)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// Each operation on an image requires its ARN, and an update follows all other rules of a
// creation.
func TestValidationStrictOperations(t *testing.T) {
	name, version := aws.String("shop"), aws.String("1.0")
	update := strictUpdateInput()
	update.ImageIdentifier = name
	update.BaseImageVersion = version
	update.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(1)}}
	update.Hooks = &types.Hooks{MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled}}
	update.EnvironmentVariables = map[string]string{"AWS_REGION": ""}

	for _, test := range []struct {
		in   OperationInput
		want []string
	}{
		{&DeleteMicroVMImageInput{ImageIdentifier: name}, []string{"ImageIdentifier"}},
		{&DeleteMicroVMImageVersionInput{ImageIdentifier: name, ImageVersion: version}, []string{"ImageIdentifier"}},
		{&GetMicroVMImageInput{ImageIdentifier: name}, []string{"ImageIdentifier"}},
		{&GetMicroVMImageBuildInput{ImageIdentifier: name, ImageVersion: version, BuildId: name}, []string{"ImageIdentifier"}},
		{&GetMicroVMImageVersionInput{ImageIdentifier: name, ImageVersion: version}, []string{"ImageIdentifier"}},
		{&ListManagedMicroVMImageVersionsInput{ImageIdentifier: name}, []string{"ImageIdentifier"}},
		{&ListMicroVMImageBuildsInput{ImageIdentifier: name, ImageVersion: version}, []string{"ImageIdentifier"}},
		{&ListMicroVMImageVersionsInput{ImageIdentifier: name}, []string{"ImageIdentifier"}},
		{&RunMicroVMInput{ImageIdentifier: name}, []string{"ImageIdentifier"}},
		{&UpdateMicroVMImageVersionInput{ImageIdentifier: name, ImageVersion: version, Status: types.MicroVMImageVersionStatusActive}, []string{"ImageIdentifier"}},
		{update, []string{"ImageIdentifier", "BaseImageVersion", "Resources[0].MinimumMemoryInMiB", "Hooks.Port", `EnvironmentVariables["AWS_REGION"]`}},
	} {
		var got []string
		for _, violation := range Violations(Validate(test.in, ValidationStrict)) {
			got = append(got, violation.Path)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%T (-want +got):\n%s", test.in, diff)
		}
	}
}
