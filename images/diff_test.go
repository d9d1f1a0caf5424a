package images_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// liveVersion returns a version as the service returns it.
func liveVersion(t *testing.T, in lambdamicrovms.CreateMicroVMImageInput) *lambdamicrovms.GetMicroVMImageVersionOutput {
	t.Helper()
	b := newBench(t)
	b.create(in)
	return b.version("1.0")
}

func TestDiff(t *testing.T) {
	plain, full := liveVersion(t, declaration()), liveVersion(t, everything())
	three := &lambdamicrovms.UpdateMicroVMImageInput{BaseImageArn: plain.BaseImageArn, BuildRoleArn: plain.BuildRoleArn, CodeArtifact: plain.CodeArtifact}
	change := func(live *lambdamicrovms.GetMicroVMImageVersionOutput, f func(*lambdamicrovms.UpdateMicroVMImageInput)) *lambdamicrovms.UpdateMicroVMImageInput {
		in := images.InputFrom(live)
		f(in)
		return in
	}
	type input = lambdamicrovms.UpdateMicroVMImageInput
	for _, c := range []struct {
		reason string
		live   *lambdamicrovms.GetMicroVMImageVersionOutput
		wanted *lambdamicrovms.UpdateMicroVMImageInput
		want   []string // as text
	}{
		{"what the service filled in is no difference", plain, three, nil},
		{"the same", full, images.InputFrom(full), nil},
		{"defaults by name", plain, change(plain, func(in *input) {
			in.Description = aws.String("")
			in.EnvironmentVariables = map[string]string{}
			in.AdditionalOsCapabilities = []types.Capability{}
			in.CpuConfigurations = []types.CpuConfiguration{}
			in.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(2048)}}
			in.EgressNetworkConnectors = []string{images.ConnectorARN(region, "INTERNET_EGRESS")}
			in.Hooks = &types.Hooks{
				MicroVMHooks: &types.MicroVMHooks{Run: "DISABLED", Resume: "DISABLED", Suspend: "DISABLED", Terminate: "DISABLED",
					RunTimeoutInSeconds: aws.Int32(1), ResumeTimeoutInSeconds: aws.Int32(1), SuspendTimeoutInSeconds: aws.Int32(1), TerminateTimeoutInSeconds: aws.Int32(1)},
				MicroVMImageHooks: &types.MicroVMImageHooks{Ready: "DISABLED", Validate: "DISABLED",
					ReadyTimeoutInSeconds: aws.Int32(30), ValidateTimeoutInSeconds: aws.Int32(30)},
			}
		}), nil},
		{"the empty parts of hooks", plain, change(plain, func(in *input) {
			in.Hooks = &types.Hooks{MicroVMHooks: &types.MicroVMHooks{}, MicroVMImageHooks: &types.MicroVMImageHooks{}}
		}), nil},
		{"pinned to the same base version", plain, change(plain, func(in *input) { in.BaseImageVersion = aws.String("1") }), nil},
		{"pinned in the spelling of responses", plain, change(plain, func(in *input) { in.BaseImageVersion = aws.String("1.0") }), nil},
		{"pinned to another", plain, change(plain, func(in *input) { in.BaseImageVersion = aws.String("2") }), []string{`~ BaseImageVersion: "1" -> "2"`}},
		{"the usual rebuild, with nothing but what is required", full, three, []string{
			`- AdditionalOsCapabilities[0]: "ALL"`,
			`- CpuConfigurations[0].Architecture: "ARM_64"`,
			`- Description: "all of it"`,
			`- EgressNetworkConnectors[0]: "arn:aws:lambda:us-east-1:123456789012:network-connector:nc-1"`,
			`- EnvironmentVariables["MODE"]: [REDACTED]`,
			`- EnvironmentVariables["PASSWORD"]: [REDACTED]`,
			`- Hooks.MicroVMHooks.Run: "ENABLED"`,
			`- Hooks.MicroVMHooks.RunTimeoutInSeconds: 5`,
			`- Hooks.MicroVMImageHooks.Ready: "ENABLED"`,
			`- Hooks.MicroVMImageHooks.ReadyTimeoutInSeconds: 300`,
			`- Hooks.Port: 9000`,
			`- Logging.CloudWatch.LogGroup: "my/group"`,
			`- Resources[0].MinimumMemoryInMiB: 4096`,
		}},
		{"one of each kind", full, change(full, func(in *input) {
			in.EnvironmentVariables = map[string]string{"MODE": "test", "NEW": "1"}
			in.Resources[0].MinimumMemoryInMiB = aws.Int32(2048)
			in.Description = nil
		}), []string{
			`- Description: "all of it"`,
			`~ EnvironmentVariables["MODE"]: [REDACTED] -> [REDACTED]`,
			`+ EnvironmentVariables["NEW"]: [REDACTED]`,
			`- EnvironmentVariables["PASSWORD"]: [REDACTED]`,
			`~ Resources[0].MinimumMemoryInMiB: 4096 -> 2048`,
		}},
		{"another kind of logging", full, change(full, func(in *input) { in.Logging = &types.LoggingMemberDisabled{} }), []string{
			`- Logging.CloudWatch.LogGroup: "my/group"`,
			`+ Logging.Disabled: {}`,
		}},
		{"an empty list of connectors may mean none", plain, change(plain, func(in *input) { in.EgressNetworkConnectors = []string{} }), []string{
			`+ EgressNetworkConnectors: []`,
		}},
		{"new code", plain, change(plain, func(in *input) { in.CodeArtifact = &types.CodeArtifactMemberUri{Value: "s3://bucket/2.zip"} }), []string{
			`~ CodeArtifact.Uri: "s3://bucket/app.zip" -> "s3://bucket/2.zip"`,
		}},
		{"a member that the service has learned since", plain, change(plain, func(in *input) {
			in.Logging = &types.UnknownUnionMember{Tag: "fireHose", Value: []byte(`{"":[1],"x":null}`)}
		}), []string{`+ Logging.FireHose.X: null`, `+ Logging.FireHose.[0]: 1`}},
	} {
		changes := images.Diff(c.live, c.wanted)
		want := strings.Join(c.want, "\n")
		if want == "" {
			want = "no changes"
		}
		if diff := cmp.Diff(want, changes.String()); diff != "" {
			t.Errorf("%s, -want +got:\n%s", c.reason, diff)
		}
	}
}

