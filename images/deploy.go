package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// DeployAPI is the set of operations that Deploy calls.
type DeployAPI interface {
	FindAPI
	TagsAPI
	lambdamicrovms.CreateMicroVMImageAPIClient
	UpdateAPI
}

// Deployment is the desired state of an image.
type Deployment struct {
	// Image is the name, the whole configuration and the tags, as for CreateMicroVMImage.
	// Its JSON form is that of the API. Members that it omits are reset to the service's
	// defaults, except Tags: if it is nil, the tags of an existing image are kept;
	// otherwise the image gets exactly these tags. BaseImageVersion "1.0" is sent as "1".
	// ClientToken is ignored.
	Image lambdamicrovms.CreateMicroVMImageInput

	// Dir is the directory to pack and upload. It must contain a Dockerfile; see Zip.
	// With Dir, leave Image.CodeArtifact nil and set Uploader.
	Dir      string
	Uploader Uploader

	// ContentHash identifies the content at Image.CodeArtifact if there is no Dir. You
	// must change it when the content changes. Without it, every Deploy builds, since the
	// content at the same URI may have changed.
	ContentHash string

	// Configure, if not nil, completes a copy of Image once Deploy knows whether the
	// image exists. live is the configuration of its latest active version, as InputFrom
	// returns it, or nil if there is none. Copy from live the settings that an existing
	// image is to keep. Deploy may call Configure again if the image changes meanwhile.
	// Configure must not change Name.
	Configure func(image *lambdamicrovms.CreateMicroVMImageInput, live *lambdamicrovms.UpdateMicroVMImageInput) error
}

// Uploader stores archives where the service can read them. The bucket must be in the
// image's region.
type Uploader interface {
	// Upload returns the URI of the archive, such as s3://bucket/key. name is a
	// suggestion for the key: the image's name, a slash, and a name that depends only on
	// the content.
	Upload(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)
}

// UploadPreparer is an Uploader that checks where it stores archives. Deploy calls
// PrepareUpload before it packs the directory, so that a wrong destination is found
// early. There is one exception: if the image is busy, Deploy packs while it waits.
type UploadPreparer interface {
	Uploader

	// PrepareUpload is called once, after Deploy has found that it has to build. It is not
	// called in a dry run. If it returns an error, Deploy fails with an *Error of
	// StepUpload and uploads nothing.
	PrepareUpload(ctx context.Context, target UploadTarget) error
}

// UploadTarget describes the image that an archive is for.
type UploadTarget struct {
	Image  string // the name
	Region string // such as "us-east-1"; empty if neither an ARN nor the client has it
}

// UploaderFunc is a function that implements Uploader.
type UploaderFunc func(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)

// Upload calls f.
func (f UploaderFunc) Upload(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error) {
	return f(ctx, name, archive, size)
}

// DeployOptions are the options of Deploy.
type DeployOptions struct {
	Options

	// Reuse skips the build if the image is up to date. The default is true. Deploy then
	// stores a hash of the content in a tag, which requires the permission to tag the
	// image. With false, Deploy always builds and writes no such tag.
	Reuse bool

	// DryRun uploads, builds and tags nothing: the Result is what Deploy would do. In
	// Result.Changes, the hash of the content, "sha256:…", replaces the URI of the archive,
	// because there is no archive. Result.Version is empty unless nothing has to be built.
	DryRun bool

	// Validation is the mode in which Image is validated first. The default is
	// ValidationStrict, because a build that cannot succeed costs minutes.
	Validation lambdamicrovms.ValidationMode

	// Zip limits the size of the archive.
	Zip ZipOptions
}

func (o *DeployOptions) check() *workflow.OptionCheck {
	check := o.Options.check("DeployOptions")
	workflow.Between(check, "Validation", o.Validation, lambdamicrovms.ValidationModel, lambdamicrovms.ValidationStrict)
	workflow.AtLeast(check, "Zip.MaxFiles", o.Zip.MaxFiles, 0)
	workflow.AtLeast(check, "Zip.MaxBytes", o.Zip.MaxBytes, 0)
	return check
}

