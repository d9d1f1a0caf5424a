// Package fake is the AWS Lambda MicroVMs service in-process, for tests:
//
//	srv := fake.New(t)
//	client := lambdamicrovms.New(srv.Options())
//
// The client is the real one, with its validation, signing, retries, waiters and paginators. The server keeps
// state and behaves as the service was measured to: an image is busy while it is built, two builds make a
// version, an update replaces everything, a client token is remembered for good.
//
// # Time
//
// Builds take minutes, but only of the server's time, which a test moves with [Server.Advance]. A waiter
// takes no time with the server's clock:
//
//	lambdamicrovms.NewMicroVMImageUpdatedWaiter(client, func(o *lambdamicrovms.MicroVMImageUpdatedWaiterOptions) {
//		o.Clock = srv.Clock()
//	})
//
// [WithRealTime] takes the time from package time instead, which testing/synctest controls.
//
// # What goes wrong
//
// Nothing by itself. [Server.Inject] makes builds fail, on conditions such as the name of the image or the
// number of the call. [Overrides] answer whole operations.
//
// # What is not known
//
// The server does not guess. Where nobody has measured what the service does, it answers 501 with the name
// of the field of [Answers] that settles it.
//
// # Ways in
//
// A Server is an HTTPClient, which needs no network, and an [net/http.Handler]. The command
// fake-lambda-microvms serves it to the AWS CLI and other programs. It goes by the region that a request is
// signed for, so that one server is the service in all regions.
package fake
