package commands

import (
	"context"
	"slices"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
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
	options := slices.Concat([]argparse.Option{
		{Name: nameOption, Alias: imageOption, Doc: "Name of the image, also accepted as --" + imageOption + ". Required unless the file of --config has it."},
		{Name: configOption, Doc: "A file with the whole configuration: the members of create-microvm-image, JSON if its name ends in .json, else YAML; - is standard input. Settings that it omits are reset, except the base image and the role. Without it, an existing image keeps its settings."},
	}, editOptions(), []argparse.Option{
		{Name: roleOption, Doc: "ARN of the role with which the service builds. Required for a new image, here or in the configuration."},
		{Name: baseOption, Doc: "ARN of the base image. The default for a new image is " + defaultBase + ", which AWS provides."},
		{Name: tagsOption, Kind: "map", Doc: "The tags of the image, key=value,key=value or JSON; all others are removed. Without it, and without tags in the file of --config, the image keeps its tags."},
		{Name: bucketOption, Doc: "The bucket for the archive, in the region of the image. The default is " + bucketVariable + " in the environment, then the bucket with the artifact of the version that is active. --endpoint-url does not apply to S3; AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3 in the environment do."},
		{Name: prefixOption, Doc: "The beginning of the archive's key in the bucket, such as images/."},
		{Name: contentOption, Doc: "Identifies the content at an s3:// URI: with the same one, and the same configuration, nothing is built."},
		{Name: forceOption, Arity: argparse.Flag, Doc: "Build even if nothing has changed."},
		dryRunFlag, jsonFlag,
	}, workflowOptions(true))
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
		Options: options,
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
