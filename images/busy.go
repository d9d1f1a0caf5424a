package images

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// job is one call of a workflow: what it is about, how long it may wait and whom it tells.
type job struct {
	Options
	workflow string
	image    string // ARN, or the name as long as that is all that is known
	began    time.Time
	waited   time.Duration // of BusyTimeout
}

func newJob(workflow, image string, options Options) *job {
	options.resolve()
	return &job{Options: options, workflow: workflow, image: image, began: options.Clock.Now()}
}

func (j *job) tell(e Event) {
	e.Image, e.Elapsed = j.image, j.Clock.Now().Sub(j.began)
	j.Progress(e)
}

func (j *job) fail(step Step, version string, err error) error {
	return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: step, Err: err}
}

// sleep waits before something is tried again; cause is why. It counts against BusyTimeout.
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

// rounds is how often a request is repeated, each time after twice the delay, when the client's own retries did
// not get it through.
const rounds = 3

func backoff(round int) time.Duration { return 5 * time.Second << round }

// insist makes a request that does no harm when it is repeated.
func insist[O any](ctx context.Context, j *job, step Step, version string, request func() (O, error)) (O, error) {
	for round := 0; ; round++ {
		out, err := request()
		if err == nil {
			return out, nil
		}
		if ctx.Err() != nil || round == rounds || !unanswered(err) {
			return out, j.fail(step, version, err)
		}
		if err := j.sleep(ctx, StepWaitForAnswer, backoff(round), err); err != nil {
			return out, err
		}
	}
}

// maxBadPolls is how many polls in a row may fail before a wait ends.
const maxBadPolls = 10

// tune sets a waiter up for a job. A poll without answer does not end the wait.
func tune[I, O any](j *job, step Step, version string) func(*lambdamicrovms.WaiterOptions[I, O]) {
	return func(o *lambdamicrovms.WaiterOptions[I, O]) {
		o.MinDelay, o.MaxDelay, o.Clock = j.MinDelay, j.MaxDelay, j.Clock
		judge, bad := o.Retryable, 0
		o.Retryable = func(ctx context.Context, in *I, out *O, err error) (bool, error) {
			if bad++; err == nil {
				bad = 0
			}
			if err != nil && bad < maxBadPolls && unanswered(err) {
				return true, nil
			}
			return judge(ctx, in, out, err)
		}
		o.OnAttempt = func(a lambdamicrovms.WaiterAttempt) {
			j.tell(Event{Step: step, Version: version, State: a.State, Delay: a.Delay, Err: a.Err})
		}
	}
}

// settle waits until the image is busy with nothing. An image that is found to be gone is an error for which
// lambdamicrovms.IsNotFound holds.
func (j *job) settle(ctx context.Context, api lambdamicrovms.GetMicroVMImageAPIClient) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	left := max(j.BusyTimeout-j.waited, time.Second) // at least one look
	began := j.Clock.Now()
	waiter := lambdamicrovms.NewMicroVMImageSettledWaiter(api,
		tune[lambdamicrovms.GetMicroVMImageInput, lambdamicrovms.GetMicroVMImageOutput](j, StepWaitForImage, ""))
	out, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image}, left)
	j.waited += j.Clock.Now().Sub(began)

	var late *lambdamicrovms.WaiterTimeoutError
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &late) && ctx.Err() == nil:
		return nil, &BusyError{Workflow: j.workflow, Image: j.image, State: late.LastState, Waited: j.waited, Err: err}
	}
	return nil, j.fail(StepWaitForImage, "", err)
}

// unblock waits out what a refusal says is in the way: a busy image or a used-up quota. The error is the
// refusal itself, as an *Error of the step, if waiting does not help.
func (j *job) unblock(ctx context.Context, api lambdamicrovms.GetMicroVMImageAPIClient, step Step, version string, refusal error) error {
	switch {
	case lambdamicrovms.IsImageBusy(refusal):
		// The image may seem idle to a reader and still be refused, so wait in any case.
		if err := j.sleep(ctx, StepWaitForImage, 5*time.Second, refusal); err != nil {
			return err
		}
		image, err := j.settle(ctx, api)
		if err == nil && !updatable(image) {
			return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: step, State: string(image.State), Err: refusal}
		}
		return err
	case lambdamicrovms.IsQuotaExceeded(refusal) && passing(refusal):
		return j.sleep(ctx, StepWaitForQuota, 30*time.Second, refusal)
	}
	return j.fail(step, version, refusal)
}

// passing tells the quotas that free themselves, of builds and of memory, from those of images and of versions,
// which somebody has to delete first.
func passing(refusal error) bool {
	text := strings.ToLower(refusal.Error())
	return strings.Contains(text, "build") || strings.Contains(text, "memory")
}

// updatable reports whether an image that is busy with nothing can be updated.
func updatable(image *lambdamicrovms.GetMicroVMImageOutput) bool {
	return image.State != "DELETE_FAILED" && image.State != "DELETED"
}
