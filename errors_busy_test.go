package lambdamicrovms_test

import (
	"fmt"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
)

func TestIsImageBusy(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	for _, test := range []struct {
		operation, code, message string
		want                     bool
	}{
		// Messages that were measured on the service.
		{"UpdateMicrovmImage", "ConflictException", "MicroVM Image is already in state: UPDATING", true},
		{"UpdateMicrovmImage", "ValidationException", "Cannot update MicroVM Image in its current state: " + arn, true},
		{"DeleteMicrovmImage", "ValidationException", "Cannot delete MicroVM image in its current state: " + arn, true},
		{"DeleteMicrovmImageVersion", "ConflictException", "MicroVM Image is already in state: UPDATING", true},
		{"UpdateMicrovmImageVersion", "ConflictException", "MicroVM Image is already in state: CREATING", true},
		// The same condition in other words.
		{"UpdateMicrovmImage", "ConflictException", "The image is currently Updating", true},
		{"UpdateMicrovmImage", "ValidationException", "The image is currently Updating.", true},
		{"UpdateMicrovmImage", "ValidationException", "Image '" + arn + "' is UPDATING", true},
		{"UpdateMicrovmImage", "ConflictException", "Image is in the DELETING state", true},
		{"UpdateMicrovmImage", "ConflictException", "The image is still being built", true},
		{"UpdateMicrovmImage", "ConflictException", "Another update is In Progress; try again later", true},
		{"UpdateMicrovmImage", "ConflictException", "Version 2.0 has status IN_PROGRESS", true},
		{"DeleteMicrovmImageVersion", "ConflictException", "MICROVM IMAGE IS BUSY", true},
		{"UpdateMicroVMImage", "ConflictException", "already in state: UPDATING", true}, // a stub's spelling
		{"", "ConflictException", "already in state: UPDATING", true},                   // a stub without an operation

		// Rejections for which waiting does not help.
		{"CreateMicrovmImage", "ValidationException", "A MicroVM image with the name 'updating' already exists in this account", false},
		{"", "ValidationException", "A MicroVM image with the name 'app' already exists in this account and is in state DELETING", false},
		{"DeleteMicrovmImage", "ValidationException", "Cannot delete microvm image with running microvms.", false},
		{"DeleteMicrovmImageVersion", "ValidationException", "This is the last version. Please delete the entire image", false},
		{"DeleteMicrovmImageVersion", "ValidationException", "Deleting the last version is not allowed", false},
		{"UpdateMicrovmImage", "ConflictException", "The provided clientToken was used with different request parameters.", false},
		{"UpdateMicrovmImage", "ValidationException", "Invalid baseMicroVMImageVersion: 1.0. Expected a single major version number (e.g., 1).", false},
		{"UpdateMicrovmImageVersion", "ValidationException", "1 validation error detected: Value 'is updating' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [ACTIVE, INACTIVE]", false},
		{"UpdateMicrovmImage", "ValidationException", "Updating a MicroVM image requires buildRoleArn", false},
		{"UpdateMicrovmImage", "ValidationException", "The description 'it is currently updating' is too long", false},
		{"UpdateMicrovmImage", "ValidationException", `The value "busy is updating", quoted, is wrong`, false},
		{"UpdateMicrovmImage", "ValidationException", "Image arn:aws:lambda:us-east-1:123456789012:microvm-image:is-updating is not yours", false},
		{"UpdateMicrovmImage", "ConflictException", "The image is not currently updating", false},
		{"UpdateMicrovmImageVersion", "ConflictException", "Version is already in state: ACTIVE", false},
		{"UpdateMicrovmImage", "ValidationException", "", false},
		// Errors of other operations and of other types.
		{"SuspendMicrovm", "ConflictException", "MicroVM is already in state: PENDING", false},
		{"RunMicrovm", "ValidationException", "The image is currently updating", false},
		{"UpdateMicrovmImage", "ServiceQuotaExceededException", "A build is in progress", false},
		{"UpdateMicrovmImage", "InternalServerException", "The image is currently updating", false},
	} {
		var err error = &smithy.GenericAPIError{Code: test.code, Message: test.message}
		if test.operation != "" {
			err = &smithy.OperationError{ServiceID: "Lambda Microvms", OperationName: test.operation, Err: err}
		}
		err = fmt.Errorf("wrapped: %w", err)
		if got := lambdamicrovms.IsImageBusy(err); got != test.want {
			t.Errorf("IsImageBusy = %t, want %t: %v", got, test.want, err)
		}
	}
	if lambdamicrovms.IsImageBusy(nil) {
		t.Error("nil is busy")
	}
}
