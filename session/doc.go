// Package session runs one MicroVM from start to end: it starts the MicroVM, waits until
// it is RUNNING, sends HTTP requests to the application in it, and terminates it.
//
//	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
//	...
//	defer s.Close()
//	resp, err := s.Client().Get("/hello")
//
// It is not a pool: each [Session] is one MicroVM. [Attach] makes a session for an
// existing MicroVM. [Sweep] terminates MicroVMs whose sessions were never closed.
// [LogSource] says where CloudWatch Logs has the output of a MicroVM.
//
// # Start and end
//
// A MicroVM that nobody knows about keeps running and costs money. Therefore:
//
//  1. [Run] terminates the MicroVM if it does not reach RUNNING, even if the context has
//     ended.
//  2. If the response to RunMicroVM is lost (an *[lambdamicrovms.UncertainError], or a
//     success without an id), Run repeats the call with the same client token to learn
//     the id, and terminates that MicroVM.
//  3. If no request was sent, Run returns the error and does nothing else.
//  4. [Session.Close] terminates the MicroVM, even if the context has ended.
//
// # Requests
//
// A Session is a [net/http.RoundTripper], and [Session.Client] returns a
// [net/http.Client] that uses it. A URL may omit the host ("/hello"), or name the
// session's host with or without a port, as [Session.URL] does.
//
//   - The session adds the token and the port to a copy of the request. They appear
//     neither in the caller's request, nor in the response, nor in errors.
//   - A request for another host fails with a *[HostError]. A redirect to another host is
//     returned, not followed.
//   - A header may choose another port only if [Options].HeaderPorts lists it. A session
//     can therefore be the transport of a [net/http/httputil.ReverseProxy]: remote
//     clients reach only the ports that the program has allowed. See [Session.RoundTrip]
//     for the rules.
//
// # Tokens
//
// By default each token opens one port, the port of the request; see
// [Options].AllowedPorts. After four fifths of a token's lifetime, the next request
// renews it in the background. Requests wait for a token only if there is no valid one.
// Without requests nothing runs in the background. The service checks a token only when a
// connection opens.
//
// # Errors
//
//   - *[StartError]: [Run] could not start the MicroVM. It names the log group of the
//     output, and with [Options].LogReader has the last lines.
//   - *[StateError]: the MicroVM is in the wrong state for the action.
//   - *[TerminateError]: the MicroVM could not be terminated and may still be running.
//   - *[ProxyError]: the proxy in front of the MicroVM rejected a request.
//   - *[HostError], *[PortError]: the request names another host, or a port that it must
//     not use. It was not sent.
//   - *[SweepError]: [Sweep] is incomplete.
//   - [ErrClosed]: the session is closed.
//   - *smithy.DeserializationError: a successful response lacks an id, a state, an
//     endpoint or a token.
//   - *[PanicError]: code that the caller supplied panicked in a shared call. Concurrent
//     requests share the calls that create tokens and resume the MicroVM; every waiting
//     caller panics with this error.
//
// Errors with a cause wrap it, for [errors.As].
//
// A response of the application is returned whatever its status. It is told from the
// proxy's own by observed behavior: the body of the proxy's 403 is exactly one of three
// texts, and its 502 has no body. An empty 502 could also come from the application. If
// the MicroVM is RUNNING, the session reports it as [KindNothingListening].
//
// # Requests that are sent twice
//
// A request is sent again, at most once for each reason, after:
//
//   - the proxy rejected its token;
//   - a suspended MicroVM was resumed, with [Options].ResumeOnDemand.
//
// Only requests that net/http considers safe to repeat are sent again: the method is GET,
// HEAD, OPTIONS or TRACE, or there is an Idempotency-Key or X-Idempotency-Key header; and
// the request has no body, or has GetBody.
//
// # Secrets
//
// A Session and a [Handshake] print [REDACTED] instead of the token. The fields of a
// Handshake contain the token, because a WebSocket library needs it: do not log them.
//
// Errors, records and spans do not have the payload that Run was given, even if a proxy,
// the application or the service repeats it; see "Secrets" in package lambdamicrovms for
// what counts as a repetition. Those of requests also do not have the token. Records and
// spans of requests have no query, no fragment, no user and no credentials of headers.
// The error of an http.Client itself quotes the URL of the request.
//
// # Permissions
//
// A session and a sweep need these IAM actions. Package iam makes policies with them.
//
//   - Run: lambda:CreateMicrovmAuthToken, lambda:CreateMicrovmShellAuthToken,
//     lambda:GetMicrovm, lambda:ResumeMicrovm, lambda:RunMicrovm, lambda:SuspendMicrovm,
//     lambda:TerminateMicrovm.
//   - Attach: lambda:CreateMicrovmAuthToken, lambda:CreateMicrovmShellAuthToken,
//     lambda:GetMicrovm, lambda:ResumeMicrovm, lambda:SuspendMicrovm,
//     lambda:TerminateMicrovm.
//   - Sweep: lambda:ListMicrovms, lambda:TerminateMicrovm.
//
// The actions for tokens, suspending, resuming and terminating are needed only if the
// program does these things.
//
// # Testing
//
// With a client of package fake, a session takes no time and needs no network: it uses
// the server's clock, and the server as its Transport. A [net/http.Handler] acts as the
// application in the MicroVM.
//
//	srv := fake.New(t, fake.WithApplication(handler))
//	client := lambdamicrovms.New(srv.Options())
//	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
//
// If you wrap the client in a type without its Options method, set both yourself:
//
//	func(o *session.Options) { o.Clock, o.Transport = srv.Clock(), srv }
package session
