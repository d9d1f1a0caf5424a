// Package cwlogs reads the output of builds and MicroVMs from CloudWatch Logs.
//
// A [Reader] adds the last lines of a failed build to the error of a workflow:
//
//	reader := cwlogs.New(cloudwatchlogs.NewFromConfig(cfg))
//	_, err := images.Update(ctx, client, image, change, func(o *images.UpdateOptions) {
//		o.LogReader = reader
//	})
//	var failed *images.BuildFailedError
//	if errors.As(err, &failed) {
//		for _, line := range failed.Lines {
//			fmt.Println(line)
//		}
//	}
//
// It also follows the output of a MicroVM:
//
//	source, _ := session.LogSource(vm, input.Logging)
//	for line, err := range reader.Follow(ctx, source) {
//		…
//	}
//
// It is a module of its own, so that programs that do not read logs do not require the
// client of CloudWatch Logs. Package logs says what is known about groups and streams.
//
// # Rules
//
//  1. Lines are ordered by the time at which they were written. [Reader.Follow] returns
//     each line once. It returns a line that arrives up to a minute late after newer
//     lines, and loses a line that arrives even later.
//  2. Lines are cut and cleaned as by logs.Clean, because an application can write
//     anything, such as control sequences of a terminal. [Options].Raw returns them
//     unchanged.
//  3. If the log group or the streams of a source do not exist, the error is a
//     *logs.NotFoundError. Follow first waits for them; see [Options].AppearTimeout.
//  4. Follow ends without an error when the context ends, and a minute after the end of
//     the source if it has one.
//
// # Permissions
//
// The caller needs logs:FilterLogEvents and logs:DescribeLogStreams on the log group.
package cwlogs
