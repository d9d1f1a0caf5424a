package lambdamicrovms_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

func responding(status int, header http.Header, body string) *lambdamicrovms.Client {
	return stubbed(func(*http.Request) (*http.Response, error) { return newResponse(status, header, body), nil })
}

// If the service adds a member to a union, calls and lists still work, and
// UnknownSettings reports the member.
func TestUnknownSettings(t *testing.T) {
	ctx := context.Background()
	version := &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:app"), ImageVersion: aws.String("1.0")}
	out, err := responding(200, nil, `{"codeArtifact":{"uri":"s3://b/k","sha256":"abc","etag":null},"hooks":{"port":1,"added":{}},"logging":{"s3":{}},"extra":1}`).
		GetMicroVMImageVersion(ctx, version)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(types.CodeArtifact(&types.CodeArtifactMemberUri{Value: "s3://b/k"}), out.CodeArtifact); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(types.Logging(&types.UnknownUnionMember{Tag: "s3", Value: []byte("{}")}), out.Logging); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"codeArtifact.sha256", "hooks.added", "logging.s3"}, lambdamicrovms.UnknownSettings(out.ResultMetadata)); diff != "" {
		t.Errorf("unknown settings, -want +got:\n%s", diff)
	}

	list, err := responding(200, nil, `{"items":[{"codeArtifact":{"sha256":"abc","uri":"s3://b/k"}},{"codeArtifact":{"uri":"s3://b/l"}}]}`).
		ListMicroVMImageVersions(ctx, &lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: version.ImageIdentifier})
	if err != nil || len(list.Items) != 2 {
		t.Fatalf("%v, %v", list, err)
	}

	out, err = responding(200, nil, `{"codeArtifact":{"uri":"s3://b/k"},"extra":null}`).GetMicroVMImageVersion(ctx, version)
	if got := lambdamicrovms.UnknownSettings(out.ResultMetadata); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got := lambdamicrovms.UnknownSettings(middleware.Metadata{}); got != nil {
		t.Errorf("%v without a response", got)
	}

	_, err = responding(200, nil, `{"logging":{"disabled":{},"cloudWatch":{}}}`).GetMicroVMImageVersion(ctx, version)
	if err == nil {
		t.Error("a union with two known members was taken")
	}
}

// In responses null counts as absent, as in official clients, so it clears no earlier
// value. JSON files are different: see TestJSONDetails.
func TestNullAfterAValue(t *testing.T) {
	ctx := context.Background()
	for _, body := range []string{`{"Message":"m","message":null}`, `{"message":"m","Message":null}`, `{"message":"m","message":null}`} {
		for _, code := range []string{"ConflictException", "SomeException"} {
			_, err := responding(409, http.Header{"X-Amzn-Errortype": {code}}, body).ListMicroVMs(ctx, nil)
			var failed interface{ ErrorMessage() string }
			if !errors.As(err, &failed) || failed.ErrorMessage() != "m" {
				t.Errorf("%s %s: %v", code, body, err)
			}
		}
	}
	list, err := responding(200, nil, `{"items":[{"name":"a","name":null,"state":"CREATED","state":null}],"items":null,"nextToken":"t","nextToken":null}`).
		ListMicroVMImages(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	list.ResultMetadata = middleware.Metadata{}
	want := &lambdamicrovms.ListMicroVMImagesOutput{
		Items:     []types.MicroVMImageSummary{{Name: aws.String("a"), State: types.MicroVMImageStateCreated}},
		NextToken: aws.String("t"),
	}
	if diff := cmp.Diff(want.Items, list.Items); diff != "" || aws.ToString(list.NextToken) != "t" {
		t.Errorf("next token %v, items -want +got:\n%s", list.NextToken, diff)
	}
}

// Structs of official clients have no JSON tags, so files may use Go names in any letter
// case.
func TestGoNamesInJSON(t *testing.T) {
	var hooks types.Hooks
	if err := json.Unmarshal([]byte(`{"Port":8080,"MicrovmHooks":{"Run":"ENABLED"},"MICROVMIMAGEHOOKS":{"READY":"DISABLED"}}`), &hooks); err != nil {
		t.Fatal(err)
	}
	want := types.Hooks{
		Port:              aws.Int32(8080),
		MicroVMHooks:      &types.MicroVMHooks{Run: types.HookStateEnabled},
		MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateDisabled},
	}
	if diff := cmp.Diff(want, hooks); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	var in lambdamicrovms.UpdateMicroVMImageInput
	if err := json.Unmarshal([]byte(`{"BaseImageArn":"a","EnvironmentVariables":{"Key":"v"},"CodeArtifact":{"Uri":"s3://b/k"}}`), &in); err != nil {
		t.Fatal(err)
	}
	if aws.ToString(in.BaseImageArn) != "a" || in.EnvironmentVariables["Key"] != "v" || in.CodeArtifact == nil {
		t.Errorf("%v", in)
	}
	if err := json.Unmarshal([]byte(`{"BaseImageArns":"a"}`), &in); err == nil {
		t.Error("an input took a name that differs by more than letter case")
	}

	// On the wire names are exact.
	out, err := responding(200, nil, `{"Items":[{}],"NextToken":"t"}`).ListMicroVMs(context.Background(), nil)
	if err != nil || out.Items != nil || out.NextToken != nil {
		t.Errorf("%v, %v", out, err)
	}
}

// An error about a configuration file has position and reason, and repeats no value of
// the file.
func TestJSONErrorsOfInputs(t *testing.T) {
	tests := []struct{ doc, want string }{
		{"{\n  \"name\": \"app\",\n  \"environmentVariables\": {\"A\": [\"hunter2-hunter2\"]}\n}", "unexpected JSON in environmentVariables.A at line 3, column 33: want a string, got an array"},
		{`{"environmentVariables":"hunter2-hunter2"}`, "unexpected JSON in environmentVariables at line 1, column 25: want an object, got a string"},
		{"{\n\t\"enviromentVariables\": {\"A\": \"hunter2-hunter2\"}}", `unexpected JSON in enviromentVariables at line 2, column 2: unknown member, did you mean "environmentVariables"?`},
		{`{"hooks":{"microvmHooks":{"Runn":"ENABLED"}}}`, `unexpected JSON in hooks.microvmHooks.Runn at line 1, column 27: unknown member, did you mean "run"?`},
		{`{"logging":{"disablde":{}}}`, `unexpected JSON in logging.disablde at line 1, column 13: unknown member, did you mean "disabled"?`},
		{`{"runHookPayload":"hunter2-hunter2"}`, "unexpected JSON in runHookPayload at line 1, column 2: unknown member"},
	}
	for _, test := range tests {
		var in lambdamicrovms.CreateMicroVMImageInput
		if err := json.Unmarshal([]byte(test.doc), &in); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.doc, err, test.want)
		}
	}
}
