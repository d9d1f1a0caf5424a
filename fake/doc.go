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
// # MicroVMs
//
// A MicroVM starts, is suspended when it is idle, wakes when traffic comes and ends, as the service's do, by the
// server's time. Its endpoint answers too: with a Server as its Transport an [net/http.Client] reaches
// the hosts that RunMicroVM returns without a network. What the proxy in front of MicroVMs lets through goes to the
// handler of [WithApplication], or to one that answers the request as JSON, an [Echo].
//
// # What goes wrong
//
// Nothing by itself. [Server.Inject] makes builds fail or hang, calls be refused, and answers be late, broken or
// lost after the change was made, on conditions such as the operation, the name of the image or the number of the
// call; see [Effect] for all that it can. [Overrides] answer whole operations. [WithStrictSigning] checks signatures.
//
// # What is not known
//
// The server does not guess. Where nobody has measured what the service does, it answers 501 and says what is not
// known, with the name of the field of [Answers] or the option that settles it. Where only a member of an answer is
// not known it is null. What was measured, and is tested, stands in testdata/conformance/facts.txt.
//
// # Ways in
//
// A Server is an HTTPClient, which needs no network, and an [net/http.Handler]. The command
// fake-lambda-microvms serves it to the AWS CLI and other programs. It goes by the region that a request is
// signed for and the account that its access key belongs to, see [WithCredentials], so that one server is the
// service of all accounts in all regions. Requests whose Host is the endpoint of a MicroVM go there.
//
// # State
//
// [Server.Snapshot] returns all there is for a comparison, [Server.Calls] what the clients asked for.
// [Server.SaveState] and [Server.LoadState] carry the state from one server to the next, as seed data or over a
// restart; [Server.KeepState] has a file follow every change.
package fake
