//go:build !lambdamicrovms_sdk

package lambdamicrovms

// sdkMiddlewares makes compiled chains run the SDK's middlewares where ours replace them.
// The tests must pass with and without it: go test -tags lambdamicrovms_sdk .
const sdkMiddlewares = false
