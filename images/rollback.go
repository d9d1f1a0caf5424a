package images

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// RollbackAPI is what Rollback calls.
type RollbackAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.ListMicroVMImageVersionsAPIClient
	lambdamicrovms.UpdateMicroVMImageVersionAPIClient
}

// RollbackResult is what Rollback has done.
type RollbackResult struct {
	Image       string   // ARN
	From        string   // the latest active version before; empty if there was none
	To          string   // the latest active version now
	Activated   bool     // To was not active before
	Deactivated []string // versions newer than To, oldest first
}

// Rollback makes an older version the one that MicroVMs are started from: it activates that version if need be,
// and deactivates all that are newer, the latest last, so that there always is one to start from. No build
// takes place. MicroVMs that run already are not touched.
//
// to is the version, such as "2.0"; a newer one is possible, too. Empty, it is the newest active version before
// the latest one, which leaves out what was rolled back earlier.
//
// The next Update starts from the version that was rolled back to.
//
// At the end Rollback reads the image and its versions again, and succeeds only if both say
// that the version serves.
//
// Errors are *ARNError, *VersionError (no version to go to), *BusyError, *ConcurrentUpdateError
// when an update or Prune came between, and *Error. The result is what was done before. If
// Rollback finds no active version left, it activates the old one again.
func Rollback(ctx context.Context, api RollbackAPI, image, to string, optFns ...func(*Options)) (_ *RollbackResult, err error) {
	var options Options
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	j := newJob(api, "roll back", image, options)
	defer j.redact(&err)
	check := workflow.CheckOptions("Options")
	options.check(check)
	if err := j.refuse(check); err != nil {
		return nil, err
	}
	seen, err := j.settled(ctx, api, func(history) error { return nil })
	if err != nil {
		return nil, err
	}
	target, err := j.rollbackTarget(seen, to)
	if err != nil {
		return nil, err
	}

	result := &RollbackResult{Image: image, From: seen.latest(), To: deref(target.ImageVersion)}
	if !runnable(target) {
		if err := j.setStatus(ctx, api, result.To, types.MicroVMImageVersionStatusActive); err != nil {
			return result, err
		}
		result.Activated = true
	}
	newer := seen.after(result.To)
	for i := range newer {
		version := deref(newer[i].ImageVersion)
		if !runnable(&newer[i]) {
			continue
		}
		// It may be the last one that serves: see each time that there is one to go to.
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
		return result, both(j.versionLost(result.To), j.setStatus(ctx, api, result.From, types.MicroVMImageVersionStatusActive))
	default:
		return result, &ConcurrentUpdateError{Workflow: j.workflow, Image: image, From: result.To, Latest: latest}
	}
}

// serving returns the latest active version, "" if there is none. The versions and the image
// have to agree on it.
func (j *job) serving(ctx context.Context, api RollbackAPI) (string, error) {
	return insist(ctx, j, StepRead, "", func() (string, error) {
		now, err := j.history(ctx, api)
		if err != nil {
			return "", err
		}
		image, err := api.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image})
		switch {
		case err != nil:
			return "", err
		case image == nil || number(deref(image.LatestActiveImageVersion)) != number(now.latest()):
			return "", workflow.Incomplete("GetMicroVMImage", "LatestActiveImageVersion")
		}
		return now.latest(), nil
	})
}

func (j *job) versionLost(version string) error {
	return &VersionError{Workflow: j.workflow, Image: j.image, Version: version, Problem: "somebody else has deactivated or deleted it meanwhile"}
}

func (j *job) rollbackTarget(seen history, to string) (*types.MicroVMImageVersionSummary, error) {
	refuse := func(problem string) error {
		return &VersionError{Workflow: j.workflow, Image: j.image, Version: to, Problem: problem}
	}
	if to == "" {
		latest := seen.latest()
		if latest == "" {
			return nil, refuse("it has no active version to go back from; name the one to go to")
		}
		previous := seen.before(latest).latest()
		if previous == "" {
			return nil, refuse("it has no active version older than " + latest + "; name one to activate")
		}
		to = previous
	}
	switch target := seen.find(to); {
	case target == nil:
		return nil, refuse("there is no such version to go to")
	case target.State != types.MicroVMImageVersionStateSuccessful:
		return nil, refuse("it is " + string(target.State) + ", and only one that is SUCCESSFUL can serve")
	default:
		return target, nil
	}
}
