// Package chaos tests that the client, images and session keep their promises while many
// faults happen at once. It has only tests. They run against package fake, with faults
// drawn from a seed:
//
//	go test ./internal/chaos                                                      # a few seconds
//	go test ./internal/chaos -run Chaos -v -timeout 60m -chaos.calls 100000 -chaos.seed 1
//
// Each call is judged by the state of the server afterwards, which the test reads
// directly and not through the client:
//
//   - it had at most one effect, and exactly one if it returned no error;
//   - a success has its output, even if responses lose their bodies;
//   - the type of an error says so if the call may have had an effect;
//   - an error says so only after an attempt whose outcome is unknown;
//   - no call starts a second build, and reading calls change nothing;
//   - every call returns, at the latest soon after its context ends, and then sends
//     nothing;
//   - no response body stays open, and no goroutine keeps running.
//
// The seed and the number of the episode (-chaos.episode) determine a run, except for the
// order of goroutines in episodes with several workers or a network.
package chaos
