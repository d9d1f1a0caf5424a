package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/types"
)

var errName = errors.New("a name has 1 to 64 letters, digits, - and _")

// Error is the failure of a step that no other type of this package describes. It wraps its cause.
type Error struct {
	Workflow string // such as "update"
	Image    string // ARN or name
	Version  string // if the step was about one
	Step     Step
	State    string // last one seen, if any
	Err      error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("images: " + e.Workflow)
	if e.Image != "" { // a deployment may lack its name
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

// NotFoundError reports that there is no image of that name.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("images: there is no image named %q in this account and region", e.Name)
}

// Unwrap returns the error that the service has for what it cannot find.
func (e *NotFoundError) Unwrap() error {
	message := e.Error()
	return &types.ResourceNotFoundException{Message: &message}
}

// BusyError reports that an image stayed busy, or the account's quota used up, for as long as BusyTimeout
// allows. Nothing was started.
type BusyError struct {
	Workflow string
	Image    string
	State    string        // of the image, when it was seen last
	Waited   time.Duration // in all
	Err      error         // the last refusal, or the waiter's error
}

func (e *BusyError) Error() string {
	text := fmt.Sprintf("images: %s %s: given up after waiting %v", e.Workflow, e.Image, e.Waited.Round(time.Second))
	if e.State != "" {
		text += ", the image is still " + e.State
	}
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

func (e *BusyError) Unwrap() error { return e.Err }

// ConcurrentUpdateError reports that somebody else changed which version of an image is the latest active one
// while a workflow was at work.
type ConcurrentUpdateError struct {
	Workflow string
	Image    string

	// From is the latest active version as the workflow had read or made it, Latest the one that took its
	// place. Either is empty if there was none.
	From, Latest string

	// Version is the version that the workflow itself has made the latest meanwhile. It was built without the
	// changes in Latest, which it has replaced. It is empty if nothing was started.
	Version string

	// Err is why Update could not make that good, nil if it was not asked to try.
	Err error
}

func (e *ConcurrentUpdateError) Error() string {
	text := fmt.Sprintf("images: %s %s: somebody else changed the latest active version from %s to %s",
		e.Workflow, e.Image, orNone(e.From), orNone(e.Latest))
	if e.Version == "" {
		return text
	}
	text += fmt.Sprintf("; %s was built without its changes and has replaced it", e.Version)
	if e.Err != nil {
		text += fmt.Sprintf("; to make that good failed: %v", e.Err)
	}
	return text
}

func (e *ConcurrentUpdateError) Unwrap() error { return e.Err }

// UnknownOutcomeError reports that a request to start a build was sent, and that no response
// says whether the service accepted it or, if it did, which version it builds. Look at the newest
// version of the image. Starting over may build the same thing twice.
type UnknownOutcomeError struct {
	Workflow string
	Image    string
	Err      error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("images: %s %s: the build may or may not have been started: %v", e.Workflow, e.Image, e.Err)
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// VersionError reports a version that a workflow needs and that the image does not have, or not in a state to
// be used.
type VersionError struct {
	Workflow string
	Image    string
	Version  string // empty if none was asked for
	Problem  string
}

func (e *VersionError) Error() string {
	text := fmt.Sprintf("images: %s %s: ", e.Workflow, e.Image)
	if e.Version != "" {
		text += "version " + e.Version + ": "
	}
	return text + e.Problem
}

// BuildFailedError reports that a version was started and not built.
type BuildFailedError struct {
	Workflow string
	Image    string
	Version  string
	State    string // of the version, such as "FAILED"
	Reason   string // of the version; the service hardly ever gives one
	Serving  string // the latest active version, which keeps serving; empty if there is none or it could not be read

	// Builds are the version's builds, one for each generation of processors, with the reasons.
	Builds []Build
	// LogGroup is where CloudWatch Logs has the output of the builds, empty if logging is disabled.
	LogGroup string
	// BuildsErr is why Builds could not be read.
	BuildsErr error
}

// A Build is one of the builds of a version.
type Build struct {
	ID         string
	Chipset    string // such as "GRAVITON"
	Generation string // such as "4"
	State      string
	Reason     string // why it failed
}

func (e *BuildFailedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "images: %s %s: version %s is %s", e.Workflow, e.Image, e.Version, e.State)
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	for _, same := range e.alike() {
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
	if e.Serving != "" {
		b.WriteString("; version " + e.Serving + " goes on serving")
	}
	return b.String()
}

// alike groups builds that differ in their generation only, so that their reason is said once.
func (e *BuildFailedError) alike() [][]Build {
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

// both joins errors, without a wrapper around a single one.
func both(first, second error) error {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return errors.Join(first, second)
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
