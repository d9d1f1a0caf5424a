package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// DeployAPI is what Deploy calls.
type DeployAPI interface {
	FindAPI
	TagsAPI
	lambdamicrovms.CreateMicroVMImageAPIClient
	UpdateAPI
}

// Deployment is what an image shall be.
type Deployment struct {
	// Image is the name, the whole configuration and the tags, as for the call that creates an image; its JSON
	// form is the wire's. What it leaves out goes back to the service's default, save Tags: without any, those
	// of an existing image are left alone, and otherwise they become exactly these. BaseImageVersion "1.0" is
	// sent as "1". ClientToken is ignored.
	Image lambdamicrovms.CreateMicroVMImageInput

	// Dir is the folder to pack and upload, with a Dockerfile in it; see Zip. Image.CodeArtifact is left out
	// then.
	Dir      string
	Uploader Uploader

	// ContentHash is the caller's word for the content behind Image.CodeArtifact, if there is no Dir: as long
	// as it stays the same, so does the content. Without it every Deploy builds, since the same URI may have
	// new content.
	ContentHash string
}

// An Uploader stores archives where the service can read them. The bucket is in the image's region.
type Uploader interface {
	// Upload returns the URI of the archive, such as s3://bucket/key. The name is a suggestion for the key: the
	// image's name, a slash, and one that the same content always has.
	Upload(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)
}

// UploaderFunc is an Uploader that is a function.
type UploaderFunc func(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)

// Upload calls the function.
func (f UploaderFunc) Upload(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error) {
	return f(ctx, name, archive, size)
}

// DeployOptions are the options of Deploy.
type DeployOptions struct {
	Options

	// Reuse leaves an image alone that is already what it shall be. The default is true. What an image was
	// built from is kept in a tag, which takes the permission to tag it; false builds in any case and writes no
	// tag.
	Reuse bool

	// Validation is how strictly Image is checked before anything else is done. The default is
	// ValidationStrict: a build that cannot succeed costs minutes.
	Validation lambdamicrovms.ValidationMode

	// Zip limits what is packed.
	Zip ZipOptions
}

func (o *DeployOptions) check() *workflow.OptionCheck {
	check := workflow.CheckOptions("DeployOptions")
	o.Options.check(check)
	workflow.Between(check, "Validation", o.Validation, lambdamicrovms.ValidationModel, lambdamicrovms.ValidationStrict)
	workflow.AtLeast(check, "Zip.MaxFiles", o.Zip.MaxFiles, 0)
	workflow.AtLeast(check, "Zip.MaxBytes", o.Zip.MaxBytes, 0)
	return check
}

// contentTag names the tag that tells what the latest active version was built from: "<version>/<hash>". The
// version guards against updates and rollbacks by others.
const contentTag = "lambdamicrovms:content"

// Deploy makes an image be what the deployment says, and waits until it is: it checks the configuration, hashes
// the folder, finds the image by its name, packs the folder, creates or updates the image, also one whose last build
// failed, waits for exactly the version that comes of it, and writes the tags.
//
// If the content and the configuration are those of the latest active version already, nothing is packed, uploaded
// or built, and Result.Unchanged is true. The content is compared by a hash in the tag lambdamicrovms:content, the
// configuration with the live one. A new version of a base image that is not pinned is no reason to build.
//
// A busy image, a used-up quota of builds and lost answers are waited out. One call builds one version at most.
// Of two deployments at a time the later one wins, and the earlier one is built in full before.
//
// # Errors
//
// smithy.InvalidParamsError within an *Error for a wrong configuration, *ArtifactError, *BusyError,
// *BuildFailedError, *UnknownOutcomeError, and *Error for everything else, around its cause. If only the tags
// could not be written, the Result stands beside the error.
func Deploy(ctx context.Context, api DeployAPI, deployment Deployment, optFns ...func(*DeployOptions)) (_ *Result, err error) {
	options := DeployOptions{Reuse: true, Validation: lambdamicrovms.ValidationStrict}
	for _, fn := range optFns {
		fn(&options)
	}
	name := deref(deployment.Image.Name)
	d := &deployer{job: newJob(api, "deploy", name, options.Options), options: &options, api: api, name: name, Deployment: deployment}
	d.secrets = redact.Of(&deployment.Image)
	defer d.redact(&err)
	defer d.close()
	if err := d.refuse(options.check()); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, d.fail(StepCheck, "", err)
	}
	if err := d.hashContent(ctx); err != nil {
		return nil, err
	}
	return d.deploy(ctx)
}

