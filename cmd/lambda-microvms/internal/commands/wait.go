package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/progress"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/logs"
)

// waitCommand has a subcommand for each waiter of the service.
func waitCommand() *cli.Command {
	c := &cli.Command{
		Summary: "Waits until an image, a version or a MicroVM is in a state",
		Page: cli.Page{
			Description: "Waits until an image, a version or a MicroVM is in a state. Each subcommand polls one operation and has its options.",
			Output:      waitOutput,
		},
		Subcommand: func(name string) *cli.Command { return waiterCommand(api.FindWaiter(name)) },
	}
	for i := range api.Waiters {
		c.Subcommands = append(c.Subcommands, api.Waiters[i].Command)
	}
	return c
}

const maxWaitOption = "max-wait"

const waitOutput = "None, except for the progress on standard error if that is a terminal. The exit code is 0 if the state was reached, and 255 if it cannot be reached any more or the wait has taken too long."

// waitPolls times the longest delay between two polls is the default of --max-wait.
const waitPolls = 120

func waiterCommand(w *api.Waiter) *cli.Command {
	limit := waitPolls * w.MaxDelay
	return &cli.Command{
		Summary:   strings.TrimSuffix(w.Doc, "."),
		Operation: w.Polls(),
		Options: []argparse.Option{
			{Name: maxWaitOption, Kind: "float", Doc: fmt.Sprintf("How long to wait, in seconds. The default is %.0f.", limit.Seconds())},
			pollInterval(fmt.Sprintf("The default is %v, growing to %v.", w.MinDelay.Seconds(), w.MaxDelay.Seconds())),
		},
		Page: cli.Page{
			Description: fmt.Sprintf("%s It polls %s: success is %s%s.", w.Doc, w.Polls().Command, strings.Join(w.Success, " or "), failures(w)),
			Output:      waitOutput,
		},
		Run: func(ctx context.Context, s *cli.Session) error { return runWait(ctx, s, w, limit) },
	}
}

func failures(w *api.Waiter) string {
	if len(w.Failure) == 0 {
		return ""
	}
	return ", failure is " + strings.Join(w.Failure, " or ")
}

func runWait(ctx context.Context, s *cli.Session, w *api.Waiter, limit time.Duration) error {
	options := api.WaitOptions{MaxWait: limit}
	var err error
	if s.Args.Has(maxWaitOption) {
		if options.MaxWait, err = seconds(s.Args, maxWaitOption); err != nil {
			return err
		}
	}
	if options.MinDelay, options.MaxDelay, err = delays(s.Args, w.MaxDelay); err != nil {
		return err
	}
	op := w.Polls()
	input, err := s.Input(op)
	if err == nil {
		err = params.Validate(op.Input, input)
	}
	if err != nil {
		return err
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	show := progress.Reporter(nil)
	if s.CanMove() {
		show = progress.New(s.Stderr, true)
		options.OnPoll = func(poll lambdamicrovms.WaiterAttempt) {
			show.Step(images.Event{
				Step: images.Step("wait " + w.Command), State: logs.Clean(poll.State), Elapsed: poll.Elapsed, Delay: poll.Delay, Err: pollError(w, poll.Err),
			})
		}
	}
	err = w.Wait(ctx, client, value.Compact(input), options)
	if show != nil {
		show.Close()
	}
	if err != nil {
		return waitError(ctx, s, w, op, err)
	}
	return nil
}

// pollError is the error of a poll, unless it is what the waiter waits for.
func pollError(w *api.Waiter, err error) error {
	var service smithy.APIError
	if errors.As(err, &service) && slices.Contains(w.Success, service.ErrorCode()) {
		return nil
	}
	return err
}

// waitError has the texts of the AWS CLI.
func waitError(ctx context.Context, s *cli.Session, w *api.Waiter, op *api.Operation, err error) error {
	var failed *lambdamicrovms.WaiterFailureError
	var late *lambdamicrovms.WaiterTimeoutError
	var service smithy.APIError
	switch {
	case ctx.Err() != nil:
		return s.CallError(ctx, err)
	case errors.As(err, &failed) && failed.State != "":
		e := waitFault(w, "Waiter encountered a terminal failure state: For expression %q we matched expected path: %q", w.State, failed.State)
		if failed.Reason != "" {
			e.Details = append(e.Details, fault.Detail{Name: "stateReason", Value: failed.Reason})
		}
		return e
	case errors.As(err, &failed) && errors.As(failed.Err, &service):
		return waitFault(w, "Waiter encountered a terminal failure state: Matched expected service error code: %s", service.ErrorCode())
	case errors.As(err, &late):
		e := waitFault(w, "Max attempts exceeded")
		if late.LastState != "" {
			e.Details = append(e.Details, fault.Detail{Name: w.State, Value: late.LastState})
		}
		return e
	case errors.As(err, &service):
		return waitFault(w, "An error occurred (%s): %s", service.ErrorCode(), service.ErrorMessage())
	}
	return s.OperationError(ctx, op, err)
}

func waitFault(w *api.Waiter, format string, args ...any) *fault.Error {
	return fault.General("Waiter %s failed: %s", w.Name, fmt.Sprintf(format, args...))
}
