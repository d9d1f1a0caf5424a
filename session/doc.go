// Package session takes a MicroVM from its start to its end: it runs one, waits until it is there, speaks HTTP to
// what runs in it, and terminates it.
//
//	s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &imageARN})
//	...
//	defer s.Close()
//	answer, err := s.Client().Get("/hello")
//
// It is not a pool and no proxy: each [Session] is one MicroVM. [Attach] makes one for a MicroVM that runs
// already; [Sweep] terminates those that nobody has closed.
//
// # Start and end
//
// A MicroVM that [Run] could not see RUNNING is terminated before Run returns, also when the context has ended, and
// even when the answer to RunMicroVM was lost. [Session.Close] terminates whatever has become of the context.
//
// # Requests
//
// A Session is an [net/http.RoundTripper], and Session.Client an [net/http.Client] over it. Requests may leave the
// host out ("/hello"), name that of the session, or name a port with it, as [Session.URL] does. The headers of
// the token and the port are added to a copy of the request, so that they show neither in the request, nor in the
// response, nor in errors. A request for another host is refused, and a redirect to one is not followed.
//
// # Tokens
//
// A token opens only the port that is asked for, unless [Options].AllowedPorts says otherwise. The first request that
// comes when four fifths of its life have passed begins to renew it; until it has expired nobody waits for
// that. Without requests nothing runs in the background. The service checks a token only when a connection opens.
//
// # Errors
//
// What the proxy in front of the MicroVM refuses is a *[ProxyError]; what the application answers is a response, whatever
// its status. They are told apart by what was measured: the proxy's 403 has one of three texts as its whole body, its
// 502 has none. An empty 502 is the application's own, too, in theory; if the MicroVM is RUNNING it is taken
// for that of a port on which nothing listens. Other errors are *[StartError], *[StateError], *[TerminateError],
// *[HostError] and *[SweepError]; around them stand those of the client, for [errors.As].
//
// # What is sent twice
//
// A request is sent again after its token was refused, and, with [Options].ResumeOnDemand, after a suspended
// MicroVM was resumed; once for each, and only if that is safe by the rules of net/http: GET, HEAD, OPTIONS and
// TRACE, or a header Idempotency-Key or X-Idempotency-Key, and no body or one that GetBody gives again.
//
// # Secrets
//
// Sessions print as [REDACTED] where they hold a token. The results of [Session.WebSocket] and [Session.Shell] do hold
// one, since they are for a library of your own: keep them out of logs.
package session
