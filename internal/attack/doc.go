// Package attack has the tests that attack the client rather than specify it:
//
//   - hostile: servers that send endless, broken, deeply nested or slow responses
//   - injection: identifiers, options and endpoints that could change where a request
//     goes
//   - secrets: a search for credentials and sensitive members in everything that a client
//     prints, logs and returns
//   - concurrency: a thousand goroutines on one client
//
// The tests use only the exported API. Package chaos attacks workflows with a network
// that loses requests and responses.
package attack
