package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// SweepAPI is what Sweep calls: *lambdamicrovms.Client, or a stub of your own.
type SweepAPI interface {
	lambdamicrovms.ListMicroVMsAPIClient
	lambdamicrovms.TerminateMicroVMAPIClient
}

// SweepOptions choose what Sweep terminates, and how. ImageIdentifier or MinAge must be set.
type SweepOptions struct {
	// ImageIdentifier is the ARN of the image whose MicroVMs are swept. By default those of all images are.
	ImageIdentifier string
	// ImageVersion limits it to one version, such as "3.0". It needs ImageIdentifier.
	ImageVersion string

	// MinAge is how long ago a MicroVM must have been started. By default all are old enough.
	MinAge time.Duration

	// Rate is how many calls to TerminateMicroVM are made in a second, one after the other:
	// 0.001 to 1000. The default is 8; the service allows 10 to the whole account.
	Rate float64

	// DryRun finds what would be terminated, and leaves it.
	DryRun bool

	// Progress is called after each MicroVM, by the goroutine that called Sweep.
	Progress func(SweepProgress)

	// Clock is the time source of ages and the rate. The default is that of the server if the client is one of
	// package fake, else the system's.
	Clock lambdamicrovms.Clock
}

const (
	defaultSweepRate = 8
	minSweepRate     = 0.001
	maxSweepRate     = 1000

	// throttleBudget is how long a single call is tried again for while the service throttles.
	throttleBudget = 2 * time.Minute
)

// SweepProgress tells what has become of a MicroVM.
type SweepProgress struct {
	MicroVM types.MicroVMItem
	// Err is a *TerminateError if it may be left running.
	Err error
	// Done of Total have been dealt with, this one included.
	Done, Total int
	DryRun      bool
}

// SweepResult is what Sweep has found and done.
type SweepResult struct {
	// Listed is how many MicroVMs the service listed, those that have ended included.
	Listed int
	// Orphans are those that had not ended and are of the image and age.
	Orphans []types.MicroVMItem
	// Skipped are those that the list describes in a way that Sweep cannot judge, such as by
	// an unknown state or without a start time. They are left alone: they may be in use.
	Skipped []SweepSkipped
	// Terminated are the orphans whose end the service has accepted, and Failed why it has not of others.
	Terminated []types.MicroVMItem
	Failed     []*TerminateError
}

// SweepSkipped is a MicroVM that Sweep cannot judge.
type SweepSkipped struct {
	MicroVM types.MicroVMItem
	// Reason is what cannot be read.
	Reason string
}

// SweepError reports that a sweep left something. The result tells what it did.
type SweepError struct {
	// Failed are the MicroVMs that could not be terminated, and Left is how many were not tried.
	Failed []*TerminateError
	Left   int
	// Skipped are the MicroVMs that Sweep cannot judge.
	Skipped []SweepSkipped
	// Err is what ended the sweep, or the list, before its time: the context's error, or one of ListMicroVMs.
	Err error
}

func (e *SweepError) Error() string {
	text := "session: sweep:"
	if len(e.Failed) > 0 {
		text += fmt.Sprintf(" %d MicroVMs could not be terminated, the first: %v;", len(e.Failed), e.Failed[0])
	}
	if e.Left > 0 {
		text += fmt.Sprintf(" %d were not tried;", e.Left)
	}
	if len(e.Skipped) > 0 {
		text += fmt.Sprintf(" %d were left alone, the first, %q: %s;", len(e.Skipped), deref(e.Skipped[0].MicroVM.MicroVMId), e.Skipped[0].Reason)
	}
	if e.Err != nil {
		text += fmt.Sprintf(" %v;", e.Err)
	}
	return text[:len(text)-1]
}

// Unwrap returns Err, if there is one, and all of Failed.
func (e *SweepError) Unwrap() []error {
	var all []error
	if e.Err != nil {
		all = append(all, e.Err)
	}
	for _, failed := range e.Failed {
		all = append(all, failed)
	}
	return all
}

