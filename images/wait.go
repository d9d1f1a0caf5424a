package images

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
)

// maxBadPolls ends a wait after this number of consecutive polls without a response.
const maxBadPolls = 10

// configureWaiter returns the options of a waiter. A lost response does not end the wait.
func configureWaiter[I, O any](ctx context.Context, j *job, step Step, version string) func(*lambdamicrovms.WaiterOptions[I, O]) {
	return func(o *lambdamicrovms.WaiterOptions[I, O]) {
		o.MinDelay, o.MaxDelay, o.Clock = j.MinDelay, j.MaxDelay, j.Clock
		judge, bad := o.Retryable, 0
		o.Retryable = func(ctx context.Context, in *I, out *O, err error) (bool, error) {
			if bad++; err == nil {
				bad = 0
			}
			if err != nil && bad < maxBadPolls && isLost(err) {
				return true, nil
			}
			return judge(ctx, in, out, err)
		}
		o.OnAttempt = func(a lambdamicrovms.WaiterAttempt) {
			if step == StepWaitForRemoval && lambdamicrovms.IsNotFound(a.Err) {
				a.Err = nil // what is waited for
			}
			j.report(ctx, Event{Step: step, Version: version, State: a.State, Delay: a.Delay, Err: a.Err})
			if step == StepWaitForImage && a.Err == nil && a.Delay > 0 && j.busy != nil {
				j.busy()
			}
		}
	}
}

// settle waits until the state of the image is not transitional. If the image does not
// exist, lambdamicrovms.IsNotFound matches the error.
func (j *job) settle(ctx context.Context, api lambdamicrovms.GetMicroVMImageAPIClient) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	left := max(j.BusyTimeout-j.waited, time.Second) // at least one poll
	began := j.Clock.Now()
	var out *lambdamicrovms.GetMicroVMImageOutput
	err := j.during(ctx, StepWaitForImage, "", func(ctx context.Context) (err error) {
		waiter := lambdamicrovms.NewMicroVMImageSettledWaiter(api,
			configureWaiter[lambdamicrovms.GetMicroVMImageInput, lambdamicrovms.GetMicroVMImageOutput](ctx, j, StepWaitForImage, ""))
		out, err = waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &j.image}, left)
		return err
	})
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

// unblock waits after the service rejected a request because the image is busy or a quota
// is used up. For any other rejection it returns an *Error of the step.
func (j *job) unblock(ctx context.Context, api lambdamicrovms.GetMicroVMImageAPIClient, step Step, version string, rejection error) error {
	switch {
	case lambdamicrovms.IsImageBusy(rejection):
		// The image may look settled while the service still rejects requests, so always
		// wait.
		if err := j.sleep(ctx, StepWaitForImage, 5*time.Second, rejection); err != nil {
			return err
		}
		image, err := j.settle(ctx, api)
		if err == nil && !updatable(image) {
			return &Error{Workflow: j.workflow, Image: j.image, Version: version, Step: step, State: string(image.State), Err: rejection}
		}
		return err
	case lambdamicrovms.IsQuotaExceeded(rejection) && freesUp(rejection):
		return j.sleep(ctx, StepWaitForQuota, 30*time.Second, rejection)
	}
	return j.fail(step, version, rejection)
}

// freesUp reports whether a quota frees up on its own, as those of builds and memory do.
// Quotas of images and versions do not: somebody has to delete some.
func freesUp(rejection error) bool {
	text := strings.ToLower(rejection.Error())
	return strings.Contains(text, "build") || strings.Contains(text, "memory")
}

// updatable reports whether a settled image can be updated.
func updatable(image *lambdamicrovms.GetMicroVMImageOutput) bool {
	return image.State != "DELETE_FAILED" && image.State != "DELETED"
}
