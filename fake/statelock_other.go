//go:build !windows && (!unix || aix || solaris)

package fake

import "os"

const openNonblock = 0

// openLocked does not lock: on these systems package syscall has no lock that ends with
// its process and also works between two servers of one process.
func openLocked(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}
