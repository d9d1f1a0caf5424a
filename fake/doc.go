// Package fake is an in-process fake of the AWS Lambda MicroVMs service, for tests:
//
//	srv := fake.New(t)
//	client := lambdamicrovms.New(srv.Options())
//
// The client is the real one: it validates, signs, retries, waits and paginates as in
// production. The server keeps state and behaves as the real service was measured to: an
// image is busy while it is built, a version has two builds, an update replaces the whole
// configuration, a client token is never forgotten.
//
// # Time
//
// The server's time stands still until the test moves it with [Server.Advance], so that a
// build of two minutes takes no time. A client with [Server.Options] waits in that time:
// its waiters, the workflows of packages images and session, and the pauses before
// retries, also those that a Retry-After header asks for. Sessions also send their
// requests to the server.
//
// A type that wraps the client without the method Options hides the server. Then set the
// Clock of waiters and workflows to [Server.Clock], and the Transport of sessions to the
// Server. A test that polls in real time instead would wait forever; the server reports
// that, see [WithLog]. With [WithRealTime] the server uses package time, which
// testing/synctest controls.
//
// # MicroVMs
//
// MicroVMs start, are suspended when idle, resume on traffic and end at their maximum
// duration, all in the server's time. Their endpoints work without a network: a Server is
// a [net/http.RoundTripper] that reaches the hosts that RunMicroVM returns. The handler
// of [WithApplication] stands for the application in the MicroVM; the default one
// responds with the request as JSON, see [Echo].
//
// # Faults
//
// By default nothing fails. [Server.Inject] makes builds fail or hang, refuses calls, and
// delays, corrupts or loses responses; conditions select the operation, the image or the
// number of the call. [Effect] lists the faults. [Overrides] replace whole operations.
// [WithStrictSigning] verifies signatures, and [WithQuotas] sets limits.
//
// # Unknown behavior
//
// The server does not guess. Where nobody has measured what the service does, it responds
// with 501, and the message names the field of [Answers] that settles the case. A member
// whose value is unknown is null. [WithAssumedAnswers] gives the most plausible response
// instead and marks it. The measured facts, which the tests check one by one, are in
// testdata/conformance/facts.txt.
//
// # Other clients
//
// A Server is also a [net/http.Handler], for the AWS CLI and for other languages; the
// command fake-lambda-microvms serves it. The signature of a request selects the region
// and, by its access key, the account, see [WithCredentials]: one server is the service
// of all accounts and regions. Requests whose Host is the endpoint of a MicroVM go to
// that MicroVM.
//
// # State
//
// [Server.Snapshot] returns the whole state for comparison, [Server.Calls] the requests
// received so far. [Server.SaveState] and [Server.LoadState] move state between servers;
// [Server.KeepState] saves every change to a file.
package fake
