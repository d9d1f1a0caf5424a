package commands

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/configuration"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

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
	for _, option := range []string{nameOption, contentOption} {
		if err := notEmpty(s, option); err != nil {
			return nil, err
		}
	}
	if name == "" {
		return nil, fault.Usage("the following arguments are required: --%s", nameOption)
	}
	p.deployment.Image.Name = &name
	p.deployment.Image.Tags, err = readTags(tags)
	return p, err
}

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
