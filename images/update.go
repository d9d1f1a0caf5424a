package images

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// UpdateAPI is the set of operations that Update calls.
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

	// From is the version to start from, such as "2.0". The default is the latest active
	// one.
	From string

	// Retries is how often Update may start over after somebody else's concurrent update.
	// It then applies the change again, to the new latest version. By default it returns
	// a *ConcurrentUpdateError instead. A negative number is an error.
	Retries int

	// DryRun builds nothing: Result.Changes is what would be changed, and Result.Version
	// is empty. The change function is called.
	DryRun bool

	// NoWait returns as soon as the build has been started. Result.Version is then being
	// built: it is not active yet, and its build may fail. Wait for it with a
	// MicroVMImageVersionSuccessfulWaiter.
	NoWait bool

	// KeepBaseImageVersion pins the base image to the version that the image was last
	// built on. By default it is the latest, unless the change sets it.
	KeepBaseImageVersion bool
}

// Result is the result of Update and Deploy.
type Result struct {
	Image   string  // ARN
	Version string  // the latest active version now, such as "3.0"; see DryRun and NoWait
	From    string  // the version that the configuration was compared with, if any
	Changes Changes // the differences from that version; see Update on the base image

	Created     bool   // the image is new
	Unchanged   bool   // no build was necessary
	ArtifactURI string // the URI of the archive that Deploy uploaded, if any

	// Tags are the changes of the tags by Deploy, or nil if Deployment.Image.Tags is nil.
	// They need no build: Unchanged can be true beside them. The tag that Deploy maintains
	// is left out.
	Tags Changes

	// Replaced are versions that this call built without somebody else's changes. Version
	// has replaced them. See UpdateOptions.Retries.
	Replaced []string
}

// Update changes the configuration of an image and builds the next version from it, on
// the latest version of the base image. image is an ARN; see Find and ARN.
//
//  1. Update waits until the image is not busy, and reads the latest active version.
//  2. It calls change with the configuration of that version.
//  3. It sends the whole configuration. The service replaces everything on an update, so
//     what change does not modify must be sent as well.
//  4. It waits until the version that it started has been built.
//
// Update builds a version even if change modifies nothing, since the artifact may have
// changed.
//
// # The base image
//
// The input of change has no BaseImageVersion, which means the latest. It cannot be kept
// by default: the service names the version that an image was built on, but not whether
// it was pinned, so one update would pin the image permanently. If the base image has a
// new version, the build therefore moves to it, and Result.Changes lists
// BaseImageVersion. A dry run cannot list it, since the service chooses the version when
// the build starts.
//
// UpdateOptions.KeepBaseImageVersion keeps the version that the image was last built on.
// "1.0" is sent as "1".
//
// Update also waits while a quota of builds is used up, and repeats requests whose
// responses were lost. One call builds one version, no matter how often its request is
// repeated.
//
// # Concurrent updates
//
// The service has no conditional write. Update checks before each request, and once after
// the service has accepted it, that the version it started from is still the latest
// active one. An image is busy during a build. The service therefore normally rejects the
// second of two concurrent updates; that Update waits, finds a new latest version, and
// returns a *ConcurrentUpdateError, or starts over if UpdateOptions.Retries allows it.
//
// An update by somebody else that begins and ends between the check and the request,
// which takes more than a minute, is only found afterwards. The error then has a Version.
// With Retries, Update applies the change once more on top of the other update, and
// Result.Replaced has the first version.
//
// Update does not detect a version that was both built and deleted in that time. It may
// mistake a Rollback right after the request for one right before it.
//
// # Unknown members
//
// An update would reset settings that the service has added since this module was
// generated, because the module sends only members that it knows. If the version has such
// a setting inside a structure or union, such as codeArtifact.sha256, Update builds
// nothing and returns a *VersionError that names it. It cannot recognize a new member
// beside the known ones of the version itself, because responses also have members that
// are no settings. Keep the module up to date.
//
// With an api other than a *lambdamicrovms.Client, Update only sees a union whose member
// is unknown. Unless change sets another member, it then builds nothing and returns an
// *Error that wraps a smithy.InvalidParamsError.
//
// # Incomplete responses
//
// If the response to the update does not name the new version, Update looks for it among
// the versions, and returns an *UnknownOutcomeError if it is not there. It does not send
// the update again. If a list or a version lacks a member that the service always sends,
// Update reads it again a few times.
//
// # Errors
//
//   - *ARNError: image is not an ARN.
//   - *VersionError: there is no version to start from.
//   - *BusyError: the image stayed busy, or the quota used up, for BusyTimeout.
//   - *ConcurrentUpdateError: somebody else updated the image.
//   - *BuildFailedError: the build failed.
//   - *UnknownOutcomeError: no response says whether the build was started.
//   - *Error: any other cause, such as a *smithy.DeserializationError for an incomplete
//     response, or a *lambdamicrovms.PageLimitError for more than 1,000 pages of
//     versions.
//
// Two of them are joined if the check for concurrent updates and the wait for the build
// both fail.
func Update(ctx context.Context, api UpdateAPI, image string, change func(*lambdamicrovms.UpdateMicroVMImageInput) error, optFns ...func(*UpdateOptions)) (*Result, error) {
	var options UpdateOptions
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	u := &updater{job: newJob(api, "update", image, options.Options), options: &options, api: api, change: change}
	return perform(ctx, u.job, "images.Update", options.check(), u.run)
}

