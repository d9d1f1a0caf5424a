// Package bench compares the client with official clients of the AWS SDK for Go.
//
// The official client of AWS Lambda MicroVMs is not on the module proxy, so its closest
// kin stand in: service/lambda, whose UpdateFunctionConfiguration is a PUT with an
// environment that is echoed back, and service/scheduler, whose UpdateSchedule is a PUT.
// The floor is the same request by hand: our codec and the SDK's signer, and nothing
// else.
//
//	go run ./bench/cmd/compare              # all of it, some minutes; writes RESULTS.md and results.svg
//	go run ./bench/cmd/pack                 # images.Zip beside zip, tar and 7z; writes its section of RESULTS.md
//	go run ./bench/cmd/pack -memory         # memory of images.Zip by the number of files, likewise
//	go run ./bench/cmd/waiters              # polls and lateness of waiters, simulated; likewise
//	go run ./bench/cmd/growth               # costs by size; likewise
//	go run ./bench/cmd/cli                  # the command line beside the AWS CLI; likewise
//	go run ./bench/cmd/fake                 # package fake in a user's tests; likewise
//	go test -bench . -benchmem ./bench      # the calls and their parts, in the usual form
package bench