type deployer struct {
	*job
	Deployment
	options *DeployOptions
	api     DeployAPI
	name    string
	hash    string // of the content, empty if it is not known
	archive *os.File
	uri     string // of the uploaded archive
}

// check finds what is wrong before anything takes time.
func (d *deployer) check() error {
	d.Image.ClientToken = nil
	d.Image.BaseImageVersion = bareMajor(d.Image.BaseImageVersion)
	in := d.Image
	switch {
	case d.Dir == "":
	case d.Uploader == nil:
		return errors.New("a Dir takes an Uploader")
	case in.CodeArtifact != nil:
		return errors.New("a Dir and an Image.CodeArtifact exclude each other")
	default:
		in.CodeArtifact = &types.CodeArtifactMemberUri{Value: "s3://bucket/key"} // until there is one
	}
	return lambdamicrovms.Validate(&in, d.options.Validation)
}

// hashContent hashes the folder: an unchanged one need not be packed.
func (d *deployer) hashContent(ctx context.Context) error {
	if d.Dir == "" {
		d.hash = d.ContentHash
		return nil
	}
	d.tell(Event{Step: StepHash})
	hashed, err := HashDir(ctx, d.Dir, d.limits)
	if err != nil {
		return err
	}
	d.hash = hashed.Hash
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

// pack writes the archive to a temporary file. From now on hash is that of what was packed, since the folder may
// have changed after it was hashed.
func (d *deployer) pack(ctx context.Context) error {
	d.tell(Event{Step: StepZip})
	var err error
	if d.archive, err = os.CreateTemp("", "lambdamicrovms-*.zip"); err != nil {
		return d.fail(StepZip, "", err)
	}
	// Where the system allows it, the file has no name while it is used: nothing is left if the process is killed,
	// and another Deploy of a folder that holds the temporary folder does not pack it.
	_ = os.Remove(d.archive.Name())
	packed, err := Zip(ctx, d.archive, d.Dir, d.limits)
	if err != nil {
		return err
	}
	d.hash = packed.Hash
	return nil
}

func (d *deployer) close() {
	if d.archive != nil {
		_ = d.archive.Close()
		_ = os.Remove(d.archive.Name())
	}
}

// upload packs and stores the archive, once.
func (d *deployer) upload(ctx context.Context) error {
	if d.Dir == "" || d.uri != "" {
		return nil
	}
	if err := d.pack(ctx); err != nil {
		return err
	}
	d.tell(Event{Step: StepUpload})
	size, err := d.archive.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = d.archive.Seek(0, io.SeekStart)
	}
	if err == nil {
		key := d.name + "/" + strings.TrimPrefix(d.hash, "sha256:") + ".zip"
		d.uri, err = d.Uploader.Upload(ctx, key, d.archive, size)
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
		if outdated(err) {
			if err := d.sleep(ctx, StepWaitForImage, backoff(0), err); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil || result.Unchanged {
			return result, err
		}
		if err := d.waitForBuild(ctx, d.api, result.Version); err != nil {
			return nil, err
		}
		return result, d.tag(ctx, result)
	}
}

// outdated reports whether there is an image by now where there was none, or none where there was one. While an
// image is being deleted its name cannot be used.
func outdated(err error) bool {
	var unknown *UnknownOutcomeError
	return (lambdamicrovms.IsAlreadyExists(err) || lambdamicrovms.IsNotFound(err)) && !errors.As(err, &unknown)
}

// find returns the image when it is busy with nothing, nil if there is none.
func (d *deployer) find(ctx context.Context) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	d.image = d.name
	d.tell(Event{Step: StepFind})
	found, err := insist(ctx, d.job, StepFind, "", func() (*types.MicroVMImageSummary, error) { return Find(ctx, d.api, d.name) })
	if err == nil {
		d.image = deref(found.ImageArn)
		var image *lambdamicrovms.GetMicroVMImageOutput
		if image, err = d.settle(ctx, d.api); err == nil {
			return image, nil
		}
	}
	if lambdamicrovms.IsNotFound(err) {
		return nil, nil
	}
	return nil, err
}