// Sweep terminates MicroVMs that were left behind: those of an image, of an age, or both, on
// all pages of the list. MicroVMs have no tags, so a sweep by age alone terminates
// everybody's.
//
//   - Those that have ended, which stay listed for hours, are passed over.
//   - Those that the list does not describe clearly are left alone: they may be in use. See
//     SweepResult.Skipped.
//   - Throttled calls are repeated.
//   - If the list breaks off, or has more than 10,000 pages, what it has named is terminated.
//
// The result is never nil. The error is a *SweepError if the list broke off, or if anything
// on it may be left running that Sweep was to terminate or could not judge. Options out of
// range are refused before any call; [lambdamicrovms.Violations] lists them.
func Sweep(ctx context.Context, api SweepAPI, optFns ...func(*SweepOptions)) (*SweepResult, error) {
	var o SweepOptions
	for _, fn := range optFns {
		fn(&o)
	}
	result := &SweepResult{}
	if err := o.resolve(api); err != nil {
		return result, err
	}

	listErr := o.find(ctx, api, result)
	tried, err := len(result.Orphans), ctx.Err()
	if err == nil {
		tried, err = o.terminate(ctx, api, result)
	}
	if err == nil {
		err = listErr
	}
	if err == nil && len(result.Failed) == 0 && len(result.Skipped) == 0 {
		return result, nil
	}
	return result, &SweepError{Failed: result.Failed, Left: len(result.Orphans) - tried, Skipped: result.Skipped, Err: err}
}

func (o *SweepOptions) resolve(api any) error {
	o.Rate = or(o.Rate, defaultSweepRate)
	if server := inprocess.Of(api); server != nil {
		o.Clock = or(o.Clock, server.Clock())
	}
	o.Clock = clockOr(o.Clock)
	if o.Progress == nil {
		o.Progress = func(SweepProgress) {}
	}
	check := workflow.CheckOptions("SweepOptions")
	workflow.AtLeast(check, "MinAge", o.MinAge, 0)
	workflow.Between(check, "Rate", o.Rate, minSweepRate, maxSweepRate)
	if o.ImageVersion != "" && !isVersion(o.ImageVersion) {
		check.Refuse("ImageVersion", "a version such as 3.0", strconv.Quote(o.ImageVersion))
	}
	if o.ImageVersion != "" && o.ImageIdentifier == "" {
		check.Refuse("ImageVersion", "set only with ImageIdentifier", strconv.Quote(o.ImageVersion))
	}
	if o.ImageIdentifier == "" && o.MinAge == 0 {
		check.Refuse("ImageIdentifier or MinAge", "set: without them a sweep terminates every MicroVM of the account", "neither")
	}
	return check.Err()
}

// find lists the orphans.
func (o *SweepOptions) find(ctx context.Context, api SweepAPI, result *SweepResult) error {
	in := &lambdamicrovms.ListMicroVMsInput{}
	if o.ImageIdentifier != "" {
		in.ImageIdentifier = &o.ImageIdentifier
	}
	if o.ImageVersion != "" {
		in.ImageVersion = &o.ImageVersion
	}
	newest := o.Clock.Now().Add(-o.MinAge)
	pages := lambdamicrovms.NewListMicroVMsPaginator(api, in, func(p *lambdamicrovms.PaginatorOptions) {
		p.MaxPages = workflow.MaxMicroVMPages
	})
	seen := make(map[string]bool)
	for pages.HasMorePages() {
		var page *lambdamicrovms.ListMicroVMsOutput
		err := persist(ctx, o.Clock, throttleBudget, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx) // after an error the same one again
			return err
		})
		if err != nil {
			return err
		}
		if page.Items == nil { // would pass for an account without MicroVMs
			return workflow.Incomplete("ListMicroVMs", "Items")
		}
		result.Listed += len(page.Items)
		for _, item := range page.Items {
			orphan, unclear := o.judge(item, newest)
			id := deref(item.MicroVMId)
			switch {
			case id != "" && seen[id]: // pages overlap while MicroVMs come and go
				continue
			case unclear != "":
				result.Skipped = append(result.Skipped, SweepSkipped{MicroVM: item, Reason: unclear})
			case orphan:
				result.Orphans = append(result.Orphans, item)
			default:
				continue
			}
			seen[id] = true
		}
	}
	return nil
}

