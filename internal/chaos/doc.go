// Package chaos tests that the client, images and session keep their promises while everything goes wrong at once. It
// has tests only, and drives them against package fake, from a seed:
//
//	go test ./internal/chaos                                                      # a few seconds
//	go test ./internal/chaos -run Chaos -v -timeout 60m -chaos.calls 100000 -chaos.seed 1
//
// Each call is judged by what the server then has, which no client has told:
//
//   - it has had one effect at most, and exactly one if it returned no error;
//   - a success has its output, also where responses lose their bodies;
//   - an error of a call that had an effect says by its type that this may be;
//   - an error says so only if an attempt was sent whose answer leaves it open;
//   - no call starts a second build, and what only reads changes nothing;
//   - every call ends, soon after its context at the latest, and sends nothing after that;
//   - no body of a response is left open, and no goroutine.
//
// What happens depends on the seed and the number of the episode, -chaos.episode, except for the order in which goroutines
// run in episodes with several of them and over a network.
package chaos
