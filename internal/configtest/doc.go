// Package configtest tests the root module against libraries that it must not require:
// aws-sdk-go-v2/config, and three libraries of YAML.
package configtest
