//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreBrokenPipes has writes to a closed pipe fail in place of ending the program, so
// that it can clean up.
func ignoreBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
