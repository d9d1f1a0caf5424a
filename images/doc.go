// Package images does with MicroVM images what takes more than one call: change a configuration without losing
// the rest of it, deploy a folder, prune versions, roll back, keep tags in step.
//
// Each workflow is a function that takes an interface with just the operations that it calls, so that a
// *lambdamicrovms.Client will do as well as a stub. There is no state between calls, and nothing runs in the
// background: when a function has returned, or its context has ended, it is over.
//
//	result, err := images.Update(ctx, client, arn, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
//		in.Description = aws.String("now with a description")
//		return nil
//	})
//
// # What they take care of
//
//   - An update of the service replaces the whole configuration: [Update] sends all of it, and [Diff]
//     shows beforehand what an update would wipe.
//   - The service refuses changes to a busy image with one of two errors, and does not notify you when it
//     is free. All functions wait for it.
//   - The state of an image may be that of somebody else's update. Functions wait for the version that
//     they started.
//   - The reason of a failed build takes three calls to find: [BuildFailedError] includes it.
//   - A name is no identifier: [Find] and [ARN] turn it into one.
//   - An image can have 50 versions: [Prune] deletes those that nobody needs.
//   - A request without a response may have been accepted. It is repeated with the same client token, and
//     the versions are read, before an [UnknownOutcomeError] says that the outcome cannot be determined.
//
// # Responses that cannot be read
//
// A response that lacks what the service always sends, such as a version, an ARN or the items of a list, counts
// as lost, whatever interface it came through: nothing is built again because of it, and nothing is deleted. A
// stub of your own must therefore fill in these members; an empty list is an empty slice, not nil. Lists end
// after 1,000 pages, those of MicroVMs after 10,000, with a [lambdamicrovms.PageLimitError].
//
// # Testing
//
// A workflow with a client of package fake takes no time: it uses the server's clock, which moves on whenever
// somebody sleeps.
//
//	srv := fake.New(t)
//	client := lambdamicrovms.New(srv.Options())
//	deployed, err := images.Deploy(ctx, client, deployment)
//
// A stub of your own that hides the client's Options method needs Options.Clock: srv.Clock().
package images
