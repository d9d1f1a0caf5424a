package images

import (
	"context"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// job is one call of a workflow: its image, its options, and how long it has waited.
type job struct {
	Options
	workflow string
	image    string // ARN, or the name until the ARN is known
	began    time.Time
	waited   time.Duration // counts against BusyTimeout
	secrets  *redact.Secrets
}

func newJob(api any, workflow, image string, options Options) *job {
	options.resolve(api)
	return &job{Options: options, workflow: workflow, image: image, began: options.Clock.Now()}
}

func (j *job) tell(e Event) {
	e.Image, e.Elapsed = j.image, j.Clock.Now().Sub(j.began)
	e.State, e.Err = j.secrets.Clean(e.State, redact.MaxText), j.secrets.Error(e.Err)
	j.Progress(e)
}

// redact removes from an error what is secret in the configurations of the job, which reasons
// and states can repeat, and cleans texts from outside. Workflows defer it.
func (j *job) redact(err *error) { *err = j.secrets.Error(*err) }

func (j *job) fail(step Step, version string, err error) error {
	return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: step, Err: err}
}

// refuse returns the error of a check that found something, or nil.
func (j *job) refuse(check *workflow.OptionCheck) error {
	if err := check.Err(); err != nil {
		return j.fail(StepCheck, "", err)
	}
	return nil
}

// sleep waits before a request is repeated; cause is the reason. It counts against BusyTimeout.
func (j *job) sleep(ctx context.Context, step Step, d time.Duration, cause error) error {
	if left := j.BusyTimeout - j.waited; left <= 0 {
		return &BusyError{Workflow: j.workflow, Image: j.image, Waited: j.waited, Err: cause}
	} else if d > left {
		d = left
	}
	j.tell(Event{Step: step, Delay: d, Err: cause})
	if err := j.Clock.Sleep(ctx, d); err != nil {
		return j.fail(step, "", err)
	}
	j.waited += d
	return nil
}
