package commands

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/configuration"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	nameOption    = "name"
	baseOption    = "base-image-arn"
	roleOption    = "build-role-arn"
	tagsOption    = "tags"
	bucketOption  = "bucket"
	prefixOption  = "prefix"
	contentOption = "content-hash"
	forceOption   = "force"

	baseMember = "baseImageArn"
	roleMember = "buildRoleArn"

	// defaultBase is the base image of an image that names none.
	defaultBase = "al2023-1"
)

// deployCommand creates or updates an image from a directory or an archive.
func deployCommand() *cli.Command {
	options := []argparse.Option{
		{Name: nameOption, Alias: imageOption, Doc: "Name of the image, also accepted as --" + imageOption + ". Required unless the file of --config has it."},
		{Name: configOption, Doc: "A file with the whole configuration: the members of create-microvm-image, JSON if its name ends in .json, else YAML; - is standard input. Settings that it omits are reset, except the base image and the role. Without it, an existing image keeps its settings."},
	}
	options = append(append(options, editOptions()...),
		argparse.Option{Name: roleOption, Doc: "ARN of the role with which the service builds. Required for a new image, here or in the configuration."},
		argparse.Option{Name: baseOption, Doc: "ARN of the base image. The default for a new image is " + defaultBase + ", which AWS provides."},
		argparse.Option{Name: tagsOption, Kind: "map", Doc: "The tags of the image, key=value,key=value or JSON; all others are removed. Without it, and without tags in the file of --config, the image keeps its tags."},
		argparse.Option{Name: bucketOption, Doc: "The bucket for the archive, in the region of the image. The default is " + bucketVariable + " in the environment, then the bucket with the artifact of the version that is active. --endpoint-url does not apply to S3; AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3 in the environment do."},
		argparse.Option{Name: prefixOption, Doc: "The beginning of the archive's key in the bucket, such as images/."},
		argparse.Option{Name: contentOption, Doc: "Identifies the content at an s3:// URI: with the same one, and the same configuration, nothing is built."},
		argparse.Option{Name: forceOption, Arity: argparse.Flag, Doc: "Build even if nothing has changed."},
		dryRunFlag, jsonFlag)
	return &cli.Command{
		Summary: "Creates or updates an image from a directory or an archive in S3",
		Words:   []string{"SOURCE"},
		Page: cli.Page{
			Description: `Creates or updates an image from a directory, or from an archive in S3 at s3://bucket/key, and waits for the build.

A directory must have a Dockerfile. It is packed without what .dockerignore excludes, and uploaded under a key that depends only on its content. If content and configuration are those of the version that is active, nothing is packed, uploaded or built: that takes at most 4 calls. The content is recognized by the tag lambdamicrovms:content of the image, which records the content of up to three versions that deploy built: the latest, the one that was active before it, and one more. After a rollback to an older version, its content is built again.

If the build fails, the reasons are shown, and the version that was active remains active.

Exit codes: 0 if the image is as wanted; 252 for a wrong command line or configuration of the image; 253 if credentials or the region are missing; 254 if the service or S3 refused a request; 255 for any other error, such as a build that failed or a directory that cannot be packed; 130 after Ctrl-C. To tell a failed build from other errors with the code 255, use --json: its error event has the member builds.

After Ctrl-C the command aborts an upload, and says what is still running in AWS and how to end it; a second Ctrl-C ends the command at once. After SIGTERM and SIGHUP it has one second for that. Values of environment variables are in no output of --debug, --json and --dry-run.`,
			Output: `The ARN of the image, its version, the previous one, whether it is new or unchanged, the URI of the archive, the changes, and those of the tags, which need no build. With --dry-run the changes, one a line, or as a document with --output or --query; the URI of an archive that is not uploaded yet is shown as the hash of its content.

` + eventsOutput(uploadHelp, diffHelp, buildErrorHelp),
			Examples: `To deploy a directory as a new image, and again after a change:

  lambda-microvms deploy ./app --name app --build-role-arn arn:aws:iam::123456789012:role/build --bucket my-bucket
  lambda-microvms deploy ./app --name app

To see what a deployment would change:

  lambda-microvms deploy ./app --config app.yaml --dry-run`,
		},
		Options: append(options, workflowOptions(true)...),
		Run:     runDeploy,
	}
}

