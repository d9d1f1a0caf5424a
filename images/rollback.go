package images

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// RollbackAPI is the set of operations that Rollback calls.
type RollbackAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.ListMicroVMImageVersionsAPIClient
	lambdamicrovms.UpdateMicroVMImageVersionAPIClient
}

// RollbackResult is the result of Rollback.
type RollbackResult struct {
	Image       string   // ARN
	From        string   // the latest active version before; empty if there was none
	To          string   // the latest active version now
	Activated   bool     // Rollback has activated To
	Deactivated []string // versions newer than To, oldest first
}

// Rollback makes an older version the latest active one, from which MicroVMs are started.
// It builds nothing and does not affect running MicroVMs.
//
// to is the version, such as "2.0". If to is empty, it is the newest active version
// before the latest active one; versions that were rolled back earlier are inactive and
// do not count. A version newer than the latest active one is also allowed.
//
//  1. Rollback activates the version if necessary.
//  2. It deactivates all newer versions, oldest first, so that one is active at any time.
//  3. It reads the image and its versions again, and succeeds only if both say that the
//     version is the latest active one. If no version is active, it activates the
//     previous one again.
//
// The next Update starts from the version that was rolled back to.
//
// The error is one of these. The result says what was done before.
//
//   - *ARNError: image is not an ARN.
//   - *VersionError: to is not a version, or there is none to roll back to.
//   - *BusyError: the image stayed busy.
//   - *ConcurrentUpdateError: an update or Prune ran at the same time.
//   - *Error: any other cause.
func Rollback(ctx context.Context, api RollbackAPI, image, to string, optFns ...func(*Options)) (*RollbackResult, error) {
	var options Options
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	j := newJob(api, "roll back", image, options)
	if to != "" && number(to) == 0 {
		return nil, &VersionError{Workflow: j.workflow, Image: image, Version: to, Problem: "it is not a version, such as 3.0"}
	}
	return perform(ctx, j, "images.Rollback", options.check("Options"), func(ctx context.Context) (*RollbackResult, error) {
		return j.rollback(ctx, api, to)
	})
}

func (j *job) rollback(ctx context.Context, api RollbackAPI, to string) (*RollbackResult, error) {
	seen, err := j.settled(ctx, api, func(history) error { return nil })
	if err != nil {
		return nil, err
	}
	target, err := j.rollbackTarget(seen, to)
	if err != nil {
		return nil, err
	}

	result := &RollbackResult{Image: j.image, From: seen.latest(), To: aws.ToString(target.ImageVersion)}
	if !runnable(target) {
		if err := j.setStatus(ctx, api, result.To, types.MicroVMImageVersionStatusActive); err != nil {
			return result, err
		}
		result.Activated = true
	}
	newer := seen.after(result.To)
	for i := range newer {
		version := aws.ToString(newer[i].ImageVersion)
		if !runnable(&newer[i]) {
			continue
		}
		// Do not deactivate the last active version: check first that the target is
		// active.
		now, err := j.history(ctx, api)
		if err != nil {
			return result, err
		}
		if to := now.find(result.To); to == nil || !runnable(to) {
			return result, j.versionLost(result.To)
		}
		if err := j.setStatus(ctx, api, version, types.MicroVMImageVersionStatusInactive); err != nil {
			return result, err
		}
		result.Deactivated = append(result.Deactivated, version)
	}

	latest, err := j.serving(ctx, api)
	switch {
	case err != nil || latest == result.To:
		return result, err
	case latest == "" && result.From != "":
		return result, joinErrors(j.versionLost(result.To), j.setStatus(ctx, api, result.From, types.MicroVMImageVersionStatusActive))
	default:
		return result, &ConcurrentUpdateError{Workflow: j.workflow, Image: j.image, From: result.To, Latest: latest}
	}
}

// serving returns the latest active version, or "". The versions and the image must agree
// on it.
func (j *job) serving(ctx context.Context, api RollbackAPI) (string, error) {
	return withRetries(ctx, j, StepRead, "", func(ctx context.Context) (string, error) {
		now, err := j.history(ctx, api)
		if err != nil {
			return "", err
		}
		image, err := api.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image})
		switch {
		case err != nil:
			return "", err
		case image == nil || number(aws.ToString(image.LatestActiveImageVersion)) != number(now.latest()):
			return "", workflow.Incomplete("GetMicroVMImage", "LatestActiveImageVersion")
		}
		return now.latest(), nil
	})
}

func (j *job) versionLost(version string) error {
	return &VersionError{Workflow: j.workflow, Image: j.image, Version: version, Problem: "somebody else has deactivated or deleted it"}
}

func (j *job) rollbackTarget(seen history, to string) (*types.MicroVMImageVersionSummary, error) {
	fail := func(problem string) error {
		return &VersionError{Workflow: j.workflow, Image: j.image, Version: to, Problem: problem}
	}
	if to == "" {
		latest := seen.latest()
		if latest == "" {
			return nil, fail("there is no active version to roll back from; name the version to roll back to")
		}
		previous := seen.before(latest).latest()
		if previous == "" {
			return nil, fail("there is no active version older than " + latest + "; name the version to roll back to")
		}
		to = previous
	}
	switch target := seen.find(to); {
	case target == nil:
		return nil, fail("there is no such version")
	case target.State != types.MicroVMImageVersionStateSuccessful:
		return nil, fail("it is " + string(target.State) + ", but only a SUCCESSFUL version can be active")
	default:
		return target, nil
	}
}
