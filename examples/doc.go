// Package examples holds programs that use the client, each in a folder of its own.
package examples
