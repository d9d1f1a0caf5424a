package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// SweepAPI is the set of operations that Sweep calls. *lambdamicrovms.Client implements
// it.
type SweepAPI interface {
	lambdamicrovms.ListMicroVMsAPIClient
	lambdamicrovms.TerminateMicroVMAPIClient
}

// SweepOptions choose which MicroVMs Sweep terminates, and how. ImageIdentifier or MinAge
// must be set.
type SweepOptions struct {
	// ImageIdentifier is the ARN of the image whose MicroVMs are terminated. The default
	// is all images.
	ImageIdentifier string
	// ImageVersion limits the sweep to one version, such as "3.0". It requires
	// ImageIdentifier.
	ImageVersion string

	// MinAge is the minimum time since a MicroVM was started. The default is any age.
	MinAge time.Duration

	// Rate is the number of calls to TerminateMicroVM per second, 0.001 to 1000. They are
	// made one after the other. The default is 8; the service allows 10 per account.
	Rate float64

	// DryRun finds the MicroVMs and does not terminate them.
	DryRun bool

	// Logger receives a record of each termination and one of the sweep. Failures have
	// level Warn. By default nothing is logged. Spans go to the client's TracerProvider.
	Logger *slog.Logger

	// Confirm is called once with all orphans, before the first one is terminated. It is
	// not called if there are none, or with DryRun. If it returns an error, none is
	// terminated. By default Sweep does not ask.
	Confirm func([]types.MicroVMItem) error

	// Progress is called after each MicroVM, by the goroutine that called Sweep.
	Progress func(SweepProgress)

	// Clock is the time source of ages and the rate. The default is the system clock;
	// with a client of package fake it is the clock of the fake server.
	Clock lambdamicrovms.Clock
}

const (
	defaultSweepRate = 8
	minSweepRate     = 0.001
	maxSweepRate     = 1000

	// throttleBudget limits the retries of a single call while the service throttles.
	throttleBudget = 2 * time.Minute
)

// SweepProgress is the outcome for one MicroVM.
type SweepProgress struct {
	MicroVM types.MicroVMItem
	// Err is a *TerminateError if the MicroVM may still be running.
	Err error
	// Done is the number of MicroVMs processed so far, including this one, out of Total.
	Done, Total int
	DryRun      bool
}

// SweepResult is the result of Sweep.
type SweepResult struct {
	// Listed is the number of MicroVMs that the service listed, including ended ones.
	Listed int
	// Orphans are the MicroVMs that had not ended and match the image and the age.
	Orphans []types.MicroVMItem
	// Skipped are MicroVMs that Sweep could not classify, for example because the state
	// is unknown or the start time is missing. Sweep does not touch them: they may be in
	// use.
	Skipped []SweepSkipped
	// Terminated are the orphans whose termination the service accepted. Failed are the
	// errors for the others.
	Terminated []types.MicroVMItem
	Failed     []*TerminateError
}

// SweepSkipped is a MicroVM that Sweep could not classify.
type SweepSkipped struct {
	MicroVM types.MicroVMItem
	// Reason says what is missing or unknown.
	Reason string
}

// SweepError reports that a sweep is incomplete. The SweepResult says what was done.
type SweepError struct {
	// Failed are the MicroVMs that could not be terminated. Left is the number of
	// MicroVMs that were not tried.
	Failed []*TerminateError
	Left   int
	// Skipped are the MicroVMs that Sweep could not classify.
	Skipped []SweepSkipped
	// Err is the error that ended the sweep or the listing early: the context's error, or
	// an error of ListMicroVMs.
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
		text += fmt.Sprintf(" %d were skipped, the first, %q: %s;", len(e.Skipped), aws.ToString(e.Skipped[0].MicroVM.MicroVMId), e.Skipped[0].Reason)
	}
	if e.Err != nil {
		text += fmt.Sprintf(" %v;", e.Err)
	}
	return text[:len(text)-1]
}

// Unwrap returns Err, if set, and all of Failed.
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

// Sweep terminates leftover MicroVMs: those of an image, those older than MinAge, or
// both.
//
// A sweep by age alone terminates the MicroVMs of every program in the account, because
// MicroVMs have no tags to tell them apart.
//
//   - Sweep reads all pages of the list, up to 10,000.
//   - It ignores MicroVMs that have ended, which stay listed for hours.
//   - It skips MicroVMs that the list does not describe clearly, because they may be in
//     use. See SweepResult.Skipped.
//   - It repeats throttled calls.
//   - If the listing fails or has more pages, it terminates the MicroVMs found until
//     then.
//
// The result is never nil. The error is a *SweepError if the listing failed, or if a
// MicroVM was skipped, was not tried or could not be terminated. If an option is out of
// range, Sweep returns an error before any call; [lambdamicrovms.Violations] lists such
// options.
func Sweep(ctx context.Context, api SweepAPI, optFns ...func(*SweepOptions)) (*SweepResult, error) {
	var o SweepOptions
	for _, fn := range optFns {
		fn(&o)
	}
	result := &SweepResult{}
	if err := o.resolve(api); err != nil {
		return result, err
	}

	observer := workflow.NewObserver(api, "session", o.Logger, o.Clock)
	ctx, whole := observer.Begin(ctx, "session.Sweep", "sweep", slog.LevelInfo)
	err := o.sweep(ctx, api, observer, result)
	whole.Set(slog.String("image", o.ImageIdentifier), slog.Int("listed", result.Listed),
		slog.Int("orphans", len(result.Orphans)), slog.Int("terminated", len(result.Terminated)), slog.Bool("dry_run", o.DryRun))
	whole.End(err)
	return result, err
}

