package images

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clock"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/logs"
)

// Options are shared by the workflows of this package. A zero field means its default. If
// a field is negative, or MinDelay is above MaxDelay, the workflow does nothing and
// returns an *Error that wraps a smithy.InvalidParamsError.
type Options struct {
	// BusyTimeout limits the total time that one workflow waits for a busy image and for
	// the account's quota of builds. The default is 45 minutes.
	BusyTimeout time.Duration

	// BuildTimeout limits the wait for the build of a version. The default is 30 minutes.
	// Most builds take two or three minutes, large ones six.
	BuildTimeout time.Duration

	// MinDelay and MaxDelay limit the time between two polls. The defaults are those of
	// the waiters, 2 and 15 seconds. If only one is set, it also limits the default of
	// the other.
	MinDelay, MaxDelay time.Duration

	// Clock is the time source of all waits. The default is the system clock; with a
	// client of package fake it is the clock of the fake server.
	Clock lambdamicrovms.Clock

	// Logger receives a record of each step at its end, with the duration of the step and
	// the context of its span. Steps have level Info, reads and polls Debug, failures Warn.
	// The events of Progress are logged, too, with level Debug. Records have no secrets. By
	// default nothing is logged. Spans go to the client's TracerProvider.
	Logger *slog.Logger

	// LogReader reads the output of a failed build for BuildFailedError.Lines. By default
	// it is not read. Module cwlogs has a reader of CloudWatch Logs.
	LogReader logs.Reader

	// LogLines is the number of lines to read. The default is 20.
	LogLines int

	// Progress is called at each step and poll, by the goroutine that called the
	// workflow. Deploy reads the directory in the background, so these two steps may go on
	// after the event of the next step: StepHash until the image and its versions have
	// been read, and StepZip until StepUpload if it began during StepWaitForImage.
	Progress func(Event)
}

// check finds negative values and contradictory delays. name is the name of the options'
// type, for errors. Call check before resolve, which replaces negative values.
func (o *Options) check(name string) *workflow.OptionCheck {
	c := workflow.CheckOptions(name)
	workflow.AtLeast(c, "BusyTimeout", o.BusyTimeout, 0)
	workflow.AtLeast(c, "BuildTimeout", o.BuildTimeout, 0)
	workflow.AtLeast(c, "MinDelay", o.MinDelay, 0)
	workflow.AtLeast(c, "MaxDelay", o.MaxDelay, 0)
	workflow.AtLeast(c, "LogLines", o.LogLines, 0)
	if o.MaxDelay > 0 && o.MinDelay > o.MaxDelay {
		c.Refuse("MinDelay", fmt.Sprintf("at most MaxDelay, %v", o.MaxDelay), o.MinDelay)
	}
	return c
}

func (o *Options) resolve(api any) {
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 45 * time.Minute
	}
	if o.BuildTimeout <= 0 {
		o.BuildTimeout = 30 * time.Minute
	}
	const minDelay, maxDelay = 2 * time.Second, 15 * time.Second
	if o.MinDelay <= 0 {
		o.MinDelay = minDelay
		if o.MaxDelay > 0 {
			o.MinDelay = min(minDelay, o.MaxDelay)
		}
	}
	if o.MaxDelay <= 0 {
		o.MaxDelay = max(maxDelay, o.MinDelay)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
		if server := inprocess.Of(api); server != nil {
			o.Clock = server.Clock()
		}
	}
	if o.LogLines <= 0 {
		o.LogLines = 20
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
}

// Step is a step of a workflow.
type Step string

// The steps of the workflows.
const (
	StepCheck          Step = "check"             // check the arguments, before any request
	StepHash           Step = "hash"              // hash the directory
	StepZip            Step = "zip"               // pack the directory
	StepFind           Step = "find"              // find the image by its name
	StepRead           Step = "read"              // read image, versions or tags
	StepChange         Step = "change"            // call the caller's function
	StepUpload         Step = "upload"            // upload the archive
	StepCreate         Step = "create"            // start the build of a new image
	StepUpdate         Step = "update"            // start the build of a new version
	StepWaitForImage   Step = "wait for image"    // wait until it is no longer busy
	StepWaitForQuota   Step = "wait for quota"    // wait until fewer builds are running
	StepWaitToRetry    Step = "wait to retry"     // wait before repeating a request without a conclusive response
	StepCompare        Step = "compare"           // check for concurrent updates after the request
	StepWaitForBuild   Step = "wait for build"    // wait for the version that was started
	StepActivate       Step = "activate"          // activate a version
	StepDeactivate     Step = "deactivate"        // deactivate a version
	StepDelete         Step = "delete"            // delete a version
	StepWaitForRemoval Step = "wait for deletion" // wait until a version is gone
	StepTag            Step = "tag"               // write and remove tags
)

// Event reports a step of a workflow, or a poll while it waits.
type Event struct {
	Step    Step
	Image   string        // ARN, or the name until the ARN is known
	Version string        // such as "3.0"; empty if the step concerns no version
	State   string        // the state that a poll returned
	Elapsed time.Duration // since the workflow began
	Delay   time.Duration // before the next poll or retry; zero if there is none
	Err     error         // the reason for the retry
}

// attrs returns the attributes of the event for logs.
func (e Event) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("image", e.Image), slog.Duration("elapsed", e.Elapsed)}
	for _, attr := range [...]slog.Attr{slog.String("version", e.Version), slog.String("state", e.State)} {
		if attr.Value.String() != "" {
			attrs = append(attrs, attr)
		}
	}
	if e.Delay > 0 {
		attrs = append(attrs, slog.Duration("delay", e.Delay))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}

// String describes the event in one line.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%7.1fs  %s", e.Elapsed.Seconds(), e.Step)
	if e.Version != "" {
		b.WriteString(" " + e.Version)
	}
	if e.State != "" {
		b.WriteString(": " + e.State)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Delay > 0 {
		fmt.Fprintf(&b, " (again in %v)", e.Delay.Round(100*time.Millisecond))
	}
	return b.String()
}