func runDeploy(ctx context.Context, s *cli.Session) error {
	p, err := planDeployment(ctx, s)
	if err != nil {
		return err
	}
	cfg, err := s.Config(ctx)
	if err != nil {
		return err
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	p.region = client.Options().Region
	if err := p.check(s); err != nil {
		return err
	}
	if p.deployment.Dir != "" {
		if err := checkDestination(s); err != nil {
			return err
		}
	}
	var options images.DeployOptions
	r, err := begin(s, &options.Options)
	if err != nil {
		return err
	}
	p.deployment.Configure = p.configure
	if p.deployment.Dir != "" {
		p.store = newStore(s, cfg, r)
		p.deployment.Uploader = p.store
	}
	dryRun := s.Args.Has(dryRunOption)
	result, err := images.Deploy(ctx, client, p.deployment, func(o *images.DeployOptions) {
		o.Options, o.Reuse, o.DryRun = options.Options, !s.Args.Has(forceOption), dryRun
	})
	if err = r.finish(ctx, withDone(err, deployDone(result))); err != nil {
		return err
	}
	document := value.NewMap()
	set(document, "imageArn", result.Image)
	set(document, "imageVersion", result.Version)
	set(document, "previousVersion", result.From)
	document.Set("created", result.Created)
	document.Set("unchanged", result.Unchanged)
	set(document, "artifactUri", result.ArtifactURI)
	document.Set("changes", changesDocument(result.Changes))
	document.Set("tagChanges", changesDocument(result.Tags))
	if dryRun {
		return r.diff("Deploy", document, slices.Concat(result.Changes, result.Tags))
	}
	return r.result("Deploy", document)
}

// deployDone returns the details of an error. The version may have been built although
// its tags failed.
func deployDone(result *images.Result) []fault.Detail {
	if result == nil || result.Version == "" {
		return nil
	}
	return []fault.Detail{{Name: "imageVersion", Value: result.Version}}
}

// plan is a deployment as the command line describes it.
type plan struct {
	deployment images.Deployment
	region     string
	whole      *value.Map // the file of --config, or nil
	given      *value.Map // members that options set
	edits      []configuration.Edit
	store      *store // nil without a directory
}

// planDeployment reads the command line. Nothing is sent.
func planDeployment(ctx context.Context, s *cli.Session) (*plan, error) {
	p := &plan{given: new(value.Map)}
	if err := p.readSource(s); err != nil {
		return nil, err
	}
	var err error
	if p.edits, err = readEdits(s, deploySettings()); err != nil {
		return nil, err
	}
	name := s.Args.Value(nameOption)
	var tags any
	if s.Args.Has(configOption) {
		if p.whole, err = readConfig(ctx, s); err != nil {
			return nil, err
		}
		if v, _ := p.whole.Get("name"); name == "" && v != nil {
			name = value.Text(v)
		}
		tags, _ = p.whole.Get("tags")
		p.whole.Delete(notDeploySettings()...)
	}
	for _, option := range []struct{ name, member string }{{roleOption, roleMember}, {baseOption, baseMember}} {
		if s.Args.Has(option.name) {
			p.given.Set(option.member, s.Args.Value(option.name))
		}
	}
	if s.Args.Has(tagsOption) {
		if tags, err = params.Unpack(tagsMember(), s.Args.Values(tagsOption)); err != nil {
			return nil, err
		}
	}
	switch {
	case s.Args.Value(nameOption) == "" && s.Args.Has(nameOption):
		return nil, fault.Parameter(nameOption, "it is empty")
	case name == "":
		return nil, fault.Usage("the following arguments are required: --%s", nameOption)
	}
	p.deployment.Image.Name = &name
	p.deployment.Image.Tags, err = readTags(tags)
	return p, err
}

// deploySettings is the shape of the configuration that deploy takes from options and
// files.
func deploySettings() *api.Shape {
	return without(api.Find("create-microvm-image").Input, notDeploySettings()...)
}

// notDeploySettings are the members that deploy sets itself.
func notDeploySettings() []string { return append(notSettings(), "codeArtifact") }

func tagsMember() *api.Member { return api.Find("create-microvm-image").Input.Member("tags") }

// readSource reads the word of the command: a directory, or the URI of an archive.
func (p *plan) readSource(s *cli.Session) error {
	source := s.Words[0]
	p.deployment.ContentHash = s.Args.Value(contentOption)
	if strings.HasPrefix(source, "s3://") {
		for _, name := range []string{bucketOption, prefixOption} {
			if s.Args.Has(name) {
				return fault.Parameter(name, "it is for archives of a directory, and %s is one already", value.Quote(source))
			}
		}
		bucket, key, _ := strings.Cut(source[len("s3://"):], "/")
		if bucket == "" || key == "" {
			return fault.Usage("Error parsing argument SOURCE: %s is not s3://bucket/key", source)
		}
		p.deployment.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: source}
		return nil
	}
	if s.Args.Has(contentOption) {
		return fault.Parameter(contentOption, "it is for an s3:// URI; the content of a directory identifies itself")
	}
	info, err := os.Stat(source)
	switch {
	case err != nil:
		return fault.Usage("Error parsing argument SOURCE: %s", err)
	case !info.IsDir():
		return fault.Usage("Error parsing argument SOURCE: %s is neither a directory nor an s3:// URI", source)
	}
	p.deployment.Dir = source
	return nil
}

