//go:build unix && !aix && !solaris

package fake

import (
	"errors"
	"os"
	"syscall"
)

// openNonblock makes the open of a FIFO return at once.
const openNonblock = syscall.O_NONBLOCK

// openLocked opens and locks a file, or returns errHeld. The lock also excludes other
// servers in this process.
func openLocked(name string) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|openNonblock, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) //nolint:gosec // descriptors fit an int
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, &os.PathError{Op: "flock", Path: name, Err: err}
}
