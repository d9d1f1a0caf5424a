package images

import (
	"fmt"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clock"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// Options are common to the workflows of this package. A zero field means its default; a
// negative one, or a MinDelay above MaxDelay, is a smithy.InvalidParamsError within an *Error
// before anything is done.
type Options struct {
	// BusyTimeout limits the total time that one call waits for an image that is busy with
	// something else, and for a place among the account's builds. The default is 45 minutes.
	BusyTimeout time.Duration

	// BuildTimeout limits the wait for a version to be built. The default is 30 minutes; most
	// builds take two or three, large ones six.
	BuildTimeout time.Duration

	// MinDelay and MaxDelay bound the time between two polls. The defaults are those of the
	// waiters, 2 and 15 seconds, or the other bound if that excludes them.
	MinDelay, MaxDelay time.Duration

	// Clock is the time source of all waits. The default is the system's.
	Clock lambdamicrovms.Clock

	// Progress is called at each step and poll, by the goroutine that called the workflow.
	Progress func(Event)
}

// check refuses durations without a meaning.
func (o *Options) check(c *workflow.OptionCheck) {
	workflow.AtLeast(c, "BusyTimeout", o.BusyTimeout, 0)
	workflow.AtLeast(c, "BuildTimeout", o.BuildTimeout, 0)
	workflow.AtLeast(c, "MinDelay", o.MinDelay, 0)
	workflow.AtLeast(c, "MaxDelay", o.MaxDelay, 0)
	if o.MaxDelay > 0 && o.MinDelay > o.MaxDelay {
		c.Refuse("MinDelay", fmt.Sprintf("at most MaxDelay, %v", o.MaxDelay), o.MinDelay)
	}
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
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
}

// A Step is what a workflow does at a time.
type Step string

// The steps of the workflows.
const (
	StepCheck          Step = "check"             // the arguments, before anything is sent
	StepHash           Step = "hash"              // the folder
	StepZip            Step = "zip"               // pack the folder
	StepFind           Step = "find"              // look the image up by its name
	StepRead           Step = "read"              // image, versions, tags
	StepChange         Step = "change"            // the caller's function
	StepUpload         Step = "upload"            // the archive
	StepCreate         Step = "create"            // start the build of a new image
	StepUpdate         Step = "update"            // start the build of a new version
	StepWaitForImage   Step = "wait for image"    // until it is no longer busy
	StepWaitForQuota   Step = "wait for quota"    // until fewer builds are under way
	StepWaitForAnswer  Step = "wait for answer"   // before a request without answer is repeated
	StepCompare        Step = "compare"           // what was built with what is there by now
	StepWaitForBuild   Step = "wait for build"    // of the version that was started
	StepActivate       Step = "activate"          // a version
	StepDeactivate     Step = "deactivate"        // a version
	StepDelete         Step = "delete"            // a version
	StepWaitForRemoval Step = "wait for deletion" // of a version
	StepTag            Step = "tag"               // write and remove tags
)

// An Event is a step of a workflow, or a poll while it waits.
type Event struct {
	Step    Step
	Image   string        // ARN, or the name as long as that is all that is known
	Version string        // such as "3.0", if the step is about one
	State   string        // what a poll found
	Elapsed time.Duration // since the workflow began
	Delay   time.Duration // until the next try; zero if there is none
	Err     error         // why something is tried again
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