func TestChangesHideSecrets(t *testing.T) {
	live := liveVersion(t, everything())
	changes := images.Diff(live, &lambdamicrovms.UpdateMicroVMImageInput{EnvironmentVariables: map[string]string{"PASSWORD": "sesame"}})
	secret := false
	for _, c := range changes {
		secret = secret || c.Secret && c.Old == `"hunter2"` && c.New == `"sesame"`
	}
	if !secret {
		t.Errorf("the value itself has to be there: %v", changes)
	}
	inJSON, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "changes", changes, "change", changes[0], "result", images.Result{Changes: changes})
	slog.New(slog.NewTextHandler(&logged, nil)).Info("", "changes", changes, "result", &images.Result{Changes: changes})
	for _, text := range []string{
		changes.String(), string(inJSON), logged.String(),
		fmt.Sprint(changes), fmt.Sprintf("%+v %#v %q %x %d", changes, changes, changes, changes, changes),
		fmt.Sprintf("%v %+v %#v", images.Result{Changes: changes}, &images.Result{Changes: changes}, images.Result{Changes: changes}),
		fmt.Sprintf("%+v", images.Deployment{Image: everything()}),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "sesame") || strings.Contains(text, "68756e74657232") {
			t.Errorf("a secret is in %s", text)
		}
	}
	if wiped := changes.Wiped(); len(wiped) == 0 || len(wiped) >= len(changes) {
		t.Errorf("wiped: %v", wiped)
	}
}

// InputFrom must keep every member of an update, including members that are added to the
// model later.
func TestInputFromKeepsEverything(t *testing.T) {
	live := liveVersion(t, everything())
	in := images.InputFrom(live)
	from, to := reflect.ValueOf(*live), reflect.ValueOf(*in)
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		switch name {
		case "ImageIdentifier":
			if *in.ImageIdentifier != appARN {
				t.Errorf("ImageIdentifier is %s", *in.ImageIdentifier)
			}
		case "ClientToken", "BaseImageVersion":
			if !to.Field(i).IsNil() {
				t.Errorf("%s is set", name)
			}
		default:
			member := from.FieldByName(name)
			if !member.IsValid() {
				t.Errorf("a version has no %s: nothing can keep it", name)
			} else if member.IsZero() {
				t.Errorf("%s is not set in everything(), so it is not tested", name)
			} else if diff := cmp.Diff(member.Interface(), to.Field(i).Interface(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		}
	}
	in.EnvironmentVariables["MODE"], *in.Hooks.Port, *in.Resources[0].MinimumMemoryInMiB = "test", 1, 1
	if live.EnvironmentVariables["MODE"] != "live" || *live.Hooks.Port != 9000 || *live.Resources[0].MinimumMemoryInMiB != 4096 {
		t.Error("the input shares something with the version")
	}
}

func TestDiffOfNothing(t *testing.T) {
	live := &lambdamicrovms.GetMicroVMImageVersionOutput{BuildRoleArn: aws.String(roleARN)}
	wanted := &lambdamicrovms.UpdateMicroVMImageInput{BuildRoleArn: aws.String(roleARN)}
	kinds := func(changes images.Changes) (kinds []images.Kind) {
		for _, c := range changes {
			kinds = append(kinds, c.Kind)
		}
		return kinds
	}
	if diff := cmp.Diff([]images.Kind{images.Added}, kinds(images.Diff(nil, wanted))); diff != "" {
		t.Errorf("no version, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]images.Kind{images.Wiped}, kinds(images.Diff(live, nil))); diff != "" {
		t.Errorf("no update, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(&lambdamicrovms.UpdateMicroVMImageInput{}, images.InputFrom(nil)); diff != "" {
		t.Errorf("input from nothing, -want +got:\n%s", diff)
	}
}
