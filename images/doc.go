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
// An update of the service replaces the whole configuration: [Update] sends all of it, [Diff] tells beforehand
// what would be lost. An image that is busy is refused in two forms, and lets nobody know when it is free: all
// functions wait for it. A build reports its failure three calls away: [BuildFailedError] has it at hand. The
// state of an image may be that of another update: they wait for the version that they have started. A name is
// no identifier: [Find] and [ARN] make one of it. Versions are limited to 50: [Prune] deletes those that nobody
// needs. A request whose answer was lost may have been taken: it is repeated with the same client token, and
// the versions are looked at, before an [UnknownOutcomeError] says that there is no telling.
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
