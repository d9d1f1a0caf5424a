//go:build !windows && (!unix || aix || solaris)

package fake

import "os"

const openNonblock = 0

// openLocked locks nothing: these systems have no lock in package syscall that ends with
// its process and also tells two servers of one process apart.
func openLocked(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
