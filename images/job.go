package images

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// job is one run of a workflow. All workflows share its reporting, errors and time
// limits.
type job struct {
	Options
	workflow string
	image    string // ARN, or the name until the ARN is known
	began    time.Time
	waited   time.Duration // is limited by BusyTimeout
	secrets  *redact.Secrets
	busy     func()       // is called before a pause because the image is busy; may be nil
	unused   *atomic.Bool // once true, a step that ends with Canceled has not failed; may be nil

	observer *workflow.Observer
	version  string // the last one that an event named
}

func newJob(api any, name, image string, options Options) *job {
	options.resolve(api)
	return &job{
		Options: options, workflow: name, image: image, began: options.Clock.Now(),
		observer: workflow.NewObserver(api, "images", options.Logger, options.Clock),
	}
}

func (j *job) report(ctx context.Context, e Event) {
	e.Image, e.Elapsed = j.image, j.Clock.Now().Sub(j.began)
	e.State, e.Err = j.secrets.Clean(e.State, redact.MaxText), j.secrets.Error(e.Err)
	if e.Version != "" {
		j.version = e.Version
	}
	j.Progress(e)
	j.observer.Log(ctx, slog.LevelDebug, j.message(e.Step), e.attrs)
}

// message returns the message of log records about a step.
func (j *job) message(step Step) string { return j.workflow + ": " + string(step) }

// perform runs a workflow in its own span, unless check has found invalid options. It
// replaces the secrets of the job's configurations in the error, because reasons and
// states may contain them, and cleans texts of the service.
func perform[R any](ctx context.Context, j *job, span string, check *workflow.OptionCheck, run func(context.Context) (R, error)) (result R, err error) {
	ctx, whole := j.observer.Begin(ctx, span, j.workflow, slog.LevelInfo)
	defer func() {
		err = j.secrets.Error(err)
		whole.Set(slog.String("image", j.image), slog.String("version", j.version))
		whole.End(err)
	}()
	err = workflow.ErrPanicked // until run returns
	if err := j.reject(check); err != nil {
		return result, err
	}
	return run(ctx)
}

// during runs a step in its own span, and logs it.
func (j *job) during(ctx context.Context, step Step, version string, do func(context.Context) error) (err error) {
	ctx, end := j.begin(ctx, step)
	defer func() { end(j.image, version, j.secrets.Error(err)) }()
	err = workflow.ErrPanicked // until do returns
	return do(ctx)
}

// begin begins a step. The step ends, and is logged, when end is called, which may be in
// another goroutine. The caller has removed the secrets from the error.
func (j *job) begin(ctx context.Context, step Step) (_ context.Context, end func(image, version string, err error)) {
	level := slog.LevelInfo
	if step == StepRead {
		level = slog.LevelDebug // most steps begin with reads
	}
	ctx, span := j.observer.Begin(ctx, string(step), j.message(step), level)
	return ctx, func(image, version string, err error) {
		if j.unused != nil && j.unused.Load() && errors.Is(err, context.Canceled) {
			err = nil
		}
		span.Set(slog.String("image", image), slog.String("version", version))
		span.End(err)
	}
}

func (j *job) fail(step Step, version string, err error) error {
	return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: step, Err: err}
}

// reject returns an *Error if the check found invalid options.
func (j *job) reject(check *workflow.OptionCheck) error {
	if err := check.Err(); err != nil {
		return j.fail(StepCheck, "", err)
	}
	return nil
}

// sleep waits before a request is repeated because of cause. BusyTimeout limits the
// total.
func (j *job) sleep(ctx context.Context, step Step, d time.Duration, cause error) error {
	if left := j.BusyTimeout - j.waited; left <= 0 {
		return &BusyError{Workflow: j.workflow, Image: j.image, Waited: j.waited, Err: cause}
	} else if d > left {
		d = left
	}
	j.report(ctx, Event{Step: step, Delay: d, Err: cause})
	err := j.during(ctx, step, "", func(ctx context.Context) error { return j.Clock.Sleep(ctx, d) })
	if err != nil {
		return j.fail(step, "", err)
	}
	j.waited += d
	return nil
}
