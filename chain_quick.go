//go:build !lambdamicrovms_sdk

package lambdamicrovms

// sdkMiddlewares makes compiled chains keep the SDK's middlewares instead of our faster
// ones. The tests must pass with and without it: go test -tags lambdamicrovms_sdk .
const sdkMiddlewares = false