// contentTag is the key of the tag that describes the versions that Deploy built last:
// "<version>/<hash> <version>/<hash>", with hashes of name and content; see addBuilt.
// The versions detect updates by others.
const contentTag = "lambdamicrovms:content"

// maxTagValue is the maximum length of the value of a tag. Three versions fit.
const maxTagValue = 256

// Deploy creates or updates an image so that it matches the deployment:
//
//  1. It validates the configuration, and lists the files of the directory.
//  2. It finds the image by its name and reads its versions. Meanwhile, it hashes the
//     directory.
//  3. If the latest active version has the same content and configuration, it skips the
//     build, and Result.Unchanged is true.
//  4. Otherwise it packs and uploads the directory, creates or updates the image, and
//     waits for the version that it started. If the Uploader is an UploadPreparer, Deploy
//     calls PrepareUpload first.
//  5. It writes the tags.
//
// In step 3, Deploy reads the hash of the version's content from the tag
// lambdamicrovms:content. The tag describes three versions that Deploy built: the last
// one, the one that was active before it, and one more. After a Rollback to one of them,
// deploying its content needs no build. If another program built the version, Deploy
// builds.
//
// If the base image is not pinned, a new version of it does not start a build. A build
// that starts for another reason uses the latest version of the base image. If that is
// another version than before, Result.Changes lists BaseImageVersion.
//
// If the image is busy in step 2, Deploy packs the directory while it waits. It deploys
// this archive, even if a file changes before the wait ends. If this packing fails,
// Deploy packs again in step 4.
//
// Deploy waits while the image is busy or a quota of builds is used up, and repeats
// requests whose responses were lost. One call builds at most one version. Of two
// concurrent deployments, the later one wins, after the earlier one has been built.
//
// # Errors
//
//   - *ArtifactError: the directory cannot be packed.
//   - *BusyError: the image stayed busy, or the quota used up, for BusyTimeout.
//   - *BuildFailedError: the build failed.
//   - *UnknownOutcomeError: no response says whether the build was started.
//   - *Error: any other cause, such as a smithy.InvalidParamsError for an invalid
//     configuration, or throttling that lasts; see "Throttling" in the package
//     documentation.
//
// If the directory cannot be hashed, Deploy cancels the calls of step 2. It returns the
// error of the directory, even if a call has failed as well.
//
// If only the tags could not be written, Deploy returns both the Result and the error.
func Deploy(ctx context.Context, api DeployAPI, deployment Deployment, optFns ...func(*DeployOptions)) (*Result, error) {
	options := DeployOptions{Reuse: true, Validation: lambdamicrovms.ValidationStrict}
	for _, fn := range optFns {
		fn(&options)
	}
	name := aws.ToString(deployment.Image.Name)
	d := &deployer{job: newJob(api, "deploy", name, options.Options), options: &options, api: api, name: name, Deployment: deployment}
	d.secrets = redact.Of(&deployment.Image)
	return perform(ctx, d.job, "images.Deploy", options.check(), d.run)
}

func (d *deployer) run(ctx context.Context) (*Result, error) {
	if err := d.check(); err != nil {
		return nil, d.fail(StepCheck, "", err)
	}
	if d.Dir == "" {
		d.hash = d.ContentHash
		return d.deploy(ctx)
	}
	caller := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		// Packing ends early if the archive is not needed. That is not a failure.
		d.unused.Store(caller.Err() == nil)
		cancel()
		d.close()
	}()
	if err := d.beginHash(ctx, cancel); err != nil {
		return nil, err
	}
	d.busy = func() { d.packAhead(ctx) }
	result, err := d.deploy(ctx)
	// If both fail, the error must not depend on which was faster. An error of the hash has
	// also ended the calls.
	if err := d.awaitHash(); err != nil {
		return nil, err
	}
	return result, err
}

