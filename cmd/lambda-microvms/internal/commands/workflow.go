package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/configuration"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/events"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/progress"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
)

// Names of the options of the commands that run a workflow of package images.
const (
	imageOption  = "image-identifier"
	dryRunOption = "dry-run"
	jsonOption   = "json"
	busyTimeout  = "busy-timeout"
	buildTimeout = "build-timeout"
)

var (
	imageArgument = argparse.Option{Name: imageOption, Required: true, Doc: "ARN or name of the image. A name costs one more call."}
	jsonFlag      = argparse.Option{Name: jsonOption, Arity: argparse.Flag, Doc: "Write events for machines on standard output, one JSON object a line, in place of progress and result. See OUTPUT."}
	dryRunFlag    = argparse.Option{Name: dryRunOption, Arity: argparse.Flag, Doc: "Change nothing, and print what would be changed. Values of environment variables are shown as [REDACTED]."}
)

// workflowOptions are the options of all these commands.
func workflowOptions(builds bool) []argparse.Option {
	list := []argparse.Option{
		{Name: busyTimeout, Kind: "float", Doc: "How long to wait while the image is busy or a quota is used up, in seconds. The default is 2700."},
	}
	if builds {
		list = append(list, logLines(), argparse.Option{Name: buildTimeout, Kind: "float", Doc: "How long to wait for the build, in seconds. The default is 1800."})
	}
	return append(list, pollInterval("The default is 2, growing to 15."))
}

// eventsOutput describes --json.
const eventsOutput = `With --json, each line of standard output is an object with a type and a time:
- step: a step, or a poll while it waits, with step, image, version, state, elapsedSeconds, delaySeconds (before the next poll) and error.
- upload: bytes and totalBytes of the archive.
- diff: what --dry-run would change, in changes.
- result: the members of the output below.
- error: message and exitCode; for a failed build also version, builds (chipset, generation, state, reason), logGroup, log, its last lines (time, stream and text), and logError if they could not be read.
- interrupted: running, what goes on in AWS, and the commands to see it and to end it.
No event has the value of an environment variable.`

// run is one run of a workflow, with what it tells the user.
type run struct {
	s        *cli.Session
	reporter progress.Reporter
	events   *events.Writer // nil without --json

	mu      sync.Mutex
	image   string
	version string // that is being built
	sent    bool   // the request to start a build may have been made
	// deleting is a version whose deletion may have been requested, status one whose status
	// may have been changed.
	deleting, status string
}

// begin reads the options that all workflows have, and starts the report. The caller must
// call finish.
func begin(s *cli.Session, o *images.Options) (*run, error) {
	r := &run{s: s}
	if err := r.options(o); err != nil {
		return nil, err
	}
	o.Progress = r.step
	if s.Args.Has(jsonOption) {
		r.events = events.New(s.Stdout)
		r.reporter = r.events
		return r, nil
	}
	// The lines of --debug would tear a moving line.
	r.reporter = progress.New(s.Stderr, cli.IsTerminal(s.Stderr) && !s.Globals.Debug)
	return r, nil
}

func (r *run) step(e images.Event) {
	r.mu.Lock()
	r.image = e.Image
	switch e.Step {
	case images.StepCreate, images.StepUpdate:
		r.sent = true
	case images.StepWaitForBuild:
		r.version = e.Version
	case images.StepDelete, images.StepWaitForRemoval:
		r.deleting = e.Version
	case images.StepActivate, images.StepDeactivate:
		r.deleting, r.status = "", e.Version
	}
	r.mu.Unlock()
	r.reporter.Step(e)
}

