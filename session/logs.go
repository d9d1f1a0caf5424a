package session

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

// LogSource returns where CloudWatch Logs has the output of a MicroVM. It returns false
// if logging is disabled, or if the MicroVM has no ARN of an image.
//
// Responses do not contain the logging configuration: logging is that of the
// RunMicroVMInput, or nil if it had none. The MicroVM does not inherit that of its image.
// Nobody has measured whether a MicroVM without an execution role writes output.
//
// The output begins when the MicroVM was started. If it has ended, Until is the time of
// its end.
func LogSource(vm *lambdamicrovms.GetMicroVMOutput, logging types.Logging) (logs.Source, bool) {
	if vm == nil {
		return logs.Source{}, false
	}
	source, ok := logs.NewSource(aws.ToString(vm.ImageArn), logging)
	if ok {
		source.Version, source.MicroVMID = aws.ToString(vm.ImageVersion), aws.ToString(vm.MicroVMId)
		source.Since, source.Until = aws.ToTime(vm.StartedAt), aws.ToTime(vm.TerminatedAt)
	}
	return source, ok
}

func loggingOf(input *lambdamicrovms.RunMicroVMInput) types.Logging {
	if input == nil {
		return nil
	}
	return input.Logging
}
