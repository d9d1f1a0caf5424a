package images

import (
	"context"
	"errors"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
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

	// Retries is how often Update starts over, from the new latest version, when somebody
	// else's update came between. The change is then applied again. The default is never: the
	// error is a *ConcurrentUpdateError. A negative number is refused.
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

// Update changes the configuration of an image and builds the next version from it. It reads
// the configuration of the latest active version, calls change, sends all of it, and waits
// until that very version has been built. What the change does not touch stays as it is,
// although an update of the service replaces everything. The image is named by its ARN; see
// Find and ARN.
//
// BaseImageVersion is unset when change sees the input, which means the latest; see InputFrom.
// "1.0" is sent as "1". An input that the change leaves as it is gets built as well, since the
// artifact may have changed.
//
// Update waits while the image is busy or a quota of builds is used up, and repeats requests
// that got no response. One call builds one version, however often its request is repeated.
//
// # Two at a time
//
// The service has no conditional write. Before each request, and once more after the service
// has accepted it, Update checks that the version it began with is still the latest active
// one. An image is busy while it is being built, so the second of two updaters is normally
// refused, waits, finds a new latest version, and ends with a *ConcurrentUpdateError, or starts
// over if UpdateOptions.Retries allows it.
//
// An update by somebody else that begins and ends between check and request, which takes more
// than a minute, is only seen afterwards: the error then has a Version. With Retries, the
// change is built once more on top of the other update, and Result.Replaced has the first
// version. Update cannot see a version that was built and also deleted in that time, and may
// take a Rollback right after the request for one right before it.
//
// # Members that this module does not know
//
// An update loses members that the service has learned since this module was generated, as the
// module reads and sends only what it knows. Keep it up to date. A union, such as Logging, with
// an unknown member alone is not lost: the client refuses to send it, so Update fails with a
// smithy.InvalidParamsError within an *Error and builds nothing, unless the change sets another
// member.
//
// # Responses that cannot be read
//
// If the response to the update does not name the new version, Update looks for it among the
// versions, and otherwise returns an *UnknownOutcomeError; it never sends the update again. A
// list or a version that lacks what the service always sends is read again a few times, and is
// then a *smithy.DeserializationError within an *Error. More than 1,000 pages of versions are a
// *lambdamicrovms.PageLimitError within one.
//
// # Errors
//
// *ARNError, *VersionError (no version to start from), *BusyError, *ConcurrentUpdateError,
// *BuildFailedError, *UnknownOutcomeError, and *Error around any other cause; two of them joined
// if the comparison and the wait for the build both fail.
func Update(ctx context.Context, api UpdateAPI, image string, change func(*lambdamicrovms.UpdateMicroVMImageInput) error, optFns ...func(*UpdateOptions)) (_ *Result, err error) {
	var options UpdateOptions
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	u := &updater{job: newJob(api, "update", image, options.Options), options: &options, api: api, change: change}
	defer u.redact(&err)
	if err := u.refuse(options.check()); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		result, err := u.once(ctx)
		var overtaken *ConcurrentUpdateError
		if !errors.As(err, &overtaken) || try >= options.Retries || !u.mayRetry(overtaken) {
			return result, u.owned(err)
		}
	}
}

func (o *UpdateOptions) check() *workflow.OptionCheck {
	check := workflow.CheckOptions("UpdateOptions")
	o.Options.check(check)
	workflow.AtLeast(check, "Retries", o.Retries, 0)
	return check
}

type updater struct {
	*job
	options  *UpdateOptions
	api      UpdateAPI
	change   func(*lambdamicrovms.UpdateMicroVMImageInput) error
	ownToken bool                   // the change has set no ClientToken
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
	u.secrets = u.secrets.And(redact.Of(from, in))
	version, err := u.start(ctx, seen, in)
	if err != nil {
		return nil, err
	}

	result := &Result{
		Image: u.image, Version: version, From: deref(from.ImageVersion), Replaced: u.replaced,
		Changes: compare(configuration(from), in),
	}
	// Look at once: later the versions before this one may have changed for other reasons.
	err = u.compared(ctx, seen, version)
	waitErr := u.waitForBuild(ctx, u.api, version)
	var failed *BuildFailedError
	switch {
	case errors.As(waitErr, &failed): // so it has replaced nothing
		return nil, waitErr
	case waitErr != nil:
		return nil, both(waitErr, err)
	}
	return result, err
}

// compared returns an error if the version may lack changes that somebody else made since seen.
func (u *updater) compared(ctx context.Context, seen history, version string) error {
	if newer(&version, seen.newest()) == "" {
		return nil // a version from before, which the change's own client token has named again
	}
	now, err := u.historyWith(ctx, u.api, func(now history) error { return now.before(version).checkAgainst(seen) })
	if err != nil {
		return u.fail(StepCompare, version, err)
	}
	if overtaken := u.overtaken(seen, now.before(version)); overtaken != nil {
		overtaken.Version = version
		return overtaken
	}
	return nil
}

// start sends the update and returns the version that is being built.
func (u *updater) start(ctx context.Context, seen history, in *lambdamicrovms.UpdateMicroVMImageInput) (string, error) {
	begin := &start{job: u.job, api: u.api, step: StepUpdate, operation: updateImage}
	begin.look = func(ctx context.Context, sent bool) (version string, err error) {
		now, err := u.historyWith(ctx, u.api, func(now history) (err error) {
			if sent {
				if version, err = now.built(seen.newest(), in); version != "" || err != nil {
					return err
				}
			}
			return now.checkAgainst(seen)
		})
		if err != nil || version != "" {
			return version, err
		}
		if overtaken := u.overtaken(seen, now); overtaken != nil {
			return "", overtaken
		}
		return "", nil
	}
	begin.send = func(ctx context.Context) (string, error) {
		out, err := u.api.UpdateMicroVMImage(ctx, in)
		switch {
		case err != nil || out == nil:
			return "", err
		case u.ownToken:
			return newer(out.ImageVersion, seen.newest()), nil
		}
		return newer(out.ImageVersion, ""), nil
	}
	return begin.run(ctx)
}

const updateImage = "UpdateMicroVMImage"

// read waits until nothing is being built and returns the versions.
func (u *updater) read(ctx context.Context) (history, error) {
	for {
		seen, err := u.settled(ctx, u.api, history.checkLatest)
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

// overtaken compares the latest active version with the one seen at first. If the configuration
// is the same, there is nothing to lose.
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
	from, err := u.version(ctx, version)
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
	if u.ownToken = in.ClientToken == nil; u.ownToken {
		if in.ClientToken, err = clienttoken.New(u.api); err != nil {
			return nil, nil, u.fail(StepUpdate, "", err)
		}
	}
	return from, in, nil
}

// version reads a version with its configuration. Without all of it, the update would wipe what
// is missing.
func (u *updater) version(ctx context.Context, version string) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
	return insist(ctx, u.job, StepRead, version, func() (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
		out, err := u.api.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &u.image, ImageVersion: &version})
		switch {
		case err != nil:
			return nil, err
		case out == nil || number(deref(out.ImageVersion)) != number(version):
			return nil, workflow.Incomplete(getVersion, "ImageVersion")
		case !hasConfiguration(configuration(out)):
			return nil, workflow.Incomplete(getVersion, "configuration")
		}
		return out, nil
	})
}

const getVersion = "GetMicroVMImageVersion"
