package configtest

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	goccy "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	v3 "gopkg.in/yaml.v3"
	sigs "sigs.k8s.io/yaml"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

type yamlLibrary struct {
	name      string
	unmarshal func([]byte, any) error
	marshal   func(any) ([]byte, error)
}

var yamlLibraries = []yamlLibrary{
	{"yaml.v3", v3.Unmarshal, v3.Marshal},
	{"goccy", goccy.Unmarshal, goccy.Marshal},
	{"sigs", func(data []byte, v any) error { return sigs.Unmarshal(data, v) }, sigs.Marshal},
}

const document = `
# The configuration of an image, as a program keeps it in a file.
imageIdentifier: arn:aws:lambda:us-east-1:123456789012:microvm-image:shop
baseImageArn: arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1
buildRoleArn: arn:aws:iam::123456789012:role/build
codeArtifact: {uri: "s3://bucket/shop.zip"}
environmentVariables: &env
  STAGE: prod
  PORT: "8080"
hooks:
  port: 9000
  microvmImageHooks: {ready: ENABLED, readyTimeoutInSeconds: 60}
logging:
  cloudWatch: {logGroup: /shop}
resources:
  - minimumMemoryInMiB: 1024
`

func configuration() *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"),
		BaseImageArn:         aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn:         aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
		EnvironmentVariables: map[string]string{"STAGE": "prod", "PORT": "8080"},
		Hooks: &types.Hooks{Port: aws.Int32(9000), MicroVMImageHooks: &types.MicroVMImageHooks{
			Ready: types.HookStateEnabled, ReadyTimeoutInSeconds: aws.Int32(60),
		}},
		Logging:   &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("/shop")}},
		Resources: []types.Resources{{MinimumMemoryInMiB: aws.Int32(1024)}},
	}
}

func TestYAML(t *testing.T) {
	for _, library := range yamlLibraries {
		t.Run(library.name, func(t *testing.T) {
			var got lambdamicrovms.UpdateMicroVMImageInput
			if err := library.unmarshal([]byte(document), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(configuration(), &got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}

			text, err := library.marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "imageIdentifier: arn:aws") {
				t.Errorf("not the names of the wire:\n%s", text)
			}
			var again lambdamicrovms.UpdateMicroVMImageInput
			if err := library.unmarshal(text, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(configuration(), &again); diff != "" {
				t.Errorf("after a round trip, -want +got:\n%s", diff)
			}
		})
	}
}

// A program's own configuration holds inputs and types among its own members.
func TestYAMLInsideAStruct(t *testing.T) {
	type configured struct {
		Owner string                                    `json:"owner"          yaml:"owner"`
		Image *lambdamicrovms.CreateMicroVMImageInput   `json:"image"          yaml:"image"`
		Hooks types.Hooks                               `json:"hooks"          yaml:"hooks"`
		Ports []types.PortSpecificationMemberRange      `json:"ports"          yaml:"ports"`
		Runs  map[string]lambdamicrovms.RunMicroVMInput `json:"runs,omitempty" yaml:"runs,omitempty"`
	}
	const text = "owner: team\nimage: {name: shop}\nhooks: {port: 9000}\nports: [{range: {startPort: 1, endPort: 2}}]\nruns: {one: {imageVersion: \"2.0\"}}\n"
	want := configured{
		Owner: "team",
		Image: &lambdamicrovms.CreateMicroVMImageInput{Name: aws.String("shop")},
		Hooks: types.Hooks{Port: aws.Int32(9000)},
		Ports: []types.PortSpecificationMemberRange{{Value: types.PortRange{StartPort: aws.Int32(1), EndPort: aws.Int32(2)}}},
		Runs:  map[string]lambdamicrovms.RunMicroVMInput{"one": {ImageVersion: aws.String("2.0")}},
	}
	for _, library := range yamlLibraries {
		t.Run(library.name, func(t *testing.T) {
			var got configured
			if err := library.unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			written, err := library.marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var again configured
			if err := library.unmarshal(written, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, again); diff != "" {
				t.Errorf("after a round trip, -want +got:\n%s", diff)
			}
		})
	}
}

// Times are seconds, as on the wire. Sensitive members are written, because a
// configuration file is not a log.
func TestYAMLOfAnOutput(t *testing.T) {
	output := lambdamicrovms.GetMicroVMImageVersionOutput{
		CreatedAt:            aws.Time(time.Unix(1_795_000_000, 500_000_000).UTC()),
		EnvironmentVariables: map[string]string{"KEY": "value"},
		Logging:              &types.LoggingMemberDisabled{},
	}
	for _, library := range yamlLibraries {
		t.Run(library.name, func(t *testing.T) {
			text, err := library.marshal(output)
			if err != nil {
				t.Fatal(err)
			}
			var got lambdamicrovms.GetMicroVMImageVersionOutput
			if err := library.unmarshal(text, &got); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(output, got, cmp.FilterPath(func(p cmp.Path) bool {
				return p.String() == "ResultMetadata"
			}, cmp.Ignore())); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, text)
			}
		})
	}
}

// A document that cannot be read gives an error that names the member, and never an empty
// struct. No error contains a value, because it may be a secret.
func TestYAMLErrors(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // part of the error of yaml.v3 and goccy
	}{
		"unknown member":      {"buildRolArn: x", `unexpected YAML in buildRolArn: unknown member, did you mean "buildRoleArn"?`},
		"unknown below":       {"hooks: {porte: 1}", `hooks.porte: unknown member, did you mean "port"?`},
		"number as string":    {"environmentVariables: {PORT: 8080}", "environmentVariables.PORT: want a string, got a number; write the value in quotes"},
		"boolean as string":   {"environmentVariables: {DEBUG: true}", "environmentVariables.DEBUG: want a string, got a boolean; write the value in quotes"},
		"version as number":   {"baseImageVersion: 1", "baseImageVersion: want a string, got a number; write the value in quotes"},
		"string as number":    {"hooks: {port: secret-value}", "hooks.port: want a 32-bit integer, got a string"},
		"too large":           {"hooks: {port: 99999999999999999999}", "hooks.port: "},
		"two of a union":      {"logging: {disabled: {}, cloudWatch: {}}", "logging"},
		"a list of the whole": {"[1, 2]", "want an object"},
		"a scalar":            {"secret-value", "want an object, got a string"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, library := range yamlLibraries {
				var in lambdamicrovms.UpdateMicroVMImageInput
				err := library.unmarshal([]byte(test.text), &in)
				if err == nil {
					t.Errorf("%s: no error, and %v", library.name, in)
					continue
				}
				if strings.Contains(err.Error(), "secret-value") {
					t.Errorf("%s: the error contains a value: %v", library.name, err)
				}
				if library.name != "sigs" && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got %q, want %q", library.name, err, test.want)
				}
			}
		})
	}
}
