package commands

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/events"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/progress"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
)

// Names of the options of the commands that run a workflow of package images.
const (
	imageOption        = "image-identifier"
	dryRunOption       = "dry-run"
	jsonOption         = "json"
	busyTimeoutOption  = "busy-timeout"
	buildTimeoutOption = "build-timeout"
)

var (
	imageArgument = argparse.Option{Name: imageOption, Required: true, Doc: "ARN or name of the image. A name costs one more call."}
	jsonFlag      = argparse.Option{Name: jsonOption, Arity: argparse.Flag, Doc: "Write events for machines on standard output, one JSON object a line, instead of progress and the result. See OUTPUT."}
	dryRunFlag    = argparse.Option{Name: dryRunOption, Arity: argparse.Flag, Doc: "Change nothing, and print what would be changed. Values of environment variables are shown as [REDACTED]."}
)

// workflowOptions are the options of all these commands.
func workflowOptions(builds bool) []argparse.Option {
	list := []argparse.Option{
		{Name: busyTimeoutOption, Kind: "float", Doc: "How long to wait while the image is busy or a quota is used up, in seconds. The default is 2700."},
	}
	if builds {
		list = append(list, logLines(), argparse.Option{Name: buildTimeoutOption, Kind: "float", Doc: "How long to wait for the build, in seconds. The default is 1800."})
	}
	return append(list, pollInterval("The default is 2, growing to 15."))
}

// Lines for events that only some workflows write.
const (
	uploadHelp     = "- upload: bytes and totalBytes of the archive."
	diffHelp       = "- diff: the members listed above, for --dry-run."
	errorHelp      = "- error: message and exitCode."
	buildErrorHelp = "- error: message and exitCode; for a failed build also version, builds (chipset, generation, state, reason), logGroup, log, " +
		"its last lines (time, stream and text), and logError if they could not be read."
)

// eventsOutput describes --json.
func eventsOutput(some ...string) string {
	lines := slices.Concat([]string{
		"With --json, each line of standard output is an object with a type and a time:",
		"- step: a step, or a poll while it waits, with step, image, version, state, elapsedSeconds, delaySeconds (before the next poll) and error.",
	}, some, []string{
		"- result: the members listed above.",
		"- interrupted: running, what is still running in AWS; see and end, the commands to see it and to end it; condition, if end works only then. " +
			"A word in capitals in end stands for what see shows.",
		"No event has the value of an environment variable.",
	})
	return strings.Join(lines, "\n")
}

// workflow is one run of a workflow, with what it tells the user.
type workflow struct {
	s        *cli.Session
	reporter progress.Reporter
	events   *events.Writer // nil without --json
	release  func()         // of what is called if a signal ends the program

	told    sync.Once // what is still running in AWS
	mu      sync.Mutex
	image   string
	version string // that is being built
	sent    bool   // the request to start a build may have been made
	// multipart is the upload of the archive in parts, while there is one, or if it could
	// not be aborted.
	multipart multipart
	// deleting is a version whose deletion may have been requested, status one whose
	// status may have been changed.
	deleting, status string
}

// begin reads the options that all workflows have, and starts the report. The caller must
// call finish.
func begin(s *cli.Session, o *images.Options) (*workflow, error) {
	r := &workflow{s: s}
	if err := r.options(o); err != nil {
		return nil, err
	}
	o.Progress = r.step
	r.release = s.OnKill(r.killed)
	if s.Args.Has(jsonOption) {
		r.events = events.New(s.Stdout)
		r.reporter = r.events
		return r, nil
	}
	r.reporter = progress.New(s.Stderr, s.CanMove())
	return r, nil
}

func (r *workflow) step(e images.Event) {
	r.mu.Lock()
	r.image = e.Image
	switch e.Step {
	case images.StepCreate, images.StepUpdate:
		r.sent = true
	case images.StepWaitForBuild:
		r.version = e.Version
	case images.StepTag: // the build has ended
		r.version, r.sent = "", false
	case images.StepDelete, images.StepWaitForRemoval:
		r.deleting = e.Version
	case images.StepActivate, images.StepDeactivate:
		r.deleting, r.status = "", e.Version
	}
	r.mu.Unlock()
	r.reporter.Step(e)
}

func (r *workflow) setMultipart(m multipart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.multipart = m
}