func (o *SweepOptions) sweep(ctx context.Context, api SweepAPI, observer *workflow.Observer, result *SweepResult) error {
	listing, step := observer.Begin(ctx, "list", "sweep: list", slog.LevelInfo)
	listErr := o.find(listing, api, result)
	step.End(listErr)
	tried, err := 0, ctx.Err()
	if err == nil && !o.DryRun && o.Confirm != nil && len(result.Orphans) > 0 {
		err = o.Confirm(slices.Clone(result.Orphans))
	}
	if err == nil {
		tried, err = o.terminate(ctx, api, observer, result)
	}
	if err == nil {
		err = listErr
	}
	if err == nil && len(result.Failed) == 0 && len(result.Skipped) == 0 {
		return nil
	}
	return &SweepError{Failed: result.Failed, Left: len(result.Orphans) - tried, Skipped: result.Skipped, Err: err}
}

func (o *SweepOptions) resolve(api any) error {
	o.Rate = cmp.Or(o.Rate, defaultSweepRate)
	if server := inprocess.Of(api); server != nil {
		o.Clock = cmp.Or(o.Clock, server.Clock())
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

// find lists the MicroVMs and adds them to Orphans or Skipped.
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
			page, err = pages.NextPage(ctx) // returns the same page again after an error
			return err
		})
		if err != nil {
			return err
		}
		if page.Items == nil { // looks like an account without MicroVMs
			return workflow.Incomplete("ListMicroVMs", "Items")
		}
		result.Listed += len(page.Items)
		for _, item := range page.Items {
			orphan, unclear := o.judge(item, newest)
			id := aws.ToString(item.MicroVMId)
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

// judge reports whether a MicroVM is an orphan, or what is unclear about it. Termination
// cannot be undone, so judge does not rely on the filters of the service and checks
// again.
func (o *SweepOptions) judge(item types.MicroVMItem, newest time.Time) (orphan bool, unclear string) {
	image, version := aws.ToString(item.ImageArn), aws.ToString(item.ImageVersion)
	switch {
	case ends(item.State):
		return false, ""
	case !lives(item.State):
		return false, fmt.Sprintf("the state %q is unknown", item.State)
	case aws.ToString(item.MicroVMId) == "":
		return false, "it has no id"
	case !isImageARN(image):
		return false, fmt.Sprintf("%q is not the ARN of an image", image)
	case o.ImageIdentifier != "" && image != o.ImageIdentifier:
		return false, ""
	case o.ImageVersion != "" && !isVersion(version):
		return false, fmt.Sprintf("%q is not an image version", version)
	case o.ImageVersion != "" && !sameVersion(version, o.ImageVersion):
		return false, ""
	case o.MinAge > 0 && (item.StartedAt == nil || item.StartedAt.Unix() <= 0):
		return false, "it has no start time"
	}
	return o.MinAge == 0 || !item.StartedAt.After(newest), ""
}

// lives reports whether a MicroVM in a known state has not ended.
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

// isVersion reports whether a text is an image version, such as "3.0" or "3".
func isVersion(text string) bool {
	major, minor, _ := strings.Cut(text, ".")
	for _, number := range [...]string{major, cmp.Or(minor, "0")} {
		if _, err := strconv.ParseUint(number, 10, 32); err != nil {
			return false
		}
	}
	return !strings.HasSuffix(text, ".")
}

// sameVersion reports whether two versions are the same: "3" is "3.0".
func sameVersion(a, b string) bool {
	return strings.TrimSuffix(a, ".0") == strings.TrimSuffix(b, ".0")
}

// terminate terminates the orphans. It returns the number that it tried, which is all of
// them unless the context ends.
func (o *SweepOptions) terminate(ctx context.Context, api SweepAPI, observer *workflow.Observer, result *SweepResult) (tried int, err error) {
	next := o.Clock.Now()
	interval := time.Duration(float64(time.Second) / o.Rate)
	for i, item := range result.Orphans {
		progress := SweepProgress{MicroVM: item, Done: i + 1, Total: len(result.Orphans), DryRun: o.DryRun}
		if !o.DryRun {
			if err := o.pace(ctx, &next, interval); err != nil {
				return i, err
			}
			ctx, step := observer.Begin(ctx, "terminate", "sweep: terminate", slog.LevelInfo, slog.String("microvm", *item.MicroVMId))
			progress.Err = terminate(ctx, api, *item.MicroVMId, o.Clock, throttleBudget)
			step.End(progress.Err)
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
