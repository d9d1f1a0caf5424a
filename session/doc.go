// Package session runs one MicroVM from start to end: it starts it, waits until it is
// RUNNING, sends HTTP requests to the application in it, and terminates it.
//
//	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
//	...
//	defer s.Close()
//	resp, err := s.Client().Get("/hello")
//
// It is not a pool: each [Session] is one MicroVM. [Attach] makes a session for a MicroVM
// that runs already; [Sweep] terminates those that nobody has closed.
//
// # Start and end
//
// [Run] terminates a MicroVM that it did not see RUNNING, even if the context has ended, and
// even if the response to RunMicroVM was lost: an *[lambdamicrovms.UncertainError], or a
// success that names no MicroVM. It then repeats the call with the same client token to
// learn the id. After a failure in which nothing was sent it starts nothing.
// [Session.Close] terminates the MicroVM whether or not the context has ended.
//
// # Requests
//
// A Session is an [net/http.RoundTripper], and [Session.Client] returns an
// [net/http.Client] that uses it. A URL may leave the host out ("/hello"), name the session's
// host, or name a port with it, as [Session.URL] does. The headers of the token and the port
// are added to a copy of the request, so they appear neither in the request, nor in the
// response, nor in errors. A request for another host is refused, and a redirect to one is
// not followed.
//
// A header chooses another port only if [Options].HeaderPorts lists it, so a session can
// stand behind a [net/http/httputil.ReverseProxy]: its clients reach the ports that the
// program has chosen. See [Session.RoundTrip] for the rules.
//
// # Tokens
//
// A token opens only the port of the request, unless [Options].AllowedPorts says otherwise.
// The first request after four fifths of its life begins to renew it; nobody waits for that
// until it has expired. Without requests nothing runs in the background. The service checks
// a token only when a connection opens.
//
// # Errors
//
// A refusal by the proxy in front of the MicroVM is a *[ProxyError]; a response of the
// application is a response, whatever its status. They are told apart by what was measured:
// the proxy's 403 has one of three texts as its whole body, its 502 has no body. An empty
// 502 could be the application's; if the MicroVM is RUNNING, it is taken to mean that
// nothing listens on the port.
//
// The other types are *[StartError], *[StateError], *[TerminateError], *[HostError],
// *[PortError] and *[SweepError]. They wrap the errors of the client, for [errors.As]. A
// response that succeeds and lacks an id, a state, an endpoint or a token is an error, too:
// a *smithy.DeserializationError.
//
// Concurrent requests share the calls for tokens and resumes. If code that the caller
// supplied panics in such a call, every waiting caller panics with a *[PanicError].
//
// # What is sent twice
//
// A request is sent again after its token was refused, and, with [Options].ResumeOnDemand,
// after a suspended MicroVM was resumed; once for each, and only if that is safe by the
// rules of net/http: GET, HEAD, OPTIONS and TRACE, or a header Idempotency-Key or
// X-Idempotency-Key, and no body or one that GetBody returns again.
//
// # Secrets
//
// A Session and a [Handshake] print as [REDACTED] where they hold a token. The fields of a
// Handshake do hold it, since they are for a WebSocket library: keep them out of logs.
//
// # Testing
//
// A session with a client of package fake takes no time and needs no network: it uses the server's clock and has
// the server as its Transport. An [net/http.Handler] stands for the application in the MicroVM.
//
//	srv := fake.New(t, fake.WithApplication(handler))
//	client := lambdamicrovms.New(srv.Options())
//	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
//
// A stub of your own that hides the client's Options method needs both by hand:
//
//	func(o *session.Options) { o.Clock, o.Transport = srv.Clock(), srv }
package session