// options reads the options that all workflows have.
func (r *workflow) options(o *images.Options) error {
	var err error
	for _, timeout := range []struct {
		name string
		to   *time.Duration
	}{{busyTimeoutOption, &o.BusyTimeout}, {buildTimeoutOption, &o.BuildTimeout}} {
		if !r.s.Args.Has(timeout.name) {
			continue
		}
		if *timeout.to, err = seconds(r.s.Args, timeout.name); err != nil {
			return err
		}
	}
	if err := readLogLines(r.s, o); err != nil {
		return err
	}
	o.MinDelay, o.MaxDelay, err = delays(r.s.Args, 15*time.Second)
	return err
}

// finish ends the report and returns the error to exit with. err is that of the workflow.
func (r *workflow) finish(ctx context.Context, err error) error {
	r.reporter.Close()
	defer r.release()
	switch {
	case err == nil:
		return r.written()
	case cli.Interrupted(ctx):
		r.interrupted(err)
		// With --json, the newline that otherwise ends the line of a terminal is no
		// object.
		return &fault.Error{Exit: fault.ExitInterrupted, Silent: r.events != nil}
	}
	e := *fault.Of(workflowError(ctx, r.s, err))
	var partial *doneError
	if errors.As(err, &partial) {
		e.Details = append(partial.done, e.Details...)
	}
	if r.events != nil {
		r.events.Write("error", errorEvent(&e))
	}
	return &e
}

// written returns the error of writing events.
func (r *workflow) written() error {
	if r.events == nil {
		return nil
	}
	return cli.OutputError(r.events.Err())
}

// result prints the output of a workflow.
func (r *workflow) result(title string, document *value.Map) error {
	if r.events != nil {
		r.events.Write("result", rawJSON(value.Compact(document)))
		return r.written()
	}
	return r.s.Print(title, document)
}

// diff prints changes: as lines, unless --output or --query ask for a document.
func (r *workflow) diff(title string, document *value.Map, changes images.Changes) error {
	switch {
	case r.events != nil:
		r.events.Write("diff", rawJSON(value.Compact(document)))
		return r.written()
	case r.s.Globals.Output != "" || r.s.Globals.Query != nil:
		return r.s.Print(title, document)
	}
	_, err := io.WriteString(r.s.Stdout, changesText(changes))
	return cli.OutputError(err)
}

// rawJSON is a JSON text.
type rawJSON []byte

// MarshalJSON returns the text.
func (j rawJSON) MarshalJSON() ([]byte, error) { return j, nil }

// set adds a member that has a value.
func set(document *value.Map, name, text string) {
	if text != "" {
		document.Set(name, text)
	}
}

func texts(list []string) []any {
	values := make([]any, len(list))
	for i, text := range list {
		values[i] = text
	}
	return values
}

// versionArgument returns the version that an option names, or "" if it is not given. An
// empty value is an error: in a script it is a variable that is not set.
func versionArgument(s *cli.Session, name string) (string, error) {
	version := s.Args.Value(name)
	if s.Args.Has(name) && !isVersion(version) {
		return "", fault.Parameter(name, "%s is not a version, such as 2.0", value.Quote(version))
	}
	return version, nil
}

// isVersion reports whether a text is the number of a version, with or without ".0".
func isVersion(text string) bool {
	_, err := strconv.ParseUint(strings.TrimSuffix(text, ".0"), 10, 32)
	return err == nil
}

// imageARN returns the ARN of the image that --image-identifier names by ARN or name.
func imageARN(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) (string, error) {
	identifier := s.Args.Value(imageOption)
	if strings.HasPrefix(identifier, "arn:") {
		if _, err := images.ParseARN(identifier); err != nil {
			return "", fault.Parameter(imageOption, "%s", plain(err))
		}
		return identifier, nil
	}
	return findImage(ctx, s, client, identifier, "--"+imageOption+": there", func(cause error) error {
		return fault.Parameter(imageOption, "%s", cause)
	})
}

// findImage returns the ARN of the image with a name. invalid makes the error for a text
// that cannot be a name. there begins the message that there is no such image.
func findImage(
	ctx context.Context, s *cli.Session, client *lambdamicrovms.Client, name, there string, invalid func(cause error) error,
) (string, error) {
	found, err := images.Find(ctx, client, name)
	var missing *images.NotFoundError
	var failed *images.Error
	switch {
	case errors.As(err, &failed) && failed.Step == images.StepCheck:
		return "", invalid(failed.Err)
	case errors.As(err, &missing):
		return "", fault.General("%s is no image named %s in this account and region", there, value.Quote(name))
	case err != nil:
		return "", workflowError(ctx, s, err)
	}
	return *found.ImageArn, nil
}

// plain is an error's text without the name of the package.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "images: ") }
