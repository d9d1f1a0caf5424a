// Package images has the tasks on MicroVM images that need more than one call:
//
//   - [Update] changes a configuration and keeps the rest of it, except the version of
//     the base image, which is the latest unless you keep it.
//   - [Deploy] creates or updates an image from a directory.
//   - [Rollback] makes an older version the active one.
//   - [Prune] deletes old versions.
//   - [SyncTags] sets the tags of an image.
//   - [Find] returns an image by its name.
//   - [Diff] shows what an update would change.
//   - [LogSource] says where CloudWatch Logs has the output of a build.
//
// Each of these workflows accepts an interface with only the operations that it calls. A
// *lambdamicrovms.Client implements it, and so can a stub. Workflows keep no state, and
// nothing runs in the background after they return.
//
//	result, err := images.Update(ctx, client, arn, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
//		in.Description = aws.String("now with a description")
//		return nil
//	})
//
// # Pitfalls that they handle
//
//   - UpdateMicroVMImage replaces the whole configuration and wipes what the request
//     omits. [Update] sends all of it, and [Diff] shows in advance what an update would
//     wipe.
//   - The service rejects changes to a busy image with one of two errors, and does not
//     notify you when it is free. All workflows wait until it is.
//   - The state of an image may be that of somebody else's update. Workflows wait for the
//     version that they started.
//   - The reason of a failed build takes three calls to find. [BuildFailedError] includes
//     it, and with [Options].LogReader the last lines of its output.
//   - Most operations do not accept an image name. [Find] and [ARN] return the ARN.
//   - An image can have at most 50 versions. [Prune] deletes those that are not needed.
//   - A request without a response may have been accepted. Workflows repeat it with the
//     same client token and read the versions, before they return an
//     [UnknownOutcomeError], which means that the outcome cannot be determined.
//
// # Incomplete responses
//
// A response without a member that the service always sends, such as a version, an ARN or
// the items of a list, counts as lost. No version is built twice or deleted because of
// it. A stub must therefore set these members; an empty list is an empty slice, not nil.
//
// Lists end after 1,000 pages, and lists of MicroVMs after 10,000, with a
// [lambdamicrovms.PageLimitError].
//
// # Throttling
//
// The client retries a throttled call first, usually twice. If it fails nevertheless, the
// workflow makes the call again after 5, 10 and 20 seconds, and then fails with an *Error
// that says how many calls it made and how long that took; lambdamicrovms.IsThrottle
// matches it. Nothing was started then. [Prune] repeats its deletions until BusyTimeout.
// Waits for a build go on after up to 10 throttled polls in a row.
//
// # Permissions
//
// Workflows need these IAM actions. Package iam makes policies with them.
//
//   - Find: lambda:ListMicrovmImages.
//   - Update: lambda:GetMicrovmImage, lambda:GetMicrovmImageVersion,
//     lambda:ListMicrovmImageBuilds, lambda:ListMicrovmImageVersions,
//     lambda:UpdateMicrovmImage.
//   - Deploy: lambda:CreateMicrovmImage, lambda:GetMicrovmImage,
//     lambda:GetMicrovmImageVersion, lambda:ListMicrovmImageBuilds,
//     lambda:ListMicrovmImageVersions, lambda:ListMicrovmImages, lambda:ListTags,
//     lambda:TagResource, lambda:UntagResource, lambda:UpdateMicrovmImage.
//   - Prune: lambda:DeleteMicrovmImageVersion, lambda:GetMicrovmImage,
//     lambda:GetMicrovmImageVersion, lambda:ListMicrovmImageVersions,
//     lambda:ListMicrovms, lambda:UpdateMicrovmImageVersion.
//   - Rollback: lambda:GetMicrovmImage, lambda:ListMicrovmImageVersions,
//     lambda:UpdateMicrovmImageVersion.
//   - SyncTags: lambda:ListTags, lambda:TagResource, lambda:UntagResource.
//
// Deploy needs the actions for tags only with tags or DeployOptions.Reuse.
//
// # Testing
//
// With a client of package fake, a workflow takes no time: it uses the server's clock,
// which advances whenever the workflow sleeps.
//
//	srv := fake.New(t)
//	client := lambdamicrovms.New(srv.Options())
//	deployed, err := images.Deploy(ctx, client, deployment)
//
// If you wrap the client in a type without its Options method, set Options.Clock to
// srv.Clock().
package images