type deployer struct {
	*job
	Deployment
	options *DeployOptions
	api     DeployAPI
	name    string
	hash    string                  // of the content, or empty if unknown
	hashing func() (string, error)  // waits for the hash of the directory
	packing func() (*packed, error) // waits for an archive that is packed ahead
	unused  atomic.Bool             // the archive is not needed
	uri     string                  // of the uploaded archive
	built   string                  // the value of contentTag
	before  string                  // the version that was active
	// declared is Image before Configure.
	declared lambdamicrovms.CreateMicroVMImageInput
}

// check validates the deployment before anything takes time.
func (d *deployer) check() error {
	switch {
	case d.Dir == "":
	case d.Uploader == nil && !d.options.DryRun:
		return errors.New("a Dir requires an Uploader")
	case d.Image.CodeArtifact != nil:
		return errors.New("a Dir and an Image.CodeArtifact are mutually exclusive")
	}
	d.declared = d.Image
	if d.Configure != nil {
		if d.name == "" {
			return errors.New("Image.Name is required")
		}
		return nil // Image is not complete
	}
	return d.complete(nil)
}

// complete sets Image to the declared one, lets Configure complete it, and validates it.
func (d *deployer) complete(live *lambdamicrovms.UpdateMicroVMImageInput) error {
	if d.Configure != nil {
		d.Image = lambdamicrovms.CreateMicroVMImageInput{}
		restjson.Recast(&d.Image, &d.declared)
		if err := d.Configure(&d.Image, live); err != nil {
			return err
		}
		d.secrets = d.secrets.And(redact.Of(&d.Image))
	}
	d.Image.ClientToken = nil
	d.Image.Tags = withoutContent(d.Image.Tags)
	d.Image.BaseImageVersion = bareMajor(d.Image.BaseImageVersion)
	in := d.Image
	if d.Dir != "" {
		in.CodeArtifact = &types.CodeArtifactMemberUri{Value: "s3://bucket/key"} // a placeholder until the upload
	}
	return lambdamicrovms.Validate(&in, d.options.Validation)
}

// configure completes Image with the live configuration, which is nil if there is none.
func (d *deployer) configure(ctx context.Context, live *lambdamicrovms.UpdateMicroVMImageInput) error {
	if d.Configure == nil {
		return nil
	}
	if live != nil {
		d.secrets = d.secrets.And(redact.Of(live))
		live = configuration(live)
		live.BaseImageVersion = nil
	}
	d.report(ctx, Event{Step: StepChange})
	if err := d.during(ctx, StepChange, "", func(context.Context) error { return d.complete(live) }); err != nil {
		return d.fail(StepChange, "", err)
	}
	return nil
}

func (d *deployer) limits(o *ZipOptions) {
	if d.options.Zip.MaxFiles > 0 {
		o.MaxFiles = d.options.Zip.MaxFiles
	}
	if d.options.Zip.MaxBytes > 0 {
		o.MaxBytes = d.options.Zip.MaxBytes
	}
}

// upload packs and uploads the directory, unless that is done already.
func (d *deployer) upload(ctx context.Context) error {
	switch {
	case d.Dir == "":
		return nil
	case d.options.DryRun:
		d.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: d.hash}
		return nil
	case d.uri != "":
		d.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: d.uri} // Configure may have begun anew
		return nil
	}
	if to, ok := d.Uploader.(UploadPreparer); ok {
		target := UploadTarget{Image: d.name, Region: d.region()}
		err := d.during(ctx, StepUpload, "", func(ctx context.Context) error { return to.PrepareUpload(ctx, target) })
		if err != nil {
			return d.fail(StepUpload, "", err)
		}
	}
	archive, err := d.pack(ctx)
	if err != nil {
		return err
	}
	defer archive.remove()
	d.report(ctx, Event{Step: StepUpload})
	size, err := archive.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = archive.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = d.during(ctx, StepUpload, "", func(ctx context.Context) (err error) {
			d.uri, err = d.Uploader.Upload(ctx, d.key(), archive, size)
			return err
		})
	}
	if err == nil && d.uri == "" {
		err = errors.New("the Uploader returned no URI")
	}
	if err == nil {
		d.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: d.uri}
		err = lambdamicrovms.Validate(&d.Image, d.options.Validation)
	}
	if err != nil {
		return d.fail(StepUpload, "", err)
	}
	return nil
}

