package fake

import (
	"errors"
	"os"
	"syscall"
)

const openNonblock = 0

// errorSharingViolation is ERROR_SHARING_VIOLATION of the Windows API.
const errorSharingViolation syscall.Errno = 32

// openLocked opens a file so that others cannot open it for writing until it is closed,
// or returns errHeld. Others can read it, to learn the holder's PID.
func openLocked(name string) (*os.File, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	handle, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE,
		syscall.FILE_SHARE_READ|syscall.FILE_SHARE_DELETE, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errorSharingViolation):
		return nil, errHeld
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(handle), name), nil
}
