package images

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

var errName = errors.New("a name has 1 to 64 letters, digits, - and _")

// Error reports a failed step that no other type of this package describes. It wraps the
// cause.
type Error struct {
	Workflow string // such as "update"
	Image    string // ARN or name
	Version  string // empty if the step concerns no version
	Step     Step
	State    string // the last state seen, if any
	Err      error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("images: " + e.Workflow)
	if e.Image != "" { // a Deployment may lack it
		b.WriteString(" " + e.Image)
	}
	b.WriteString(": " + string(e.Step))
	if e.Version != "" {
		b.WriteString(" " + e.Version)
	}
	if e.State != "" {
		b.WriteString(" (" + e.State + ")")
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// NotFoundError reports that there is no image with that name.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("images: there is no image named %q in this account and region", e.Name)
}

// Unwrap returns the error that the service returns for a missing resource.
func (e *NotFoundError) Unwrap() error {
	message := e.Error()
	return &types.ResourceNotFoundException{Message: &message}
}

// BusyError reports that an image was still busy, or the account's quota still used up,
// after BusyTimeout. Nothing was started.
type BusyError struct {
	Workflow string
	Image    string
	State    string        // the last state of the image
	Waited   time.Duration // the total wait
	Err      error         // the service's last error, or the waiter's error
}

func (e *BusyError) Error() string {
	text := fmt.Sprintf("images: %s %s: gave up after waiting %v", e.Workflow, e.Image, e.Waited.Round(time.Second))
	if e.State != "" {
		text += ", the image is still " + e.State
	}
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

func (e *BusyError) Unwrap() error { return e.Err }

// ConcurrentUpdateError reports that somebody else changed the latest active version of
// an image while a workflow was running.
type ConcurrentUpdateError struct {
	Workflow string
	Image    string

	// From is the latest active version that the workflow read or set. Latest is the
	// version that replaced it. Either is empty if there was none.
	From, Latest string

	// Version is the version that the workflow built meanwhile. It has replaced Latest
	// and lacks its changes. It is empty if nothing was started.
	Version string

	// Err is the error of building a version with both changes, or nil if Update did not
	// try. See UpdateOptions.Retries.
	Err error
}

func (e *ConcurrentUpdateError) Error() string {
	text := fmt.Sprintf("images: %s %s: somebody else changed the latest active version from %s to %s",
		e.Workflow, e.Image, cmp.Or(e.From, "none"), cmp.Or(e.Latest, "none"))
	if e.Version == "" {
		return text
	}
	text += fmt.Sprintf("; %s was built without its changes and has replaced it", e.Version)
	if e.Err != nil {
		text += fmt.Sprintf("; building a version with both changes failed: %v", e.Err)
	}
	return text
}

func (e *ConcurrentUpdateError) Unwrap() error { return e.Err }

// UnknownOutcomeError reports that no response says whether the service accepted a
// request to start a build, or which version it builds. Check the newest version of the
// image before you start over: a second request may build the same configuration twice.
type UnknownOutcomeError struct {
	Workflow string
	Image    string
	Err      error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("images: %s %s: the build may or may not have been started: %v", e.Workflow, e.Image, e.Err)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// VersionError reports that a version does not exist or is in the wrong state for a
// workflow.
type VersionError struct {
	Workflow string
	Image    string
	Version  string // empty if the caller named none
	Problem  string
}

func (e *VersionError) Error() string {
	text := fmt.Sprintf("images: %s %s: ", e.Workflow, e.Image)
	if e.Version != "" {
		text += "version " + e.Version + ": "
	}
	return text + e.Problem
}

// BuildFailedError reports that the build of a version failed.
type BuildFailedError struct {
	Workflow string
	Image    string
	Version  string
	State    string // the state of the version, such as "FAILED"
	Reason   string // the reason of the version, which is usually empty
	Serving  string // the latest active version; empty if there is none or it is unknown

	// Builds are the builds of the version, one per processor generation, with their
	// reasons.
	Builds []Build
	// LogGroup is the log group in CloudWatch Logs with the output of the builds. It is
	// empty if logging is disabled.
	LogGroup string
	// BuildsErr is the error of reading Builds.
	BuildsErr error

	// Lines are the last lines of output of the builds, oldest first, if
	// Options.LogReader is set. Each has at most 2 KiB, without control characters and
	// secrets of the configuration. The very last lines may be missing, because nobody
	// has measured how long it takes until they can be read.
	Lines []logs.Line
	// LinesErr is the error of reading Lines, such as a *logs.NotFoundError. It says
	// nothing about the build, so errors.As does not find it.
	LinesErr error
}

// Build is one of the builds of a version.
type Build struct {
	ID         string
	Chipset    string // such as "GRAVITON"
	Generation string // such as "4"
	State      string
	Reason     string // the reason of a failure
}

func (e *BuildFailedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "images: %s %s: version %s is %s", e.Workflow, e.Image, e.Version, e.State)
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	for _, same := range e.groups() {
		generations := make([]string, len(same))
		for i, build := range same {
			generations[i] = build.Generation
		}
		plural := ""
		if len(same) > 1 {
			plural = "s"
		}
		fmt.Fprintf(&b, "; %s generation%s %s %s", same[0].Chipset, plural, strings.Join(generations, " and "), same[0].State)
		if same[0].Reason != "" {
			b.WriteString(": " + same[0].Reason)
		}
	}
	if e.BuildsErr != nil {
		fmt.Fprintf(&b, "; its builds could not be read: %v", e.BuildsErr)
	}
	if e.LogGroup != "" {
		b.WriteString("; log group " + e.LogGroup)
	}
	if e.LinesErr != nil {
		fmt.Fprintf(&b, ", which could not be read: %v", e.LinesErr)
	}
	if e.Serving != "" {
		b.WriteString("; version " + e.Serving + " remains active")
	}
	return b.String()
}

// groups returns the builds grouped by all but their generation, so that Error prints
// each reason once.
func (e *BuildFailedError) groups() [][]Build {
	var groups [][]Build
	for _, build := range e.Builds {
		i := slices.IndexFunc(groups, func(group []Build) bool {
			first := group[0]
			return first.Chipset == build.Chipset && first.State == build.State && first.Reason == build.Reason
		})
		if i < 0 {
			groups = append(groups, []Build{build})
		} else {
			groups[i] = append(groups[i], build)
		}
	}
	return groups
}

func (e *BuildFailedError) Unwrap() error { return e.BuildsErr }

// joinErrors is errors.Join that does not wrap a single error.
func joinErrors(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return errors.Join(first, second)
}
