//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreBrokenPipes makes writes to a closed pipe return an error. By default they end
// the program, which then cannot clean up.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
