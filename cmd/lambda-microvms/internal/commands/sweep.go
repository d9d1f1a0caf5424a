package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	minAgeOption = "min-age"
	rateOption   = "rate"
	yesOption    = "yes"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Summary: "Terminates the MicroVMs of an image, or those above an age",
		Words:   []string{"[IMAGE]"},
		Options: []argparse.Option{
			{Name: minAgeOption, Doc: "Terminate only MicroVMs that were started at least this long ago, such as 90m or 12h."},
			{Name: imageVersionOption, Doc: "Terminate only MicroVMs of this version, such as 3.0. IMAGE must be given."},
			{Name: dryRunOption, Arity: argparse.Flag, Doc: "Print what would be terminated, and terminate nothing."},
			{Name: yesOption, Short: "y", Arity: argparse.Flag, Doc: "Do not ask. Required where there is no terminal to ask at."},
			{Name: rateOption, Kind: "float", Doc: "Terminations per second. The default is 8: the service allows 10 in an account."},
		},
		Unpaged: true,
		Page: cli.Page{
			Description: `Terminates MicroVMs that nobody needs any more. IMAGE or --min-age must be given. If both are given, only MicroVMs that match both are terminated.

A termination cannot be undone. A sweep by age alone terminates the MicroVMs of every program in the account and region: MicroVMs have no tags to tell them apart. On a terminal the command lists them and asks first.

MicroVMs whose state or age is unknown are left alone, reported on standard error, and make the exit code 255.

` + imageWord,
			Output: "The ids of the MicroVMs that were terminated, or would be with --dry-run, one in each line.",
			Examples: `What is older than a day:

  lambda-microvms sweep --min-age 24h --dry-run

Terminate all MicroVMs of an image, in a script:

  lambda-microvms sweep web --yes`,
		},
		Run: runSweep,
	}
}

var errDeclined = errors.New("declined")

func runSweep(ctx context.Context, s *cli.Session) error {
	options, err := sweepOptions(s)
	if err != nil {
		return err
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	if len(s.Words) > 0 {
		if options.ImageIdentifier, err = imageOfWord(ctx, s, client, s.Words[0]); err != nil {
			return err
		}
	}
	options.Confirm = func(orphans []types.MicroVMItem) error { return confirmSweep(ctx, s, orphans) }
	var printing error
	options.Progress = func(p session.SweepProgress) {
		if p.Err == nil && printing == nil {
			_, printing = fmt.Fprintln(s.Stdout, output.Line(aws.ToString(p.MicroVM.MicroVMId)))
		}
	}
	result, err := session.Sweep(ctx, client, func(o *session.SweepOptions) { *o = options })
	if err := cli.OutputError(printing); err != nil {
		return err
	}
	return sweepError(ctx, s, result, err)
}

// sweepOptions returns the options of the sweep from those of the command line.
func sweepOptions(s *cli.Session) (o session.SweepOptions, err error) {
	o.DryRun = s.Args.Has(dryRunOption)
	if o.ImageVersion, err = versionArgument(s, imageVersionOption); err != nil {
		return o, err
	}
	if text := s.Args.Value(minAgeOption); s.Args.Has(minAgeOption) {
		if o.MinAge, err = time.ParseDuration(text); err != nil || o.MinAge <= 0 {
			return o, fault.Parameter(minAgeOption, "%s is not a positive duration, such as 90m or 12h", value.Quote(text))
		}
	}
	if text := s.Args.Value(rateOption); s.Args.Has(rateOption) {
		const slowest, fastest = 0.001, 1000
		if o.Rate, err = strconv.ParseFloat(text, 64); err != nil || !(o.Rate >= slowest && o.Rate <= fastest) {
			return o, fault.Parameter(rateOption, "%s is not a number from %v to %d", value.Quote(text), slowest, fastest)
		}
	}
	switch {
	case s.Args.Has(imageVersionOption) && len(s.Words) == 0:
		return o, fault.Parameter(imageVersionOption, "IMAGE is not given")
	case o.MinAge == 0 && len(s.Words) == 0:
		return o, fault.Usage("IMAGE or --%s must be given: without both, the sweep would terminate all MicroVMs of the account", minAgeOption)
	case !o.DryRun && !s.Args.Has(yesOption) && !s.CanAsk():
		return o, fault.Usage("There is no terminal to ask at: --%s or --%s must be given", yesOption, dryRunOption)
	}
	return o, nil
}

func confirmSweep(ctx context.Context, s *cli.Session, orphans []types.MicroVMItem) error {
	if s.Args.Has(yesOption) {
		return nil
	}
	if err := writeMicroVMs(s.Stderr, orphans, time.Now()); err != nil {
		return err
	}
	question := "Terminate this MicroVM?"
	if len(orphans) > 1 {
		question = fmt.Sprintf("Terminate these %d MicroVMs?", len(orphans))
	}
	yes, err := s.Confirm(ctx, question)
	if err == nil && !yes {
		err = errDeclined
	}
	return err
}

// sweepError says what is left running.
func sweepError(ctx context.Context, s *cli.Session, result *session.SweepResult, err error) error {
	for _, skipped := range result.Skipped {
		fmt.Fprintf(s.Stderr, "Skipped %s: %s\n", aws.ToString(skipped.MicroVM.MicroVMId), skipped.Reason)
	}
	for _, failed := range result.Failed {
		fmt.Fprintf(s.Stderr, "%s may still be running: %v\n", failed.MicroVMID, failed.Err)
	}
	var incomplete *session.SweepError
	switch {
	case errors.Is(err, errDeclined):
		fmt.Fprintln(s.Stderr, "Nothing was terminated.")
		return nil
	case !errors.As(err, &incomplete):
		return s.CallError(ctx, err)
	case ctx.Err() != nil:
		fmt.Fprintf(s.Stderr, "\n%d MicroVMs are terminated, %d are still running.\n", len(result.Terminated), incomplete.Left)
		return s.CallError(ctx, err)
	case incomplete.Err != nil && len(result.Failed) == 0:
		return s.CallError(ctx, incomplete.Err)
	}
	return &fault.Error{Exit: fault.ExitGeneral, Message: withoutPackage(err), Err: err}
}
