package commands

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/session"
)

const removeOption = "rm"

func runCommand() *cli.Command {
	return &cli.Command{
		Summary:   "Starts a MicroVM and waits until it runs",
		Words:     []string{"IMAGE"},
		Operation: runMicroVMOperation(),
		Options: []argparse.Option{
			{
				Name: removeOption, Arity: argparse.Flag,
				Doc: "Stay until Ctrl-C or until the MicroVM ends, and terminate it then.",
			},
			{Name: keepOption, Arity: argparse.Flag, Doc: "Leave the MicroVM running. This is the default."},
		},
		Unpaged: true,
		Page: cli.Page{
			Description: `Starts a MicroVM of an image, waits until it is RUNNING, prints what get-microvm does, and leaves it running. The MicroVM costs money until it is terminated, after 8 hours at the latest. Standard error shows how to terminate it. With --rm, this command terminates it when it ends.

If the MicroVM does not start, it is terminated, even after Ctrl-C.

` + imageWord + ` The other options are those of run-microvm.`,
			Output: "The output of get-microvm.",
			Examples: `Start a MicroVM and keep its id:

  id=$(lambda-microvms run web --query microvmId --output text)

Start one for as long as this terminal needs it:

  lambda-microvms run web --rm`,
		},
		Run: runRun,
	}
}

func runRun(ctx context.Context, s *cli.Session) error {
	remove := s.Args.Has(removeOption)
	if remove && s.Args.Has(keepOption) {
		return fault.Parameter(removeOption, "it cannot be combined with --%s", keepOption)
	}
	t, err := newTarget(ctx, s, s.Words[0])
	if err != nil {
		return err
	}
	t.keep = !remove
	return t.with(ctx, func(ctx context.Context, opened *session.Session) error {
		if err := t.show(ctx, opened); err != nil || t.keep {
			return err
		}
		return t.await(ctx, opened)
	})
}

// show prints the MicroVM.
func (t *target) show(ctx context.Context, opened *session.Session) error {
	found, err := opened.Describe(ctx)
	if err != nil {
		return t.s.CallError(ctx, err)
	}
	return t.s.PrintOutput(api.Find("get-microvm"), found)
}

// await waits until the MicroVM has ended.
func (t *target) await(ctx context.Context, opened *session.Session) error {
	t.tell("It ends with this command: press Ctrl-C.")
	ended, err := opened.Wait(ctx)
	if err != nil {
		return sessionError(ctx, t.s, err)
	}
	t.tell("%s has ended: %s", opened.ID(), logs.Clean(aws.ToString(ended.StateReason)))
	return nil
}
