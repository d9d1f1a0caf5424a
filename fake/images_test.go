package fake_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	baseImage = "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"
	buildRole = "arn:aws:iam::123456789012:role/build"
	imageARN  = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
)

func createInput(name string) *lambdamicrovms.CreateMicroVMImageInput {
	return &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String(name),
		BaseImageArn: aws.String(baseImage),
		BuildRoleArn: aws.String(buildRole),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	}
}

func updateInput(arn string) *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: aws.String(arn),
		BaseImageArn:    aws.String(baseImage),
		BuildRoleArn:    aws.String(buildRole),
		CodeArtifact:    &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	}
}

// create creates an image and advances the clock to the end of its build.
func create(t *testing.T, srv *fake.Server, client *lambdamicrovms.Client, name string) *lambdamicrovms.CreateMicroVMImageOutput {
	t.Helper()
	out, err := client.CreateMicroVMImage(context.Background(), createInput(name))
	if err != nil {
		t.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().Build)
	return out
}

func getImage(t *testing.T, client *lambdamicrovms.Client, arn string) *lambdamicrovms.GetMicroVMImageOutput {
	t.Helper()
	out, err := client.GetMicroVMImage(context.Background(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestImageLife follows an image through its states and checks what Get returns in each.
func TestImageLife(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	delays := fake.MeasuredDelays()

	type look struct{ State, Active, Failed string }
	check := func(when string, want look) {
		t.Helper()
		out := getImage(t, client, imageARN)
		got := look{string(out.State), aws.ToString(out.LatestActiveImageVersion), aws.ToString(out.LatestFailedImageVersion)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", when, diff)
		}
	}

	created, err := client.CreateMicroVMImage(ctx, createInput("app"))
	if err != nil {
		t.Fatal(err)
	}
	if got := *created.ImageVersion + " " + string(created.State); got != "1.0 CREATING" {
		t.Errorf("create: got %s", got)
	}
	check("after create", look{State: "CREATING"})
	srv.Advance(delays.Build - time.Millisecond)
	check("just before the build ends", look{State: "CREATING"})
	srv.Advance(time.Millisecond)
	check("as the build ends", look{State: "CREATED", Active: "1.0"})

	updated, err := client.UpdateMicroVMImage(ctx, updateInput(imageARN))
	if err != nil {
		t.Fatal(err)
	}
	if got := *updated.ImageVersion + " " + string(updated.State) + " " + *updated.LatestActiveImageVersion; got != "2.0 UPDATING 1.0" {
		t.Errorf("update: got %s", got)
	}
	check("after update", look{State: "UPDATING", Active: "1.0"})
	_, err = client.UpdateMicroVMImage(ctx, updateInput(imageARN))
	if !lambdamicrovms.IsImageBusy(err) {
		t.Errorf("second update: %v", err)
	}
	srv.Advance(delays.Build)
	check("after the second build", look{State: "UPDATED", Active: "2.0"})

	srv.Inject(fake.FailBuild{Reason: fake.ReasonReadyTimeout}, fake.Image("app"), fake.First(1))
	if _, err := client.UpdateMicroVMImage(ctx, updateInput(imageARN)); err != nil {
		t.Fatal(err)
	}
	srv.Advance(delays.FailedBuild)
	check("after a failed build", look{State: "UPDATE_FAILED", Active: "2.0", Failed: "3.0"})

	if _, err := client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(imageARN)}); err != nil {
		t.Fatal(err)
	}
	check("after delete", look{State: "DELETING", Active: "2.0", Failed: "3.0"})
	if _, err := client.CreateMicroVMImage(ctx, createInput("app")); !lambdamicrovms.IsAlreadyExists(err) {
		t.Errorf("create while deleting: %v", err)
	}
	srv.Advance(delays.ImageDelete)
	_, err = client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageARN)})
	if !lambdamicrovms.IsNotFound(err) {
		t.Errorf("get after delete: %v", err)
	}
}

func TestFailedBuild(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t, fake.WithFault(fake.FailBuild{Reason: fake.ReasonReadyTimeout, Generations: []string{"3"}}))
	client := lambdamicrovms.New(srv.Options())
	created, err := client.CreateMicroVMImage(ctx, createInput("app"))
	if err != nil {
		t.Fatal(err)
	}

	waiter := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client, func(o *lambdamicrovms.MicroVMImageVersionSuccessfulWaiterOptions) {
		o.Clock = srv.Clock()
	})
	err = waiter.Wait(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: created.ImageArn, ImageVersion: created.ImageVersion}, time.Hour)
	var failed *lambdamicrovms.WaiterFailureError
	if !errors.As(err, &failed) || failed.State != "FAILED" {
		t.Fatalf("wait: %v", err)
	}

	list, err := client.ListMicroVMImageBuilds(ctx, &lambdamicrovms.ListMicroVMImageBuildsInput{ImageIdentifier: created.ImageArn, ImageVersion: created.ImageVersion})
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ Generation, State, Reason string }
	var got []row
	for _, b := range list.Items {
		got = append(got, row{*b.ChipsetGeneration, string(b.BuildState), aws.ToString(b.StateReason)})
	}
	want := []row{{"4", "SUCCESSFUL", ""}, {"3", "FAILED", fake.ReasonReadyTimeout}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("builds, -want +got:\n%s", diff)
	}
}

// TestBaseImages checks builds on existing base images, and that the server does not
// guess about missing ones.
func TestBaseImages(t *testing.T) {
	const account, managed = "arn:aws:lambda:us-east-1:123456789012:microvm-image:", "arn:aws:lambda:us-east-1:aws:microvm-image:"
	tests := []struct{ base, version, want string }{
		{managed + "al2023-1", "", "3.0"},
		{managed + "al2023-1", "2", "2.0"},
		{managed + "al2023-1", "4", "400 ValidationException: Invalid baseMicroVMImageVersion: 4. The version does not exist."},
		{managed + "al2026-1", "", "1.0"},
		{account + "own", "", "1.0"},
		{account + "none", "", "501 UnknownBehaviorException: fake: nobody has measured the response to a build on " + account +
			"none, which does not exist"},
	}
	ctx := context.Background()
	srv := fake.New(t, fake.WithManagedImages(fake.ManagedImage{Name: "al2023-1", Versions: 4}))
	client := lambdamicrovms.New(srv.Options())
	create(t, srv, client, "own")
	for i, test := range tests {
		in := createInput(fmt.Sprintf("image-%d", i))
		in.BaseImageArn = aws.String(test.base)
		if test.version != "" {
			in.BaseImageVersion = aws.String(test.version)
		}
		out, err := client.CreateMicroVMImage(ctx, in)
		got := verdict(err)
		if err == nil {
			got = *out.BaseImageVersion
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s: -want +got:\n%s", test.base, test.version, diff)
		}
	}
}
