package images

import (
	"context"
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
}

func newJob(api any, workflow, image string, options Options) *job {
	options.resolve(api)
	return &job{Options: options, workflow: workflow, image: image, began: options.Clock.Now()}
}

func (j *job) report(e Event) {
	e.Image, e.Elapsed = j.image, j.Clock.Now().Sub(j.began)
	e.State, e.Err = j.secrets.Clean(e.State, redact.MaxText), j.secrets.Error(e.Err)
	j.Progress(e)
}

// redact replaces the secrets of the job's configurations in an error, because reasons
// and states may contain them, and cleans texts of the service. Workflows defer it.
func (j *job) redact(err *error) { *err = j.secrets.Error(*err) }

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
	j.report(Event{Step: step, Delay: d, Err: cause})
	if err := j.Clock.Sleep(ctx, d); err != nil {
		return j.fail(step, "", err)
	}
	j.waited += d
	return nil
}
