package commands

import (
	"context"
	"fmt"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
)

// keptByDefault leaves room to roll back in an image, which can have 50 versions.
const keptByDefault = 5

// pruneCommand deletes old versions.
func pruneCommand() *cli.Command {
	return &cli.Command{
		Summary: "Deletes old versions of an image that nothing needs",
		Page: cli.Page{
			Description: `Deletes old versions of an image, which can have at most 50. It keeps the latest active version, the newest successful ones, the newest version even if its build failed, versions that are being built, and versions that a MicroVM uses. If no version is active, it keeps all successful ones.

The oldest version is deleted first. Each version is deactivated before it is deleted, so that no MicroVM can be started from it. A deletion makes the image busy for about 40 seconds, and prune waits for it. If it is interrupted, the version that was next may stay inactive; run it again to continue.`,
			Output: "The ARN of the image, the versions that were deleted, oldest first, and those that were kept with the reason. With --dry-run, deletedVersions are those that would be deleted.\n\n" + eventsOutput(errorHelp),
			Examples: `To see which versions would be deleted, and to delete them:

  lambda-microvms prune --image-identifier app --keep 10 --dry-run
  lambda-microvms prune --image-identifier app --keep 10`,
		},
		Options: append([]argparse.Option{
			imageArgument,
			{Name: keepOption, Kind: "integer", Int: true, Doc: fmt.Sprintf("How many successful versions to keep, at least 1. The default is %d.", keptByDefault)},
			{Name: dryRunOption, Arity: argparse.Flag, Doc: "Delete nothing, and print what would be deleted."},
			jsonFlag,
		}, workflowOptions(false)...),
		Run: runPrune,
	}
}

func runPrune(ctx context.Context, s *cli.Session) error {
	keep := keptByDefault
	if s.Args.Has(keepOption) {
		var ok bool
		if keep, ok = integer(s.Args, keepOption, 1, 1<<30); !ok {
			return fault.Parameter(keepOption, "must be 1 or more, not %s", value.Quote(s.Args.Value(keepOption)))
		}
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	options := images.PruneOptions{DryRun: s.Args.Has(dryRunOption)}
	r, err := begin(s, &options.Options)
	if err != nil {
		return err
	}
	var result *images.PruneResult
	image, err := imageARN(ctx, s, client)
	if err == nil {
		result, err = images.Prune(ctx, client, image, keep, func(o *images.PruneOptions) { *o = options })
	}
	if err = r.finish(ctx, withDone(err, pruneDone(result))); err != nil {
		return err
	}
	kept := make([]any, 0, len(result.Kept))
	for _, k := range result.Kept {
		m := value.NewMap(value.Member{Name: "imageVersion", Value: k.Version}, value.Member{Name: "reason", Value: string(k.Reason)})
		if k.Reason == images.KeepInUse {
			m.Set("microvms", int64(k.MicroVMs))
		}
		kept = append(kept, m)
	}
	return r.result("Prune", value.NewMap(
		value.Member{Name: "imageArn", Value: result.Image},
		value.Member{Name: "deletedVersions", Value: texts(result.Deleted)},
		value.Member{Name: "keptVersions", Value: kept}))
}

// pruneDone says what was done before an error.
func pruneDone(result *images.PruneResult) []fault.Detail {
	if result == nil || len(result.Deleted) == 0 {
		return nil
	}
	return []fault.Detail{{Name: "deletedVersions", Value: texts(result.Deleted)}}
}
