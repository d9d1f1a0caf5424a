package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/images"
)

// workflowError returns the error of a workflow with its exit code. If the service
// refused a request, the error is that of the operation.
func workflowError(ctx context.Context, s *cli.Session, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return known
	}
	if failed := uploadError(ctx, s, err); failed != nil {
		return failed
	}
	var unpackable *images.ArtifactError
	var failed *images.BuildFailedError
	var invalid smithy.InvalidParamsError
	var version *images.VersionError
	var step *images.Error
	var service smithy.APIError
	switch {
	case errors.As(err, &unpackable):
		return &fault.Error{Exit: fault.ExitGeneral, Message: "Error parsing argument SOURCE: " + plain(unpackable), Err: err}
	case errors.As(err, &failed):
		return &fault.Error{Exit: fault.ExitGeneral, Message: buildFailure(s, failed), Err: err}
	case errors.As(err, &invalid):
		return fault.Usage("%s", plain(err))
	case errors.As(err, &version):
		return &fault.Error{Exit: fault.ExitGeneral, Message: versionErrorPrefix(s, version) + plain(err), Err: err}
	case errors.As(err, &step) && errors.As(err, &service):
		return s.CallError(ctx, err)
	case errors.As(err, &step):
		return s.WorkflowError(ctx, err, plain(err))
	}
	return &fault.Error{Exit: fault.ExitGeneral, Message: plain(err), Err: err}
}

// versionErrorPrefix names the option that the version was given by.
func versionErrorPrefix(s *cli.Session, e *images.VersionError) string {
	for _, name := range []string{fromOption, toOption} {
		if e.Version != "" && s.Args.Value(name) == e.Version {
			return "--" + name + ": "
		}
	}
	return ""
}

// buildFailure says why a build failed, and which command says more.
func buildFailure(s *cli.Session, e *images.BuildFailedError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The build of version %s of %s is %s", e.Version, e.Image, e.State)
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	for _, build := range e.Builds {
		fmt.Fprintf(&b, "\n  %s generation %s: %s", build.Chipset, build.Generation, build.State)
		if build.Reason != "" {
			b.WriteString(": " + build.Reason)
		}
	}
	if e.BuildsErr != nil {
		fmt.Fprintf(&b, "\nIts builds could not be read: %v", e.BuildsErr)
	}
	if e.Serving != "" {
		fmt.Fprintf(&b, "\nVersion %s remains active.", e.Serving)
	}
	writeLog(&b, e)
	if arn, err := images.ParseARN(e.Image); err == nil && e.LogGroup != "" {
		fmt.Fprintf(&b, "\nRead its output with:\n  %s", commandLine(s, "logs", arn.Name, "--"+imageVersionOption, e.Version))
	}
	return b.String()
}

// failure is an event of the type error.
type failure struct {
	Message  string         `json:"message"`
	Code     string         `json:"code,omitempty"`
	ExitCode int            `json:"exitCode"`
	Image    string         `json:"image,omitempty"`
	Version  string         `json:"version,omitempty"`
	Builds   []buildOutcome `json:"builds,omitempty"`
	LogGroup string         `json:"logGroup,omitempty"`
	Log      []logLine      `json:"log,omitempty"`
	LogError string         `json:"logError,omitempty"`
}

type logLine struct {
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"`
	Text   string    `json:"text"`
}

type buildOutcome struct {
	ID         string `json:"id"`
	Chipset    string `json:"chipset"`
	Generation string `json:"generation"`
	State      string `json:"state"`
	Reason     string `json:"reason,omitempty"`
}

func errorEvent(e *fault.Error) failure {
	event := failure{Message: e.Error(), Code: e.Code, ExitCode: e.Exit}
	var failed *images.BuildFailedError
	if errors.As(e, &failed) {
		event.Code, event.Image, event.Version, event.LogGroup = "BuildFailed", failed.Image, failed.Version, failed.LogGroup
		for _, b := range failed.Builds {
			event.Builds = append(event.Builds, buildOutcome(b))
		}
		for _, line := range failed.Lines {
			event.Log = append(event.Log, logLine(line))
		}
		if failed.LinesErr != nil {
			event.LogError = failed.LinesErr.Error()
		}
	}
	return event
}

// doneError is an error of a workflow with the details of what it did before.
type doneError struct {
	error
	done []fault.Detail
}

func (e *doneError) Unwrap() error { return e.error }

func withDone(err error, done []fault.Detail) error {
	if err == nil || len(done) == 0 {
		return err
	}
	return &doneError{err, done}
}