func (u *updater) run(ctx context.Context) (*Result, error) {
	for try := 0; ; try++ {
		result, err := u.once(ctx)
		var overtaken *ConcurrentUpdateError
		if !errors.As(err, &overtaken) || try >= u.options.Retries || !u.mayRetry(overtaken) {
			return result, u.withUnmerged(err)
		}
	}
}

func (o *UpdateOptions) check() *workflow.OptionCheck {
	check := o.Options.check("UpdateOptions")
	workflow.AtLeast(check, "Retries", o.Retries, 0)
	if o.From != "" && number(o.From) == 0 {
		check.Refuse("From", "a version such as 3.0", strconv.Quote(o.From))
	}
	return check
}

type updater struct {
	*job
	options  *UpdateOptions
	api      UpdateAPI
	change   func(*lambdamicrovms.UpdateMicroVMImageInput) error
	ownToken bool                   // change has set no ClientToken
	unmerged *ConcurrentUpdateError // its Version lacks the changes of its Latest
	replaced []string
}

// mayRetry reports whether starting over can produce a version with all changes.
func (u *updater) mayRetry(overtaken *ConcurrentUpdateError) bool {
	if overtaken.Version == "" {
		return true
	}
	if u.unmerged != nil || u.options.From != "" {
		return false // no single version has all changes except this one
	}
	u.unmerged = overtaken
	u.replaced = append(u.replaced, overtaken.Version)
	return true
}

// withUnmerged makes sure that an error of a later try does not hide that changes of
// somebody else were replaced.
func (u *updater) withUnmerged(err error) error {
	if err == nil || u.unmerged == nil || errors.Is(err, u.unmerged) {
		return err
	}
	u.unmerged.Err = err
	return u.unmerged
}

// once updates the image once.
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
	if u.options.DryRun {
		return &Result{Image: u.image, From: aws.ToString(from.ImageVersion), Changes: compare(configuration(from), in)}, nil
	}
	starter := u.starter(seen, in)
	version, err := starter.run(ctx)
	if err != nil {
		return nil, err
	}

	result := &Result{
		Image: u.image, Version: version, From: aws.ToString(from.ImageVersion), Replaced: u.replaced,
		Changes: starter.changes(configuration(from), in),
	}
	// Check now: later, older versions may have changed for other reasons.
	err = u.checkConcurrent(ctx, seen, version)
	if u.options.NoWait {
		return result, err
	}
	waitErr := u.waitForBuild(ctx, u.api, version)
	var failed *BuildFailedError
	switch {
	case errors.As(waitErr, &failed): // it has replaced nothing
		return nil, waitErr
	case waitErr != nil:
		return nil, joinErrors(waitErr, err)
	}
	return result, err
}

