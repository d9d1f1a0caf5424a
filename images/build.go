package images

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

// buildAPI is the set of operations that waitForBuild calls.
type buildAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.GetMicroVMImageVersionAPIClient
	lambdamicrovms.ListMicroVMImageBuildsAPIClient
}

// waitForBuild waits for the version, not for the image: the state of the image may be
// that of another update.
func (j *job) waitForBuild(ctx context.Context, api buildAPI, version string) error {
	return j.during(ctx, StepWaitForBuild, version, func(ctx context.Context) error { return j.pollBuild(ctx, api, version) })
}

func (j *job) pollBuild(ctx context.Context, api buildAPI, version string) error {
	waiter := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(api,
		configureWaiter[lambdamicrovms.GetMicroVMImageVersionInput, lambdamicrovms.GetMicroVMImageVersionOutput](ctx, j, StepWaitForBuild, version))
	out, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: &j.image, ImageVersion: &version,
	}, j.BuildTimeout)

	var failure *lambdamicrovms.WaiterFailureError
	var late *lambdamicrovms.WaiterTimeoutError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure) && out != nil:
		return j.buildFailed(ctx, api, version, out)
	case errors.As(err, &late):
		return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: StepWaitForBuild, State: late.LastState, Err: err}
	}
	return j.fail(StepWaitForBuild, version, err)
}

// buildFailed collects the details of a failure. The builds have the reason, and the
// image has the version that remains active.
func (j *job) buildFailed(ctx context.Context, api buildAPI, version string, out *lambdamicrovms.GetMicroVMImageVersionOutput) error {
	source, hasLogs := logSource(j.image, out)
	failed := &BuildFailedError{
		Workflow: j.workflow,
		Image:    j.image,
		Version:  version,
		State:    string(out.State),
		Reason:   aws.ToString(out.StateReason),
		LogGroup: source.Group,
	}
	failed.Builds, failed.BuildsErr = withRetries(ctx, j, StepRead, version, func(ctx context.Context) ([]Build, error) {
		return j.builds(ctx, api, version)
	})
	image, err := api.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image})
	if err == nil && image != nil {
		failed.Serving = aws.ToString(image.LatestActiveImageVersion)
	}
	if j.LogReader != nil && hasLogs {
		failed.LinesErr = j.during(ctx, StepRead, version, func(ctx context.Context) (err error) {
			failed.Lines, err = workflow.LastLines(ctx, j.LogReader, source, j.LogLines, j.secrets)
			return err
		})
	}
	return failed
}

func (j *job) builds(ctx context.Context, api lambdamicrovms.ListMicroVMImageBuildsAPIClient, version string) ([]Build, error) {
	var builds []Build
	pages := lambdamicrovms.NewListMicroVMImageBuildsPaginator(api,
		&lambdamicrovms.ListMicroVMImageBuildsInput{ImageIdentifier: &j.image, ImageVersion: &version}, pageLimit)
	items := func(out *lambdamicrovms.ListMicroVMImageBuildsOutput) []types.MicroVMImageBuildSummary {
		return out.Items
	}
	for build, err := range list(ctx, "ListMicroVMImageBuilds", pages, items) {
		if err != nil {
			return nil, err
		}
		builds = append(builds, Build{
			ID:         aws.ToString(build.BuildId),
			Chipset:    string(build.Chipset),
			Generation: aws.ToString(build.ChipsetGeneration),
			State:      string(build.BuildState),
			Reason:     aws.ToString(build.StateReason),
		})
	}
	return builds, nil
}

// LogSource returns where CloudWatch Logs has the output of the build of a version. It
// returns false if logging is disabled, or if the version has no ARN.
//
// The output begins when the version was created. Nobody has measured when it ends, so
// Until is zero. MicroVMs of the version write to streams with the same prefixes, unless
// the logging configuration names a stream. Set Until to leave out MicroVMs that were
// started later.
func LogSource(version *lambdamicrovms.GetMicroVMImageVersionOutput) (logs.Source, bool) {
	if version == nil {
		return logs.Source{}, false
	}
	return logSource(aws.ToString(version.ImageArn), version)
}

func logSource(image string, version *lambdamicrovms.GetMicroVMImageVersionOutput) (logs.Source, bool) {
	source, ok := logs.NewSource(image, version.Logging)
	if ok {
		source.Version, source.Since = aws.ToString(version.ImageVersion), aws.ToTime(version.CreatedAt)
	}
	return source, ok
}
