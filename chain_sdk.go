//go:build lambdamicrovms_sdk

package lambdamicrovms

const sdkMiddlewares = true
