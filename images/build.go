package images

import (
	"context"
	"errors"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// buildAPI is what it takes to see a build through.
type buildAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.GetMicroVMImageVersionAPIClient
	lambdamicrovms.ListMicroVMImageBuildsAPIClient
}

// waitForBuild waits for exactly this version: the state of the image may be that of another update.
func (j *job) waitForBuild(ctx context.Context, api buildAPI, version string) error {
	waiter := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(api,
		tune[lambdamicrovms.GetMicroVMImageVersionInput, lambdamicrovms.GetMicroVMImageVersionOutput](j, StepWaitForBuild, version))
	out, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: &j.image, ImageVersion: &version,
	}, j.BuildTimeout)

	var failure *lambdamicrovms.WaiterFailureError
	var late *lambdamicrovms.WaiterTimeoutError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure) && out != nil:
		return j.buildFailed(ctx, api, out)
	case errors.As(err, &late):
		return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: StepWaitForBuild, State: late.LastState, Err: err}
	}
	return j.fail(StepWaitForBuild, version, err)
}

// buildFailed collects what there is to know about a failure: the reason is with the builds, and which version
// goes on serving is with the image.
func (j *job) buildFailed(ctx context.Context, api buildAPI, version *lambdamicrovms.GetMicroVMImageVersionOutput) error {
	failed := &BuildFailedError{
		Workflow: j.workflow,
		Image:    j.image,
		Version:  deref(version.ImageVersion),
		State:    string(version.State),
		Reason:   deref(version.StateReason),
		LogGroup: logGroup(j.image, version.Logging),
	}
	failed.Builds, failed.BuildsErr = insist(ctx, j, StepRead, failed.Version, func() ([]Build, error) {
		var builds []Build
		pages := lambdamicrovms.NewListMicroVMImageBuildsPaginator(api, &lambdamicrovms.ListMicroVMImageBuildsInput{
			ImageIdentifier: &j.image, ImageVersion: version.ImageVersion,
		})
		for build, err := range pages.Items(ctx) {
			if err != nil {
				return nil, err
			}
			builds = append(builds, Build{
				ID:         deref(build.BuildId),
				Chipset:    string(build.Chipset),
				Generation: deref(build.ChipsetGeneration),
				State:      string(build.BuildState),
				Reason:     deref(build.StateReason),
			})
		}
		return builds, nil
	})
	image, err := api.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image})
	if err == nil {
		failed.Serving = deref(image.LatestActiveImageVersion)
	}
	return failed
}

// logGroup returns where the output of an image's builds goes.
func logGroup(image string, logging types.Logging) string {
	switch to := logging.(type) {
	case *types.LoggingMemberDisabled:
		return ""
	case *types.LoggingMemberCloudWatch:
		if to.Value.LogGroup != nil {
			return *to.Value.LogGroup
		}
	}
	arn, err := ParseARN(image)
	if err != nil {
		return ""
	}
	return "/aws/lambda-microvms/" + arn.Name
}
