package images

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// statusAPI is the set of operations that setStatus calls.
type statusAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient // to wait for a busy image
	lambdamicrovms.UpdateMicroVMImageVersionAPIClient
}

// setStatus activates or deactivates a version, without a build.
func (j *job) setStatus(ctx context.Context, api statusAPI, version string, status types.MicroVMImageVersionStatus) error {
	step := StepActivate
	if status == types.MicroVMImageVersionStatusInactive {
		step = StepDeactivate
	}
	for {
		j.report(ctx, Event{Step: step, Version: version})
		_, err := withRetries(ctx, j, step, version, func(ctx context.Context) (*lambdamicrovms.UpdateMicroVMImageVersionOutput, error) {
			return api.UpdateMicroVMImageVersion(ctx, &lambdamicrovms.UpdateMicroVMImageVersionInput{
				ImageIdentifier: &j.image, ImageVersion: &version, Status: status,
			})
		})
		if !lambdamicrovms.IsImageBusy(err) {
			return err
		}
		if err := j.unblock(ctx, api, step, version, err); err != nil {
			return err
		}
	}
}
