package images_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestErrorTexts(t *testing.T) {
	cause := errors.New("no")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&images.Error{Workflow: "update", Image: "arn", Step: images.StepRead, Err: cause}, "images: update arn: read: no"},
		{&images.Error{Workflow: "deploy", Step: images.StepCheck, Err: cause}, "images: deploy: check: no"},
		{&images.Error{Workflow: "update", Image: "arn", Version: "2.0", Step: images.StepWaitForBuild, State: "PENDING", Err: cause},
			"images: update arn: wait for build 2.0 (PENDING): no"},
		{&images.NotFoundError{Name: "app"}, `images: there is no image named "app" in this account and region`},
		{&images.BusyError{Workflow: "prune", Image: "arn", State: "UPDATING", Waited: 45*time.Minute + 3*time.Millisecond, Err: cause},
			"images: prune arn: gave up after waiting 45m0s, the image is still UPDATING: no"},
		{&images.BusyError{Workflow: "update", Image: "arn", Waited: time.Minute}, "images: update arn: gave up after waiting 1m0s"},
		{&images.ConcurrentUpdateError{Workflow: "update", Image: "arn", From: "1.0"},
			"images: update arn: somebody else changed the latest active version from 1.0 to none"},
		{&images.ConcurrentUpdateError{Workflow: "update", Image: "arn", From: "1.0", Latest: "2.0", Version: "3.0", Err: cause},
			"images: update arn: somebody else changed the latest active version from 1.0 to 2.0; " +
				"3.0 was built without its changes and has replaced it; building a version with both changes failed: no"},
		{&images.UnknownOutcomeError{Workflow: "deploy", Image: "arn", Err: cause}, "images: deploy arn: the build may or may not have been started: no"},
		{&images.VersionError{Workflow: "roll back", Image: "arn", Problem: "no"}, "images: roll back arn: no"},
		{&images.VersionError{Workflow: "roll back", Image: "arn", Version: "2.0", Problem: "no"}, "images: roll back arn: version 2.0: no"},
		{&images.BuildFailedError{Workflow: "update", Image: "arn", Version: "2.0", State: "FAILED", Reason: "because", BuildsErr: cause},
			"images: update arn: version 2.0 is FAILED: because; its builds could not be read: no"},
		{&images.BuildFailedError{Workflow: "update", Image: "arn", Version: "2.0", State: "FAILED", Serving: "1.0", Builds: []images.Build{
			{Chipset: "GRAVITON", Generation: "4", State: "FAILED", Reason: "Ready hook failed"},
			{Chipset: "GRAVITON", Generation: "3", State: "FAILED", Reason: "Ready hook failed"},
		}}, "images: update arn: version 2.0 is FAILED; GRAVITON generations 4 and 3 FAILED: Ready hook failed; version 1.0 remains active"},
		{&images.BuildFailedError{Workflow: "update", Image: "arn", Version: "2.0", State: "FAILED", Builds: []images.Build{
			{Chipset: "GRAVITON", Generation: "4", State: "SUCCESSFUL"},
			{Chipset: "GRAVITON", Generation: "3", State: "FAILED", Reason: "Ready hook failed"},
		}}, "images: update arn: version 2.0 is FAILED; GRAVITON generation 4 SUCCESSFUL; GRAVITON generation 3 FAILED: Ready hook failed"},
		{&images.ArtifactError{Dir: "dir", Path: "a/b", Problem: "bad", Err: cause}, "images: pack dir: a/b: bad: no"},
		{&images.ARNError{Text: "app", Problem: "bad"}, `images: "app" is not the ARN of an image: bad`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// The service rejects updates of an image that can no longer be updated with the error of
// a busy image.
func TestImageThatCannotBeUpdated(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	image := must(b.client.GetMicroVMImage(b.ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(appARN)}))
	image.State = types.MicroVMImageStateDeleteFailed
	b.srv.SetOverrides(fake.Overrides{
		GetMicroVMImage: func(context.Context, *lambdamicrovms.GetMicroVMImageInput) (*lambdamicrovms.GetMicroVMImageOutput, error) {
			return image, nil
		},
		UpdateMicroVMImage: func(context.Context, *lambdamicrovms.UpdateMicroVMImageInput) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
			return nil, &types.ValidationException{Message: aws.String("Cannot update MicroVM Image in its current state: " + appARN)}
		},
	})
	for _, err := range []error{
		func() error {
			_, err := images.Update(b.ctx, b.client, appARN, nil, b.updating)
			return err
		}(),
		func() error {
			_, err := b.deploy(images.Deployment{Image: declaration()})
			return err
		}(),
	} {
		var failed *images.Error
		if !errors.As(err, &failed) || failed.Step != images.StepUpdate || failed.State != "DELETE_FAILED" {
			t.Errorf("got %v", err)
		}
	}
}

// A workflow that gives up on a throttled operation says how many calls it made and how
// long that took, whichever operation it is.
func TestLastingThrottling(t *testing.T) {
	deploy := func(b *bench, client *lambdamicrovms.Client) error {
		_, err := images.Deploy(b.ctx, client, b.deployment(), b.deploying)
		return err
	}
	const cause = ": 4 calls in 35s, the last one: operation error Lambda Microvms: "
	for _, c := range []struct {
		operation fake.Operation
		exists    bool
		work      func(*bench, *lambdamicrovms.Client) error
		want      string // the beginning
	}{
		{fake.ListMicroVMImages, false, deploy, "images: deploy app: find" + cause},
		{fake.CreateMicroVMImage, false, deploy, "images: deploy app: create" + cause},
		{fake.UpdateMicroVMImage, true, deploy, "images: deploy " + appARN + ": update" + cause},
		{fake.UpdateMicroVMImage, true, func(b *bench, client *lambdamicrovms.Client) error {
			_, err := images.Update(b.ctx, client, appARN, nil, b.updating)
			return err
		}, "images: update " + appARN + ": update" + cause},
		{fake.TagResource, true, func(b *bench, client *lambdamicrovms.Client) error {
			_, err := images.SyncTags(b.ctx, client, appARN, map[string]string{"a": "b"}, b.clock)
			return err
		}, "images: sync tags " + appARN + ": tag" + cause},
	} {
		b := newBench(t)
		if c.exists {
			b.create(declaration())
		}
		b.srv.Inject(fake.Throttle{}, fake.On(c.operation))
		client := lambdamicrovms.New(b.srv.Options(), func(o *lambdamicrovms.Options) { o.Retryer = aws.NopRetryer{} })
		err := c.work(b, client)
		if err == nil || !lambdamicrovms.IsThrottle(err) {
			t.Errorf("%s: got %v, want a throttled call", c.operation, err)
			continue
		}
		if diff := cmp.Diff(c.want, err.Error()[:min(len(c.want), len(err.Error()))]); diff != "" {
			t.Errorf("%s, -want +got:\n%s", c.operation, diff)
		}
	}
}