// judge reports whether a MicroVM is an orphan, or what is unclear about it. It repeats the
// service's own filters and takes nothing for granted: terminating cannot be undone.
func (o *SweepOptions) judge(item types.MicroVMItem, newest time.Time) (orphan bool, unclear string) {
	image, version := deref(item.ImageArn), deref(item.ImageVersion)
	switch {
	case ends(item.State):
		return false, ""
	case !lives(item.State):
		return false, fmt.Sprintf("the state %q is unknown", item.State)
	case deref(item.MicroVMId) == "":
		return false, "it has no id"
	case !isImageARN(image):
		return false, fmt.Sprintf("the image %q is not the ARN of one", image)
	case o.ImageIdentifier != "" && image != o.ImageIdentifier:
		return false, ""
	case o.ImageVersion != "" && !isVersion(version):
		return false, fmt.Sprintf("the image version %q is not one", version)
	case o.ImageVersion != "" && !sameVersion(version, o.ImageVersion):
		return false, ""
	case o.MinAge > 0 && (item.StartedAt == nil || item.StartedAt.Unix() <= 0):
		return false, "it has no start time"
	}
	return o.MinAge == 0 || !item.StartedAt.After(newest), ""
}

// lives reports whether a state is one of a MicroVM that has not ended.
func lives(state types.MicroVMState) bool {
	switch state {
	case types.MicroVMStatePending, types.MicroVMStateRunning, types.MicroVMStateSuspending, types.MicroVMStateSuspended:
		return true
	}
	return false
}

func isImageARN(text string) bool {
	parsed, err := arn.Parse(text)
	name, ofImage := strings.CutPrefix(parsed.Resource, "microvm-image:")
	return err == nil && parsed.Service == "lambda" && ofImage && name != ""
}

// isVersion reports whether a text is a version of an image, such as "3.0" or "3".
func isVersion(text string) bool {
	major, minor, _ := strings.Cut(text, ".")
	for _, number := range [...]string{major, or(minor, "0")} {
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return false
		}
	}
	return !strings.HasSuffix(text, ".")
}

// sameVersion reports whether two versions are the same one: "3" is "3.0".
func sameVersion(a, b string) bool {
	return strings.TrimSuffix(a, ".0") == strings.TrimSuffix(b, ".0")
}

// terminate ends the orphans and returns how many of them it has tried, all unless the context ends.
func (o *SweepOptions) terminate(ctx context.Context, api SweepAPI, result *SweepResult) (tried int, err error) {
	next := o.Clock.Now()
	interval := time.Duration(float64(time.Second) / o.Rate)
	for i, item := range result.Orphans {
		progress := SweepProgress{MicroVM: item, Done: i + 1, Total: len(result.Orphans), DryRun: o.DryRun}
		if !o.DryRun {
			if err := o.pace(ctx, &next, interval); err != nil {
				return i, err
			}
			progress.Err = terminate(ctx, api, *item.MicroVMId, o.Clock, throttleBudget)
			var failed *TerminateError
			if errors.As(progress.Err, &failed) {
				result.Failed = append(result.Failed, failed)
			} else {
				result.Terminated = append(result.Terminated, item)
			}
		}
		o.Progress(progress)
	}
	return len(result.Orphans), nil
}

// pace waits until it is time for the next call.
func (o *SweepOptions) pace(ctx context.Context, next *time.Time, interval time.Duration) error {
	now := o.Clock.Now()
	if wait := next.Sub(now); wait > 0 {
		if err := o.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
		now = *next
	}
	*next = now.Add(interval)
	return ctx.Err()
}
