package session

import (
	"context"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
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
	source, ok := logs.NewSource(deref(vm.ImageArn), logging)
	if ok {
		source.Version, source.MicroVMID = deref(vm.ImageVersion), deref(vm.MicroVMId)
		source.Since, source.Until = deref(vm.StartedAt), deref(vm.TerminatedAt)
	}
	return source, ok
}

func loggingOf(input *lambdamicrovms.RunMicroVMInput) types.Logging {
	if input == nil {
		return nil
	}
	return input.Logging
}

// logTimeout limits how long reading the output of a MicroVM delays the error of Run. It
// is measured with the system clock.
const logTimeout = 30 * time.Second

// lastLines reads the last lines of a MicroVM.
func (s *Session) lastLines(ctx context.Context, source logs.Source) (lines []logs.Line, err error) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	var read []logs.Line
	err = s.during(ctx, "read", func(ctx context.Context) (err error) {
		read, err = s.options.LogReader.Tail(ctx, source, s.options.LogLines)
		return err
	})
	for _, line := range read[max(0, len(read)-s.options.LogLines):] {
		line.Text, line.Stream = s.secrets.Clean(line.Text, redact.MaxText), redact.Clean(line.Stream, redact.MaxText)
		lines = append(lines, line)
	}
	return lines, s.secrets.Error(err)
}
