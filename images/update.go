package images

import (
	"context"
	"errors"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
)

// UpdateAPI is what Update calls.
type UpdateAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient
	lambdamicrovms.GetMicroVMImageVersionAPIClient
	lambdamicrovms.ListMicroVMImageVersionsAPIClient
	lambdamicrovms.UpdateMicroVMImageAPIClient
	lambdamicrovms.ListMicroVMImageBuildsAPIClient // for the reasons of a failure
}

// UpdateOptions are the options of Update.
type UpdateOptions struct {
	Options

	// From is the version to start from, such as "2.0". The default is the latest active one.
	From string

	// Retries is how often Update starts over, from the new latest version, when somebody else's update came
	// between. The change is then applied again. The default is never: the error is a *ConcurrentUpdateError.
	Retries int

	// KeepBaseImageVersion pins the version of the base image to the one that the image was built on last. By
	// default it is the latest, unless the change sets it.
	KeepBaseImageVersion bool
}

// Result is what Update and Deploy have done.
type Result struct {
	Image   string  // ARN
	Version string  // the version that serves now, such as "3.0"
	From    string  // the version that the configuration was compared with; empty if there was none
	Changes Changes // what differs from that version

	Created     bool   // the image is new
	Unchanged   bool   // there was nothing to do and no build
	ArtifactURI string // where Deploy has uploaded the folder to, if it has

	// Replaced are versions of this very call that turned out to be built without somebody else's changes, and
	// that Version has replaced. See UpdateOptions.Retries.
	Replaced []string
}

// Update changes an image's configuration and builds the next version from it: it reads that of the latest
// active version, has it changed, sends all of it, and waits until exactly the version that comes of it has
// been built. What the change does not touch stays as it is, although the service replaces everything with each
// update. The image is named by its ARN, which Find and ARN know.
//
// BaseImageVersion is unset when change sees the input, and unset it means the latest; see InputFrom. "1.0" is
// sent as "1". Even an input that is left as it is gets built, since the artifact may have changed.
//
// A busy image, a used-up quota of builds and lost answers are waited out. One call builds one version, however
// often its request is repeated.
//
// # Two at a time
//
// The service has no conditional write. Update checks that the version it began with is still the latest active
// one before each request, and once more when the service has taken it. An image is busy while it is being
// built, so most of the time the second of two updaters is refused, waits, finds a new latest version and ends
// with a *ConcurrentUpdateError, or starts over if UpdateOptions.Retries says so. What remains is an update
// that begins and ends between check and request, more than a minute later. This is seen after the fact: the
// error then has a Version. With Retries the change is built once more upon the other's, and Result.Replaced
// tells. What cannot be seen is a version that was built and also deleted in that time, and members that this
// module does not know; and a Rollback right after the request may be taken for one right before it.
//
// # Errors
//
// *ARNError, *VersionError (no version to start from), *BusyError, *ConcurrentUpdateError, *BuildFailedError,
// *UnknownOutcomeError, and *Error for everything else, around its cause.
func Update(ctx context.Context, api UpdateAPI, image string, change func(*lambdamicrovms.UpdateMicroVMImageInput) error, optFns ...func(*UpdateOptions)) (*Result, error) {
	var options UpdateOptions
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	u := &updater{job: newJob("update", image, options.Options), options: &options, api: api, change: change}
	for try := 0; ; try++ {
		result, err := u.once(ctx)
		var overtaken *ConcurrentUpdateError
		if !errors.As(err, &overtaken) || try >= options.Retries || !u.mayRetry(overtaken) {
			return result, u.owned(err)
		}
	}
}

type updater struct {
	*job
	options  *UpdateOptions
	api      UpdateAPI
	change   func(*lambdamicrovms.UpdateMicroVMImageInput) error
	debt     *ConcurrentUpdateError // whose Version lacks the changes of its Latest
	replaced []string
}

// mayRetry reports whether starting over makes things good.
func (u *updater) mayRetry(overtaken *ConcurrentUpdateError) bool {
	if overtaken.Version == "" {
		return true
	}
	if u.debt != nil || u.options.From != "" {
		return false // there is no single version that has all changes but this one
	}
	u.debt = overtaken
	u.replaced = append(u.replaced, overtaken.Version)
	return true
}

// owned keeps an error of a further try from hiding what the first one left undone.
func (u *updater) owned(err error) error {
	if err == nil || u.debt == nil || errors.Is(err, u.debt) {
		return err
	}
	u.debt.Err = err
	return u.debt
}