func (d *deployer) create(ctx context.Context) (*Result, error) {
	if err := d.upload(ctx); err != nil {
		return nil, err
	}
	in := d.Image
	in.Tags = d.tags("1.0", in.Tags)
	var err error
	if in.ClientToken, err = clienttoken.New(d.api); err != nil {
		return nil, d.fail(StepCreate, "", err)
	}
	begin := &start{job: d.job, api: d.api, step: StepCreate, operation: "CreateMicroVMImage"}
	begin.look = func(ctx context.Context, sent bool) (string, error) {
		if !sent {
			return "", nil
		}
		image, err := d.find(ctx)
		if err != nil || image == nil {
			return "", err
		}
		return d.lookFor(ctx, "", configuration(&in))
	}
	begin.send = func(ctx context.Context) (string, error) {
		out, err := d.api.CreateMicroVMImage(ctx, &in)
		if err != nil || out == nil {
			return "", err
		}
		arn := deref(out.ImageArn)
		if !isARN(arn) {
			return "", nil // a version without its image is of no use
		}
		d.image = arn
		return newer(out.ImageVersion, ""), nil
	}
	version, err := begin.run(ctx)
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
	result := &Result{Image: d.image, From: seen.latest()}
	in := configuration(&d.Image)
	live := &lambdamicrovms.UpdateMicroVMImageInput{}
	if from := seen.find(result.From); from != nil {
		live = configuration(from)
	}
	isCurrent, err := d.isCurrent(ctx, image, result.From)
	if err != nil {
		return nil, err
	}
	if isCurrent {
		// The content is the same, so it does not matter where it is.
		in.CodeArtifact = live.CodeArtifact
		if result.Changes = compare(live, in); len(result.Changes) == 0 {
			result.Version, result.Unchanged = result.From, true
			return result, d.tag(ctx, result)
		}
	}

	if err := d.upload(ctx); err != nil {
		return nil, err
	}
	in.CodeArtifact, in.ImageIdentifier = d.Image.CodeArtifact, &d.image
	if in.ClientToken, err = clienttoken.New(d.api); err != nil {
		return nil, d.fail(StepUpdate, "", err)
	}
	begin := &start{job: d.job, api: d.api, step: StepUpdate, operation: updateImage}
	begin.look = func(ctx context.Context, sent bool) (string, error) {
		if sent {
			return d.lookFor(ctx, seen.newest(), in)
		}
		now, err := d.history(ctx, d.api)
		if err == nil {
			seen = now // what is newer than this was begun with the archive in place
		}
		return "", err
	}
	begin.send = func(ctx context.Context) (string, error) {
		out, err := d.api.UpdateMicroVMImage(ctx, in)
		if err != nil || out == nil {
			return "", err
		}
		return newer(out.ImageVersion, seen.newest()), nil
	}
	if result.Version, err = begin.run(ctx); err != nil {
		return nil, err
	}
	result.Changes, result.ArtifactURI = compare(live, in), d.uri
	return result, nil
}

// lookFor returns the version that was built from the input after another one, or "".
func (d *deployer) lookFor(ctx context.Context, after string, in *lambdamicrovms.UpdateMicroVMImageInput) (version string, err error) {
	_, err = d.historyWith(ctx, d.api, func(now history) (err error) {
		version, err = now.built(after, in)
		return err
	})
	return version, err
}

// isCurrent reports whether Deploy built the version from this very content.
func (d *deployer) isCurrent(ctx context.Context, image *lambdamicrovms.GetMicroVMImageOutput, version string) (bool, error) {
	if !d.options.Reuse || d.hash == "" || version == "" {
		return false, nil
	}
	tags := image.Tags
	if tags == nil { // the response lacks them: the service sends an empty map if there are none
		live, err := d.liveTags(ctx, d.api)
		if err != nil {
			return false, err
		}
		tags = live
	}
	return tags[contentTag] == contentValue(version, d.hash), nil
}

// contentValue hashes once more what a caller may have given, so that it fits a tag.
func contentValue(version, hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return version + "/" + hex.EncodeToString(sum[:])
}

// tags adds the tag of a version's content.
func (d *deployer) tags(version string, tags map[string]string) map[string]string {
	if !d.options.Reuse || d.hash == "" {
		return tags
	}
	all := maps.Clone(tags)
	if all == nil {
		all = make(map[string]string)
	}
	all[contentTag] = contentValue(version, d.hash)
	return all
}

// tag writes the tags of a version that has been built.
func (d *deployer) tag(ctx context.Context, result *Result) error {
	switch own := d.tags(result.Version, nil); {
	case result.Created: // with its tags
		return nil
	case d.Image.Tags != nil:
		_, err := d.syncTags(ctx, d.api, d.tags(result.Version, d.Image.Tags))
		return err
	case result.Unchanged || len(own) == 0:
		return nil
	default:
		return d.writeTags(ctx, d.api, own)
	}
}