// readTags returns the tags of a document, or nil if there is none.
func readTags(document any) (map[string]string, error) {
	if document == nil {
		return nil, nil
	}
	if problems := params.ValidateAt(tagsMember().Shape, document, "tags"); len(problems) > 0 {
		return nil, fault.Parameter(tagsOption, "%s", strings.Join(problems, "\n"))
	}
	m, ok := document.(*value.Map)
	if !ok {
		return nil, fault.Parameter(tagsOption, "not a map")
	}
	tags := make(map[string]string, m.Len())
	for _, tag := range m.Members() {
		tags[tag.Name] = value.Text(tag.Value)
	}
	return tags, nil
}

// check validates the name, the tags, the ARNs of options and a whole configuration
// before anything is sent. The other settings depend on the image that exists.
func (p *plan) check(s *cli.Session) error {
	image := p.deployment.Image
	live := &lambdamicrovms.UpdateMicroVMImageInput{ // stands for that of an existing image
		BaseImageArn: aws.String(images.BaseImageARN(p.region, defaultBase)),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
	}
	if p.whole == nil {
		image.BaseImageArn, image.BuildRoleArn = live.BaseImageArn, live.BuildRoleArn
		if v, ok := p.given.Get(baseMember); ok {
			image.BaseImageArn = aws.String(value.Text(v))
		}
		if v, ok := p.given.Get(roleMember); ok {
			image.BuildRoleArn = aws.String(value.Text(v))
		}
	} else if err := p.configure(&image, live); err != nil {
		return err
	}
	if image.CodeArtifact == nil {
		image.CodeArtifact = &types.CodeArtifactMemberUri{Value: "s3://bucket/key"}
	}
	return optionError(s, api.Find("create-microvm-image"), lambdamicrovms.Validate(&image, lambdamicrovms.ValidationStrict))
}

// optionError returns the error of validating the input of an operation as one of the
// command line. It names the option of the first violation that has one.
func optionError(s *cli.Session, op *api.Operation, err error) error {
	if err == nil {
		return nil
	}
	for _, violation := range lambdamicrovms.Violations(err) {
		name, _, _ := strings.Cut(violation.Path, ".")
		name, _, _ = strings.Cut(name, "[")
		for _, m := range op.Input.Members {
			if strings.EqualFold(m.Name, name) && s.Args.Has(m.Option) {
				return fault.Parameter(m.Option, "%s", plainInput(err))
			}
		}
	}
	return invalidInput(err)
}

// invalidInput returns an error of the configuration as one of the command line.
func invalidInput(err error) error {
	e := fault.Usage("%s", plainInput(err))
	e.Err = err
	return e
}

func plainInput(err error) string { return strings.TrimPrefix(err.Error(), "lambdamicrovms: ") }

// configure completes the image: with the whole configuration of --config, or else with
// that of the image, or with the defaults of a new one. Base image and role are required,
// so they are kept in any case.
func (p *plan) configure(image *lambdamicrovms.CreateMicroVMImageInput, live *lambdamicrovms.UpdateMicroVMImageInput) error {
	kept := value.NewMap(value.Member{Name: baseMember, Value: images.BaseImageARN(p.region, defaultBase)})
	if live != nil {
		if p.store != nil {
			p.store.live = bucketOf(live.CodeArtifact)
		}
		var err error
		if kept, err = toMap(live); err != nil {
			return err
		}
		kept.Delete(notDeploySettings()...)
	}
	m := kept
	if p.whole != nil {
		m = p.whole.Clone()
		for _, name := range []string{baseMember, roleMember} {
			if v, ok := kept.Get(name); ok && !m.Has(name) {
				m.Set(name, v)
			}
		}
	}
	for _, member := range p.given.Members() {
		m.Set(member.Name, member.Value)
	}
	if err := configuration.Apply(m, p.edits); err != nil {
		return err
	}
	if !m.Has(roleMember) {
		return fault.Usage("the following arguments are required: --%s (for the new image %s)", roleOption, value.Quote(*image.Name))
	}
	if err := params.Validate(deploySettings(), m); err != nil {
		return err
	}
	name, tags, artifact := image.Name, image.Tags, image.CodeArtifact
	*image = lambdamicrovms.CreateMicroVMImageInput{}
	if err := image.UnmarshalJSON(value.Compact(m)); err != nil {
		return err
	}
	image.Name, image.Tags, image.CodeArtifact = name, tags, artifact
	return nil
}

// bucketOf returns the bucket of an artifact, or "".
func bucketOf(artifact types.CodeArtifact) string {
	uri, ok := artifact.(*types.CodeArtifactMemberUri)
	if !ok {
		return ""
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(uri.Value, "s3://"), "/")
	return bucket
}
