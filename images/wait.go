package images

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// maxBadPolls is how many polls in a row may fail without a response before a wait ends.
const maxBadPolls = 10

// tune sets up a waiter for a job. A poll without a response does not end the wait.
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

// settle waits until the image is in no transition. If the image does not exist, the error
// matches lambdamicrovms.IsNotFound.
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

// unblock waits until the reason of a refusal is gone: a busy image or a used-up quota. If
// waiting does not help, it returns the refusal as an *Error of the step.
func (j *job) unblock(ctx context.Context, api lambdamicrovms.GetMicroVMImageAPIClient, step Step, version string, refusal error) error {
	switch {
	case lambdamicrovms.IsImageBusy(refusal):
		// The service may still refuse an image that already reads as settled, so always wait.
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

// passing reports whether a quota frees up on its own, as those of builds and memory do. To
// free up those of images and versions, somebody has to delete some.
func passing(refusal error) bool {
	text := strings.ToLower(refusal.Error())
	return strings.Contains(text, "build") || strings.Contains(text, "memory")
}

// updatable reports whether a settled image can be updated.
func updatable(image *lambdamicrovms.GetMicroVMImageOutput) bool {
	return image.State != "DELETE_FAILED" && image.State != "DELETED"
}