func (r *run) options(o *images.Options) error {
	var err error
	for _, timeout := range []struct {
		name string
		to   *time.Duration
	}{{busyTimeout, &o.BusyTimeout}, {buildTimeout, &o.BuildTimeout}} {
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
func (r *run) finish(ctx context.Context, err error) error {
	if err == nil {
		r.reporter.Close()
		return r.written(nil)
	}
	interrupted := cli.Interrupted(ctx)
	if interrupted {
		r.reporter.Close()
		r.interrupted(err)
	} else {
		var partial *doneError
		isPartial := errors.As(err, &partial)
		err = workflowError(ctx, r.s, err)
		if isPartial {
			e := *fault.Of(err)
			e.Details = append(partial.done, e.Details...)
			err = &e
		}
		r.reporter.Close()
		if r.events != nil {
			r.events.Write("error", errorEvent(err))
		}
	}
	if !interrupted {
		return err
	}
	// With --json, the newline that otherwise ends the line of a terminal is no object.
	return r.written(&fault.Error{Exit: fault.ExitInterrupted, Silent: r.events != nil})
}

// written returns err, or the error of writing events.
func (r *run) written(err error) error {
	if r.events != nil && err == nil {
		return cli.OutputError(r.events.Err())
	}
	return err
}

// leftover is what goes on in AWS after an interruption.
type leftover struct {
	what string
	// see lists or waits for it, end ends or undoes it. Either may be empty.
	see, end string
}

// leftover returns what the workflow has left behind.
func (r *run) leftover(err error) leftover {
	r.mu.Lock()
	defer r.mu.Unlock()
	var unknown *images.UnknownOutcomeError
	of := func(command, version string) string {
		return fmt.Sprintf("%s %s --image-identifier %s --image-version %s", cli.Program, command, r.image, version)
	}
	if parts, end := remains(err); parts != "" {
		return leftover{what: parts, end: end}
	}
	switch {
	case r.version != "":
		return leftover{
			what: fmt.Sprintf("the build of version %s of %s goes on in AWS and cannot be cancelled", r.version, r.image),
			see:  of("wait microvm-image-version-successful", r.version),
			end:  of("delete-microvm-image-version", r.version),
		}
	case errors.As(err, &unknown) || r.sent:
		what := fmt.Sprintf("a build of %s may have been started", r.image)
		if strings.HasPrefix(r.image, "arn:") {
			return leftover{what: what, see: fmt.Sprintf("%s list-microvm-image-versions --image-identifier %s", cli.Program, r.image)}
		}
		return leftover{what: what, see: fmt.Sprintf("%s list-microvm-images --name-filter %s", cli.Program, r.image)}
	case r.deleting != "":
		return leftover{
			what: fmt.Sprintf("version %s of %s is being deleted in AWS, which cannot be cancelled", r.deleting, r.image),
			see:  of("wait microvm-image-version-deleted", r.deleting),
		}
	case r.status != "":
		return leftover{
			what: fmt.Sprintf("version %s of %s may have another status than before", r.status, r.image),
			see:  fmt.Sprintf("%s list-microvm-image-versions --image-identifier %s", cli.Program, r.image),
			end:  of("update-microvm-image-version --status ACTIVE", r.status),
		}
	}
	return leftover{}
}

// interrupted says what goes on in AWS, and how to end it.
func (r *run) interrupted(err error) {
	left := r.leftover(err)
	if r.events != nil {
		r.events.Write("interrupted", struct {
			Running string `json:"running,omitempty"`
			See     string `json:"see,omitempty"`
			End     string `json:"end,omitempty"`
		}{left.what, left.see, left.end})
		return
	}
	if left.what == "" {
		fmt.Fprintln(r.s.Stderr, "Interrupted: nothing goes on in AWS.")
		return
	}
	text := "Interrupted: " + left.what + ".\n"
	if left.see != "" {
		text += "To see it:\n  " + left.see + "\n"
	}
	if left.end != "" {
		text += "To end or undo it:\n  " + left.end + "\n"
	}
	_, _ = io.WriteString(r.s.Stderr, text)
}

// result prints the output of a workflow.
func (r *run) result(title string, document *value.Map) error {
	if r.events != nil {
		r.events.Write("result", rawJSON(value.Compact(document)))
		return r.written(nil)
	}
	return r.s.Print(title, document)
}

// diff prints changes: as lines, unless --output or --query ask for a document.
func (r *run) diff(title string, document *value.Map, changes images.Changes) error {
	switch {
	case r.events != nil:
		r.events.Write("diff", rawJSON(value.Compact(document)))
		return r.written(nil)
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

// settings is the shape of an image's configuration: what an update replaces.
func settings() *api.Shape {
	return without(api.Find("update-microvm-image").Input, "imageIdentifier", "clientToken")
}

func without(shape *api.Shape, names ...string) *api.Shape {
	part := *shape
	part.Members = nil
	for _, m := range shape.Members {
		if !slices.Contains(names, m.Name) {
			part.Members = append(part.Members, m)
		}
	}
	return &part
}

// wirePaths returns the changes with the paths that --set understands.
func wirePaths(changes images.Changes) images.Changes {
	shape := settings()
	list := make(images.Changes, len(changes))
	for i, c := range changes {
		c.Path = configuration.WirePath(shape, c.Path)
		list[i] = c
	}
	return list
}

func changesText(changes images.Changes) string { return wirePaths(changes).String() + "\n" }

// changesDocument returns the changes as a document without secrets.
func changesDocument(changes images.Changes) []any {
	list := make([]any, 0, len(changes))
	for _, c := range wirePaths(changes) {
		m := value.NewMap(value.Member{Name: "path", Value: c.Path}, value.Member{Name: "kind", Value: string(c.Kind)})
		for _, side := range []struct{ name, text string }{{"old", c.Old}, {"new", c.New}} {
			if side.text != "" {
				m.Set(side.name, changeValue(c, side.text))
			}
		}
		list = append(list, m)
	}
	return list
}

func changeValue(c images.Change, text string) any {
	if c.Secret {
		return "[REDACTED]"
	}
	v, err := value.ReadJSON(text)
	if err != nil {
		return text
	}
	return v
}

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

// imageARN returns the ARN of the image that --image-identifier names by ARN or name.
func imageARN(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) (string, error) {
	identifier := s.Args.Value(imageOption)
	if strings.HasPrefix(identifier, "arn:") {
		if _, err := images.ParseARN(identifier); err != nil {
			return "", fault.Parameter(imageOption, "%s", plain(err))
		}
		return identifier, nil
	}
	found, err := images.Find(ctx, client, identifier)
	var missing *images.NotFoundError
	var invalid *images.Error
	switch {
	case errors.As(err, &invalid) && invalid.Step == images.StepCheck:
		return "", fault.Parameter(imageOption, "%s", invalid.Err)
	case errors.As(err, &missing):
		return "", fault.General("--%s: there is no image named %s in this account and region", imageOption, value.Quote(identifier))
	case err != nil:
		return "", workflowError(ctx, s, err)
	}
	return *found.ImageArn, nil
}

// plain is an error's text without the name of the package.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "images: ") }

// workflowError returns the error of a workflow with its exit code. A response of the
// service that ended it is reported as for an operation.
func workflowError(ctx context.Context, s *cli.Session, err error) error {
	var known *fault.Error
	var unpackable *images.ArtifactError
	var failed *images.BuildFailedError
	var invalid smithy.InvalidParamsError
	var version *images.VersionError
	var step *images.Error
	var service smithy.APIError
	switch {
	case errors.As(err, &known):
		return known
	case uploadError(ctx, s, err) != nil:
		return uploadError(ctx, s, err)
	case errors.As(err, &unpackable):
		return &fault.Error{Exit: fault.ExitGeneral, Message: "source: " + plain(unpackable), Err: err}
	case errors.As(err, &failed):
		return &fault.Error{Exit: fault.ExitGeneral, Message: buildFailure(failed), Err: err}
	case errors.As(err, &invalid):
		return fault.Usage("%s", plain(err))
	case errors.As(err, &version):
		return &fault.Error{Exit: fault.ExitGeneral, Message: versionOption(s, version) + plain(err), Err: err}
	case errors.As(err, &step) && errors.As(err, &service):
		return s.CallError(ctx, err)
	case errors.As(err, &step):
		return s.WorkflowError(ctx, err, plain(err))
	}
	return &fault.Error{Exit: fault.ExitGeneral, Message: plain(err), Err: err}
}

// versionOption names the option that a version was given by.
func versionOption(s *cli.Session, e *images.VersionError) string {
	for _, name := range []string{fromOption, toOption} {
		if e.Version != "" && s.Args.Value(name) == e.Version {
			return "--" + name + ": "
		}
	}
	return ""
}

// buildFailure says why a build failed, and where to read more.
func buildFailure(e *images.BuildFailedError) string {
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

func errorEvent(err error) failure {
	e := fault.Of(err)
	event := failure{Message: e.Error(), Code: e.Code, ExitCode: e.Exit}
	var failed *images.BuildFailedError
	if errors.As(err, &failed) {
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

// doneError is an error of a workflow with what it had done before.
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