// checkConcurrent returns an error if version may lack changes that somebody else made
// since seen.
func (u *updater) checkConcurrent(ctx context.Context, seen history, version string) error {
	if newer(&version, seen.newest()) == "" {
		return nil // an existing version: change has set a ClientToken that was used before
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

// starter returns the buildStarter that sends the update.
func (u *updater) starter(seen history, in *lambdamicrovms.UpdateMicroVMImageInput) *buildStarter {
	starter := &buildStarter{job: u.job, api: u.api, step: StepUpdate, operation: updateImage}
	starter.inspect = func(ctx context.Context, sent bool) (version string, err error) {
		now, err := u.historyWith(ctx, u.api, func(now history) (err error) {
			if sent {
				built, err := now.built(seen.newest(), in)
				if version = starter.found(built); version != "" || err != nil {
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
	starter.send = func(ctx context.Context) (version string, err error) {
		out, err := u.api.UpdateMicroVMImage(ctx, in)
		switch {
		case err != nil || out == nil:
			return "", err
		case u.ownToken:
			version = newer(out.ImageVersion, seen.newest())
		default:
			version = newer(out.ImageVersion, "")
		}
		starter.baseImageVersion = out.BaseImageVersion
		return version, nil
	}
	return starter
}

const updateImage = "UpdateMicroVMImage"

// read waits until nothing is being built and returns the versions.
func (u *updater) read(ctx context.Context) (history, error) {
	for {
		seen, err := u.settled(ctx, u.api, history.checkLatest)
		if err != nil {
			return nil, err
		}
		if len(seen) == 0 || !isBuilding(&seen[len(seen)-1]) {
			return seen, nil
		}
		if err := u.sleep(ctx, StepWaitForImage, backoff(0), nil); err != nil {
			return nil, err
		}
	}
}

// overtaken compares the latest active version with the one seen at first. If the
// configuration is the same, there is nothing to lose.
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
			return nil, nil, &VersionError{Workflow: u.workflow, Image: u.image, Version: version, Problem: "there is no such version"}
		}
	case u.unmerged != nil:
		version = u.unmerged.Latest
		if latest := seen.latest(); latest != u.unmerged.Version && latest != version {
			return nil, nil, u.unmerged // somebody has built on a version without the changes
		}
	default:
		version = seen.latest()
	}
	if version == "" {
		return nil, nil, &VersionError{Workflow: u.workflow, Image: u.image,
			Problem: "there is no active version to start from; name one with UpdateOptions.From; the newest is " + cmp.Or(seen.newest(), "none")}
	}
	from, err := u.readVersion(ctx, u.api, version)
	if err != nil {
		return nil, nil, err
	}

	if err := u.checkKnown(from); err != nil {
		return nil, nil, err
	}
	in := InputFrom(from)
	if u.options.KeepBaseImageVersion {
		in.BaseImageVersion = bareMajor(from.BaseImageVersion)
	}
	if u.change != nil {
		u.report(ctx, Event{Step: StepChange, Version: version})
		err := u.during(ctx, StepChange, version, func(context.Context) error { return u.change(in) })
		if err != nil {
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

// checkKnown returns an error if an update would reset settings that this module does not
// know.
func (j *job) checkKnown(from *lambdamicrovms.GetMicroVMImageVersionOutput) error {
	unknown := lambdamicrovms.UnknownSettings(from.ResultMetadata)
	if len(unknown) == 0 {
		return nil
	}
	return &VersionError{Workflow: j.workflow, Image: j.image, Version: aws.ToString(from.ImageVersion),
		Problem: "an update would reset settings that this version of the module does not know: " + strings.Join(unknown, ", ")}
}

// readVersion reads a version with its configuration. If members were missing, an update
// would wipe them.
func (j *job) readVersion(ctx context.Context, api lambdamicrovms.GetMicroVMImageVersionAPIClient, version string) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
	return withRetries(ctx, j, StepRead, version, func(ctx context.Context) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
		out, err := api.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &j.image, ImageVersion: &version})
		switch {
		case err != nil:
			return nil, err
		case out == nil || number(aws.ToString(out.ImageVersion)) != number(version):
			return nil, workflow.Incomplete(getVersion, "ImageVersion")
		case !hasConfiguration(configuration(out)):
			return nil, workflow.Incomplete(getVersion, "configuration")
		}
		return out, nil
	})
}

const getVersion = "GetMicroVMImageVersion"