// key returns the key of the archive, which depends only on the image's name and the
// content.
func (d *deployer) key() string {
	return d.name + "/" + strings.TrimPrefix(d.hash, "sha256:") + ".zip"
}

// region returns the region of the image, which is the client's if the image is new.
func (d *deployer) region() string {
	if arn, err := ParseARN(d.image); err == nil {
		return arn.Region
	}
	if client, ok := d.api.(Regional); ok {
		return unmarked(client.Options().Region)
	}
	return ""
}

func (d *deployer) deploy(ctx context.Context) (*Result, error) {
	for {
		image, err := d.find(ctx)
		if err != nil {
			return nil, err
		}
		var result *Result
		if image == nil {
			result, err = d.create(ctx)
		} else {
			result, err = d.update(ctx, image)
		}
		if isStale(err) {
			if err := d.sleep(ctx, StepWaitForImage, backoff(0), err); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case err != nil:
			return nil, err
		case d.options.DryRun:
			return result, d.planTags(ctx, result)
		case !result.Unchanged:
			if err := d.waitForBuild(ctx, d.api, result.Version); err != nil {
				return nil, err
			}
		}
		return result, d.tag(ctx, result)
	}
}

// isStale reports whether an error means that the image was created or deleted since
// find. The name of an image cannot be used while the image is being deleted.
func isStale(err error) bool {
	var unknown *UnknownOutcomeError
	return (lambdamicrovms.IsAlreadyExists(err) || lambdamicrovms.IsNotFound(err)) && !errors.As(err, &unknown)
}

// find waits until the image is not busy and returns it, or nil if there is none.
func (d *deployer) find(ctx context.Context) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	d.image = d.name
	d.report(ctx, Event{Step: StepFind})
	found, err := withRetries(ctx, d.job, StepFind, "", func(ctx context.Context) (*types.MicroVMImageSummary, error) {
		found, err := Find(ctx, d.api, d.name)
		if lambdamicrovms.IsNotFound(err) {
			return nil, nil // a new image is not a failure: a log or span of the step must not look like one
		}
		var failed *Error
		if errors.As(err, &failed) {
			err = failed.Err // the error of the step names the image as well
		}
		return found, err
	})
	if err != nil || found == nil {
		return nil, err
	}
	d.image = aws.ToString(found.ImageArn)
	image, err := d.settle(ctx, d.api)
	if lambdamicrovms.IsNotFound(err) {
		return nil, nil
	}
	return image, err
}

func (d *deployer) create(ctx context.Context) (*Result, error) {
	if err := d.awaitHash(); err != nil {
		return nil, err
	}
	if err := d.configure(ctx, nil); err != nil {
		return nil, err
	}
	if err := d.checkTags(nil); err != nil {
		return nil, err
	}
	if err := d.upload(ctx); err != nil {
		return nil, err
	}
	in := d.Image
	d.built, d.before = "", "" // a deleted image may have been recreated
	in.Tags = d.tags("1.0", in.Tags)
	if d.options.DryRun {
		return &Result{Created: true, Changes: compare(&lambdamicrovms.UpdateMicroVMImageInput{}, configuration(&in))}, nil
	}
	var err error
	if in.ClientToken, err = clienttoken.New(d.api); err != nil {
		return nil, d.fail(StepCreate, "", err)
	}
	starter := &buildStarter{job: d.job, api: d.api, step: StepCreate, operation: "CreateMicroVMImage"}
	starter.inspect = func(ctx context.Context, sent bool) (string, error) {
		if !sent {
			return "", nil
		}
		image, err := d.find(ctx)
		if err != nil || image == nil {
			return "", err
		}
		built, err := d.builtAfter(ctx, "", configuration(&in))
		return starter.found(built), err
	}
	starter.send = func(ctx context.Context) (string, error) {
		out, err := d.api.CreateMicroVMImage(ctx, &in)
		if err != nil || out == nil {
			return "", err
		}
		arn := aws.ToString(out.ImageArn)
		if !isARN(arn) {
			return "", nil // a version without its image cannot be used
		}
		d.image = arn
		return newer(out.ImageVersion, ""), nil
	}
	version, err := starter.run(ctx)
	if err != nil {
		return nil, err
	}
	return &Result{
		Image: d.image, Version: version, Created: true, ArtifactURI: d.uri,
		Changes: compare(&lambdamicrovms.UpdateMicroVMImageInput{}, configuration(&in)),
	}, nil
}

