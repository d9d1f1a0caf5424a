// Package attack has the tests that attack the client rather than specify it:
//
//   - hostile: servers that send endless, broken, deep or slow responses
//   - injection: identifiers, options and endpoints that could change where a request goes
//   - secrets: a search for credentials and sensitive members in all that a client prints, logs
//     and returns
//   - concurrency: a thousand goroutines on one client
//
// They use the exported API only. Package chaos attacks workflows by a network that loses
// requests and responses.
package attack