// once makes one update.
func (u *updater) once(ctx context.Context) (*Result, error) {
	seen, err := u.read(ctx)
	if err != nil {
		return nil, err
	}
	from, in, err := u.prepare(ctx, seen)
	if err != nil {
		return nil, err
	}
	begin := &start{job: u.job, api: u.api, step: StepUpdate}
	begin.look = func(ctx context.Context, sent bool) (string, error) {
		now, err := u.history(ctx, u.api)
		if err != nil {
			return "", err
		}
		if sent {
			if version := now.built(seen.newest(), in); version != "" {
				return version, nil
			}
		}
		if overtaken := u.overtaken(seen, now); overtaken != nil {
			return "", overtaken
		}
		return "", nil
	}
	begin.send = func(ctx context.Context) (string, error) {
		out, err := u.api.UpdateMicroVMImage(ctx, in)
		if err != nil {
			return "", err
		}
		return deref(out.ImageVersion), nil
	}
	version, err := begin.run(ctx)
	if err != nil {
		return nil, err
	}

	result := &Result{
		Image: u.image, Version: version, From: deref(from.ImageVersion), Replaced: u.replaced,
		Changes: compare(configuration(from), in),
	}
	// Look at once: later the versions before this one may have changed for other reasons.
	now, err := u.history(ctx, u.api)
	if err != nil {
		err = u.fail(StepCompare, version, err)
	} else if overtaken := u.overtaken(seen, now.before(version)); overtaken != nil {
		overtaken.Version = version
		err = overtaken
	}
	waitErr := u.waitForBuild(ctx, u.api, version)
	var failed *BuildFailedError
	switch {
	case errors.As(waitErr, &failed): // so it has replaced nothing
		return nil, waitErr
	case waitErr != nil:
		return nil, errors.Join(waitErr, err)
	}
	return result, err
}

// read waits until nothing is being built and returns the versions.
func (u *updater) read(ctx context.Context) (history, error) {
	for {
		if _, err := u.settle(ctx, u.api); err != nil {
			return nil, err
		}
		seen, err := u.history(ctx, u.api)
		if err != nil {
			return nil, err
		}
		if len(seen) == 0 || !underway(&seen[len(seen)-1]) {
			return seen, nil
		}
		if err := u.sleep(ctx, StepWaitForImage, backoff(0), nil); err != nil {
			return nil, err
		}
	}
}

// overtaken compares the latest active version with the one that was seen at first. Another one with the same
// configuration has nothing that could be lost.
func (u *updater) overtaken(seen, now history) *ConcurrentUpdateError {
	from, latest := seen.find(seen.latest()), now.find(now.latest())
	if seen.latest() == now.latest() || from != nil && latest != nil && len(compare(configuration(from), configuration(latest))) == 0 {
		return nil
	}
	return &ConcurrentUpdateError{Workflow: u.workflow, Image: u.image, From: seen.latest(), Latest: now.latest()}
}

// prepare returns the version to start from and the changed input.
func (u *updater) prepare(ctx context.Context, seen history) (*lambdamicrovms.GetMicroVMImageVersionOutput, *lambdamicrovms.UpdateMicroVMImageInput, error) {
	version := u.options.From
	switch {
	case version != "":
		if seen.find(version) == nil {
			return nil, nil, &VersionError{Workflow: u.workflow, Image: u.image, Version: version, Problem: "there is no such version to start from"}
		}
	case u.debt != nil:
		version = u.debt.Latest
		if latest := seen.latest(); latest != u.debt.Version && latest != version {
			return nil, nil, u.debt // somebody has built on what lacks the changes
		}
	default:
		version = seen.latest()
	}
	if version == "" {
		return nil, nil, &VersionError{Workflow: u.workflow, Image: u.image,
			Problem: "it has no active version to start from; name one with UpdateOptions.From, the newest is " + orNone(seen.newest())}
	}
	from, err := insist(ctx, u.job, StepRead, version, func() (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
		return u.api.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &u.image, ImageVersion: &version})
	})
	if err != nil {
		return nil, nil, err
	}

	in := InputFrom(from)
	if u.options.KeepBaseImageVersion {
		in.BaseImageVersion = bareMajor(from.BaseImageVersion)
	}
	if u.change != nil {
		u.tell(Event{Step: StepChange, Version: version})
		if err := u.change(in); err != nil {
			return nil, nil, u.fail(StepChange, version, err)
		}
	}
	in.ImageIdentifier, in.BaseImageVersion = &u.image, bareMajor(in.BaseImageVersion)
	if in.ClientToken == nil {
		if in.ClientToken, err = clienttoken.New(u.api); err != nil {
			return nil, nil, u.fail(StepUpdate, "", err)
		}
	}
	return from, in, nil
}