func (d *deployer) update(ctx context.Context, image *lambdamicrovms.GetMicroVMImageOutput) (*Result, error) {
	seen, err := d.historyWith(ctx, d.api, history.checkLatest)
	if err != nil {
		return nil, err
	}
	if err := d.awaitHash(); err != nil {
		return nil, err
	}
	result := &Result{Image: d.image, From: seen.latest()}
	d.before = result.From
	var live *lambdamicrovms.UpdateMicroVMImageInput
	if from := seen.find(result.From); from != nil {
		live = configuration(from)
	}
	if err := d.configure(ctx, live); err != nil {
		return nil, err
	}
	if live == nil {
		live = &lambdamicrovms.UpdateMicroVMImageInput{}
	}
	in := configuration(&d.Image)
	isCurrent, err := d.isCurrent(ctx, image, result.From)
	if err != nil {
		return nil, err
	}
	if isCurrent {
		// The content is the same, so its location does not matter.
		in.CodeArtifact = live.CodeArtifact
		if result.Changes = compare(live, in); len(result.Changes) == 0 {
			result.Version, result.Unchanged = result.From, true
			return result, nil
		}
	}

	if err := d.checkKept(ctx, result.From); err != nil {
		return nil, err
	}
	if !isCurrent || !d.options.DryRun { // otherwise the archive stays the same
		if err := d.upload(ctx); err != nil {
			return nil, err
		}
		in.CodeArtifact = d.Image.CodeArtifact
	}
	if d.options.DryRun {
		result.Changes = compare(live, in)
		return result, nil
	}
	in.ImageIdentifier = &d.image
	if in.ClientToken, err = clienttoken.New(d.api); err != nil {
		return nil, d.fail(StepUpdate, "", err)
	}
	starter := &buildStarter{job: d.job, api: d.api, step: StepUpdate, operation: updateImage}
	starter.inspect = func(ctx context.Context, sent bool) (string, error) {
		if sent {
			built, err := d.builtAfter(ctx, seen.newest(), in)
			return starter.found(built), err
		}
		now, err := d.history(ctx, d.api)
		if err == nil {
			seen = now // newer versions may already use this archive
		}
		return "", err
	}
	starter.send = func(ctx context.Context) (string, error) {
		out, err := d.api.UpdateMicroVMImage(ctx, in)
		if err != nil || out == nil {
			return "", err
		}
		starter.baseImageVersion = out.BaseImageVersion
		return newer(out.ImageVersion, seen.newest()), nil
	}
	if result.Version, err = starter.run(ctx); err != nil {
		return nil, err
	}
	if !starter.confirmed {
		d.hash = "" // the tag must not say that the version has this content
	}
	result.Changes, result.ArtifactURI = starter.changes(live, in), d.uri
	return result, nil
}

// checkKept returns an error if the version has settings that this module does not know:
// Configure cannot keep them.
func (d *deployer) checkKept(ctx context.Context, version string) error {
	if d.Configure == nil || version == "" {
		return nil
	}
	from, err := d.readVersion(ctx, d.api, version)
	if err != nil {
		return err
	}
	return d.checkKnown(from)
}

// builtAfter returns the version that was built from the input after the given one, or
// nil.
func (d *deployer) builtAfter(ctx context.Context, after string, in *lambdamicrovms.UpdateMicroVMImageInput) (version *types.MicroVMImageVersionSummary, err error) {
	_, err = d.historyWith(ctx, d.api, func(now history) (err error) {
		version, err = now.built(after, in)
		return err
	})
	return version, err
}

