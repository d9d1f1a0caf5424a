// Package logs says where CloudWatch Logs has the output of builds and MicroVMs.
//
// A [Source] names the log group, the streams and the time. images.LogSource and
// session.LogSource return it; a [Reader] reads it. This package makes no calls. Module
// cwlogs has a Reader over CloudWatch Logs.
//
// # What is known
//
// These facts were measured against the live service:
//
//   - Without a logging configuration, builds and MicroVMs of an image write to the log
//     group /aws/lambda-microvms/<image name>. A MicroVM does not inherit the log group
//     of its image: its own is set in RunMicroVM.
//   - A build runs in three MicroVMs, each with its own stream.
//   - The streams of MicroVMs are named YYYY/MM/DD[<version>]<MicroVM id>, unless the
//     configuration names a stream. That stream has the output of all phases.
//   - A log group remains after its image was deleted.
//
// Nobody has measured:
//
//   - in which time zone the date is. A Source therefore has the prefixes of three days.
//   - whether a MicroVM without an execution role writes anything.
//   - how long it takes until a line can be read. The last lines before a failure may
//     still be missing when the failure is known.
package logs
