// Package examples holds programs that use the client, each in a directory of its own.
package examples