// isCurrent reports whether Deploy built the version from the same content.
func (d *deployer) isCurrent(ctx context.Context, image *lambdamicrovms.GetMicroVMImageOutput, version string) (bool, error) {
	if !d.options.Reuse || d.hash == "" {
		return false, nil
	}
	tags := image.Tags
	if tags == nil { // the response may be incomplete
		live, err := d.liveTags(ctx, d.api)
		if err != nil {
			return false, err
		}
		tags = live
	}
	d.built = tags[contentTag]
	return version != "" && slices.Contains(strings.Fields(d.built), builtFrom(d.name, version, d.hash)), d.checkTags(tags)
}

// checkTags returns an error if there is no room for contentTag, because without it every
// Deploy would build.
func (d *deployer) checkTags(live map[string]string) error {
	if !d.options.Reuse || d.hash == "" {
		return nil
	}
	tags := live
	if d.Image.Tags != nil {
		tags = d.Image.Tags
	}
	if n := countTags(tags, map[string]string{contentTag: ""}); n > maxTags {
		return d.fail(StepTag, "", fmt.Errorf("with %s the image would have %d tags, and AWS allows %d: remove one, or set Reuse to false", contentTag, n, maxTags))
	}
	return nil
}

// builtFrom returns the description of a version in contentTag. It hashes the hash,
// because a ContentHash may not be valid in a tag, and the name, because tags can be
// copied to images with other names.
func builtFrom(image, version, hash string) string {
	sum := sha256.Sum256([]byte(image + "\n" + hash))
	return version + "/" + hex.EncodeToString(sum[:])
}

// addBuilt adds a version to the value of contentTag, and removes the last ones if the
// value gets too long. The version that was active before comes second, however old it
// is, because a rollback is most likely to go back to it.
func addBuilt(value, image, version, hash, before string) string {
	newest := builtFrom(image, version, hash)
	older := strings.Fields(value)
	if slices.Contains(older, newest) {
		return value
	}
	if i := slices.IndexFunc(older, func(entry string) bool { return strings.HasPrefix(entry, before+"/") }); i > 0 {
		older = slices.Concat(older[i:i+1], older[:i], older[i+1:])
	}
	value = newest
	for _, entry := range older {
		if longer := value + " " + entry; len(longer) <= maxTagValue && !strings.HasPrefix(entry, version+"/") {
			value = longer
		}
	}
	return value
}

// tags returns a copy of tags with contentTag added, unless the hash is unused.
func (d *deployer) tags(version string, tags map[string]string) map[string]string {
	if !d.options.Reuse || d.hash == "" {
		return tags
	}
	all := maps.Clone(tags)
	if all == nil {
		all = make(map[string]string)
	}
	all[contentTag] = addBuilt(d.built, d.name, version, d.hash, d.before)
	return all
}

// planTags finds out what tag would do.
func (d *deployer) planTags(ctx context.Context, result *Result) error {
	if d.Image.Tags == nil {
		return nil
	}
	var live map[string]string
	if !result.Created {
		var err error
		if live, err = d.liveTags(ctx, d.api); err != nil {
			return err
		}
	}
	result.Tags = DiffTags(live, d.Image.Tags)
	return nil
}

// tag writes the tags after the build.
func (d *deployer) tag(ctx context.Context, result *Result) error {
	switch own := d.tags(result.Version, nil); {
	case result.Created: // the request had the tags
		result.Tags = DiffTags(nil, d.Image.Tags)
		return nil
	case d.Image.Tags != nil:
		live, err := d.liveTags(ctx, d.api)
		if err != nil {
			return err
		}
		d.built = live[contentTag] // another Deploy may have written it meanwhile
		_, err = d.applyTags(ctx, d.api, live, d.tags(result.Version, d.Image.Tags))
		if err == nil {
			result.Tags = DiffTags(live, d.Image.Tags)
		}
		return err
	case result.Unchanged || len(own) == 0:
		return nil
	default:
		// A concurrent Deploy may have added a version since the tag was read. To lose it
		// costs at most a build after a rollback.
		return d.writeTags(ctx, d.api, own)
	}
}
