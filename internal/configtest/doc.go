// Package configtest tests NewFromConfig against aws-sdk-go-v2/config, which the root module must not require.
package configtest
