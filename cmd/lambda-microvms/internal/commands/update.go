package commands

import (
	"context"
	"fmt"
	"slices"

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
	fromOption     = "from-version"
	keepBaseOption = "keep-base-image-version"
	waitOption     = "wait"
	noWaitOption   = "no-wait"
)

// editOptions are --set and --unset.
func editOptions() []argparse.Option {
	return []argparse.Option{
		{Name: configuration.SetOption, Arity: argparse.Many, Append: true, Doc: "Settings to change: path=text or path:=JSON. " +
			"A path uses the JSON member names, with indexes and keys in brackets or after a dot: description, hooks.port, resources[0].minimumMemoryInMiB, " +
			"environmentVariables.STAGE, environmentVariables[\"A.B\"]. The index after the last appends an element. " +
			"A text is converted to a number or boolean where the setting is one. Other users of the machine can see the command line: read secrets from a file, with file:// in either form."},
		{Name: configuration.UnsetOption, Arity: argparse.Many, Append: true, Doc: "Paths to reset to the service's default, or to remove from a map or list. They are removed before --set is applied. It is no error if they are not set."},
	}
}

// updateCommand changes single settings of an image.
func updateCommand() *cli.Command {
	return &cli.Command{
		Summary: "Changes single settings of an image and keeps all others",
		Page: cli.Page{
			Description: `Changes single settings of an image and builds its next version. update-microvm-image replaces the whole configuration, and resets each setting that the request omits; update reads the configuration of the latest active version, changes what --set and --unset name, and sends all of it. It waits while the image is busy, and fails if somebody else updates the image at the same time.

It then waits for the build. If the build fails, the image stays as it was, and the reasons are shown. With --no-wait it returns once the build has started. It builds even if the configuration stays the same, as without --set and --unset, for an artifact with new content.

Values of environment variables are in no output of --debug, --json and --dry-run.`,
			Output: `The ARN of the image, its new version, the previous one, and the changes. With --dry-run the changes, one a line, or as a document with --output or --query.

` + eventsOutput(diffHelp, buildErrorHelp),
			Examples: `To change one environment variable and remove the description:

  lambda-microvms update --image-identifier app --set environmentVariables.STAGE=prod --unset description

To see what would change:

  lambda-microvms update --image-identifier app --set resources[0].minimumMemoryInMiB=4096 --dry-run`,
		},
		Options: slices.Concat([]argparse.Option{imageArgument}, editOptions(), []argparse.Option{
			{Name: fromOption, Doc: "The version to start from, such as 2.0. The default is the latest active one."},
			{Name: keepBaseOption, Arity: argparse.Flag, Doc: "Build on the version of the base image that the image was built on before. The default is the latest, unless baseImageVersion is set."},
			{Name: waitOption, Arity: argparse.Flag, Doc: "Wait for the build. This is the default."},
			{Name: noWaitOption, Arity: argparse.Flag, Doc: "Return once the build has started. Its failure is then not reported; see wait microvm-image-version-successful."},
			dryRunFlag, jsonFlag,
		}, workflowOptions(true)),
		Run: runUpdate,
	}
}

func runUpdate(ctx context.Context, s *cli.Session) error {
	if s.Args.Has(waitOption) && s.Args.Has(noWaitOption) {
		return fault.Usage("--%s and --%s exclude each other", waitOption, noWaitOption)
	}
	edits, err := readEdits(s, settings())
	if err != nil {
		return err
	}
	var options images.UpdateOptions
	if options.From, err = versionArgument(s, fromOption); err != nil {
		return err
	}
	options.KeepBaseImageVersion = s.Args.Has(keepBaseOption)
	options.DryRun, options.NoWait = s.Args.Has(dryRunOption), s.Args.Has(noWaitOption)

	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	r, err := begin(s, &options.Options)
	if err != nil {
		return err
	}
	result, err := r.update(ctx, client, edits, options)
	if err = r.finish(ctx, err); err != nil {
		return err
	}
	document := value.NewMap(value.Member{Name: "imageArn", Value: result.Image})
	set(document, "imageVersion", result.Version)
	set(document, "previousVersion", result.From)
	if len(result.Replaced) > 0 {
		document.Set("replacedVersions", texts(result.Replaced))
	}
	document.Set("changes", changesDocument(result.Changes))
	if options.DryRun {
		return r.diff("Update", document, result.Changes)
	}
	return r.result("Update", document)
}

func (r *workflow) update(ctx context.Context, client *lambdamicrovms.Client, edits []configuration.Edit, options images.UpdateOptions) (*images.Result, error) {
	image, err := imageARN(ctx, r.s, client)
	if err != nil {
		return nil, err
	}
	change := func(in *lambdamicrovms.UpdateMicroVMImageInput) error { return edited(in, edits) }
	return images.Update(ctx, client, image, change, func(o *images.UpdateOptions) { *o = options })
}

// readEdits reads --set and --unset.
func readEdits(s *cli.Session, shape *api.Shape) ([]configuration.Edit, error) {
	return configuration.ParseEdits(shape, s.Args.Values(configuration.SetOption), s.Args.Values(configuration.UnsetOption))
}

// edited applies edits to an input and validates it.
func edited(in *lambdamicrovms.UpdateMicroVMImageInput, edits []configuration.Edit) error {
	m, err := toMap(in)
	if err != nil {
		return err
	}
	if err := configuration.Apply(m, edits); err != nil {
		return err
	}
	if err := params.Validate(api.Find("update-microvm-image").Input, m); err != nil {
		return err
	}
	var changed lambdamicrovms.UpdateMicroVMImageInput
	if err := changed.UnmarshalJSON(value.Compact(m)); err != nil {
		return err
	}
	if err := lambdamicrovms.Validate(&changed, lambdamicrovms.ValidationStrict); err != nil {
		return invalidInput(err)
	}
	*in = changed
	return nil
}

func toMap(in *lambdamicrovms.UpdateMicroVMImageInput) (*value.Map, error) {
	text, err := in.MarshalJSON()
	if err != nil {
		return nil, err
	}
	v, err := value.ReadJSON(string(text))
	if err != nil {
		return nil, err
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("the input is a %s", value.TypeName(v))
	}
	return m, nil
}
