package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/configuration"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
)

const (
	configOption   = "config"
	exitCodeOption = "exit-code"
	exitDifferent  = 1 // as of diff and git diff
)

// diffCommand compares configurations.
func diffCommand() *cli.Command {
	return &cli.Command{
		Summary: "Compares the configuration of an image with a file, or two of its versions",
		Page: cli.Page{
			Description: `Compares the configuration of a version of an image with a file with the desired configuration, or with another version. It shows what an update from the one to the other would change, and which settings it would reset. A setting that has the service's default equals one that is omitted.

The file has the members of create-microvm-image or update-microvm-image, as --generate-cli-skeleton prints them, in JSON or YAML. Its name, imageIdentifier and clientToken are not compared, nor are tags, codeArtifact, baseImageArn and buildRoleArn if the file has none.

Values of environment variables are shown as [REDACTED].`,
			Output: `The changes, one a line: + is added, ~ changed, and - reset to the default or removed. A path is one that the option --set of update understands. With --output or --query, a document with the ARN of the image, both versions and the changes (path, kind, old and new).

The exit code is 0 whether there are changes or not, unless --exit-code is given.`,
			Examples: `To see whether an image is as a file says:

  lambda-microvms diff --image-identifier app --config app.yaml --exit-code

To see what has changed in the last version:

  lambda-microvms diff --image-identifier app --from-version 2.0 --to-version 3.0`,
		},
		Options: []argparse.Option{
			imageArgument,
			{Name: configOption, Doc: "The file with the desired configuration: JSON if its name ends in .json, else YAML; - is standard input."},
			{Name: fromOption, Doc: "The version to compare, such as 2.0. The default is the latest active one."},
			{Name: toOption, Doc: "The version to compare with. Either this or --config is required."},
			{Name: exitCodeOption, Arity: argparse.Flag, Doc: fmt.Sprintf("End with exit code %d if there are changes.", exitDifferent)},
		},
		Run: runDiff,
	}
}

func runDiff(ctx context.Context, s *cli.Session) error {
	if s.Args.Has(configOption) == s.Args.Has(toOption) {
		return fault.Usage("either --%s or --%s is required, and not both", configOption, toOption)
	}
	from, err := versionArgument(s, fromOption)
	if err != nil {
		return err
	}
	if _, err = versionArgument(s, toOption); err != nil {
		return err
	}
	var wanted *lambdamicrovms.UpdateMicroVMImageInput
	var tags map[string]string
	if s.Args.Has(configOption) {
		if wanted, tags, err = readSettings(ctx, s); err != nil {
			return err
		}
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	image, err := imageARN(ctx, s, client)
	if err != nil {
		return err
	}
	if from == "" {
		if from, err = latestActive(ctx, s, client, image); err != nil {
			return err
		}
	}
	live, err := version(ctx, s, client, image, from)
	if err != nil {
		return err
	}
	document := value.NewMap(value.Member{Name: "imageArn", Value: image}, value.Member{Name: "fromVersion", Value: from})
	if wanted == nil {
		to, err := version(ctx, s, client, image, s.Args.Value(toOption))
		if err != nil {
			return err
		}
		wanted = images.InputFrom(to)
		wanted.BaseImageVersion = to.BaseImageVersion
		document.Set("toVersion", s.Args.Value(toOption))
	} else {
		completeFrom(wanted, live)
	}
	changes := images.Diff(live, wanted)
	if tags != nil {
		out, err := client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: &image})
		if err != nil {
			return s.CallError(ctx, err)
		}
		changes = append(changes, images.DiffTags(out.Tags, tags)...)
	}
	document.Set("changes", changesDocument(changes))
	r := &workflow{s: s}
	if err := r.diff("Diff", document, changes); err != nil {
		return err
	}
	if len(changes) > 0 && s.Args.Has(exitCodeOption) {
		return &fault.Error{Exit: exitDifferent, Silent: true}
	}
	return nil
}

// readSettings reads the file of --config as the input of an update, and the tags, which
// are nil if it has none.
func readSettings(ctx context.Context, s *cli.Session) (*lambdamicrovms.UpdateMicroVMImageInput, map[string]string, error) {
	document, err := readConfig(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	listed, _ := document.Get("tags")
	tags, err := readTags(listed)
	if err != nil {
		return nil, nil, err
	}
	document.Delete(notSettings()...)
	var in lambdamicrovms.UpdateMicroVMImageInput
	if err := in.UnmarshalJSON(value.Compact(document)); err != nil {
		return nil, nil, fault.Parameter(configOption, "%s", err)
	}
	return &in, tags, nil
}

// completeFrom sets the members that every image has and that a file may leave out.
func completeFrom(wanted *lambdamicrovms.UpdateMicroVMImageInput, live *lambdamicrovms.GetMicroVMImageVersionOutput) {
	if wanted.CodeArtifact == nil {
		wanted.CodeArtifact = live.CodeArtifact
	}
	if wanted.BaseImageArn == nil {
		wanted.BaseImageArn = live.BaseImageArn
	}
	if wanted.BuildRoleArn == nil {
		wanted.BuildRoleArn = live.BuildRoleArn
	}
}

// readConfig reads and checks the file of --config. Nothing is required, since artifact,
// base image and role may come from elsewhere.
func readConfig(ctx context.Context, s *cli.Session) (*value.Map, error) {
	path := strings.TrimPrefix(s.Args.Value(configOption), "file://")
	text, err := readInput(ctx, s, configOption, path)
	if err != nil {
		return nil, err
	}
	document, err := configuration.Parse(configOption, path, text)
	if err != nil {
		return nil, err
	}
	shape := *api.Find("create-microvm-image").Input
	shape.Members = append(slices.Clone(shape.Members), *api.Find("update-microvm-image").Input.Member(imageMember))
	for i := range shape.Members {
		shape.Members[i].Required = false
	}
	if err := params.Validate(&shape, document); err != nil {
		return nil, fault.Parameter(configOption, "%s", fault.Of(err).Message)
	}
	return document, nil
}

// latestActive returns the version of an image that MicroVMs are started from.
func latestActive(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client, image string) (string, error) {
	out, err := client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &image})
	switch {
	case err != nil:
		return "", s.CallError(ctx, err)
	case out.LatestActiveImageVersion == nil || *out.LatestActiveImageVersion == "":
		return "", fault.General("%s has no active version: name one with --%s", image, fromOption)
	}
	return *out.LatestActiveImageVersion, nil
}

func version(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client, image, version string) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
	out, err := client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &image, ImageVersion: &version})
	if err != nil {
		return nil, s.CallError(ctx, err)
	}
	return out, nil
}
