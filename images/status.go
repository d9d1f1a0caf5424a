package images

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// statusAPI is what it takes to set the status of a version.
type statusAPI interface {
	lambdamicrovms.GetMicroVMImageAPIClient // to wait for an image that is busy
	lambdamicrovms.UpdateMicroVMImageVersionAPIClient
}

// setStatus activates or deactivates a version, which is no build.
func (j *job) setStatus(ctx context.Context, api statusAPI, version string, status types.MicroVMImageVersionStatus) error {
	step := StepActivate
	if status == types.MicroVMImageVersionStatusInactive {
		step = StepDeactivate
	}
	for {
		j.tell(Event{Step: step, Version: version})
		_, err := insist(ctx, j, step, version, func() (*lambdamicrovms.UpdateMicroVMImageVersionOutput, error) {
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
