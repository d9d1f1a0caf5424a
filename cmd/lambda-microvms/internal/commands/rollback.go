package commands

import (
	"context"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
)

const toOption = "to-version"

// rollbackCommand makes an older version the one that MicroVMs are started from.
func rollbackCommand() *cli.Command {
	return &cli.Command{
		Summary: "Makes an older version of an image the latest active one",
		Page: cli.Page{
			Description: `Makes an older version of an image the latest active one, from which MicroVMs are started. It activates the version if necessary, and deactivates all newer ones, oldest first, so that one is active at any time. It builds nothing and does not affect running MicroVMs. The next update starts from the version that was rolled back to.

If it is interrupted or fails in between, run it again: it continues where it stopped.`,
			Output: "The ARN of the image, the latest active version now and before, whether it had to be activated, and the versions that were deactivated.\n\n" + eventsOutput(errorHelp),
			Examples: `To go back to the active version before the latest one:

  lambda-microvms rollback --image-identifier app`,
		},
		Options: append([]argparse.Option{
			imageArgument,
			{Name: toOption, Doc: "The version to roll back to, such as 2.0. The default is the newest active version before the latest active one; versions that were rolled back earlier are inactive and do not count."},
			jsonFlag,
		}, workflowOptions(false)...),
		Run: runRollback,
	}
}

func runRollback(ctx context.Context, s *cli.Session) error {
	to, err := versionArgument(s, toOption)
	if err != nil {
		return err
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	var options images.Options
	r, err := begin(s, &options)
	if err != nil {
		return err
	}
	var result *images.RollbackResult
	image, err := imageARN(ctx, s, client)
	if err == nil {
		result, err = images.Rollback(ctx, client, image, to, func(o *images.Options) { *o = options })
	}
	if err = r.finish(ctx, withDone(err, rollbackDone(result))); err != nil {
		return err
	}
	document := value.NewMap(value.Member{Name: "imageArn", Value: result.Image}, value.Member{Name: "imageVersion", Value: result.To})
	set(document, "previousVersion", result.From)
	document.Set("activated", result.Activated)
	document.Set("deactivatedVersions", texts(result.Deactivated))
	return r.result("Rollback", document)
}

// rollbackDone says what was done before an error.
func rollbackDone(result *images.RollbackResult) []fault.Detail {
	if result == nil {
		return nil
	}
	var details []fault.Detail
	if result.Activated {
		details = append(details, fault.Detail{Name: "activated", Value: result.To})
	}
	if len(result.Deactivated) > 0 {
		details = append(details, fault.Detail{Name: "deactivatedVersions", Value: texts(result.Deactivated)})
	}
	return details
}
