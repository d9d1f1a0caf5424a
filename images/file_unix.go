//go:build unix

package images

import (
	"io/fs"
	"syscall"
)

// openFlags prevent open from blocking if a pipe has replaced a file.
const openFlags = syscall.O_NONBLOCK

// fileID identifies a file as os.SameFile does, but needs a tenth of the memory of a
// FileInfo.
type fileID struct{ device, inode uint64 }

func identify(info fs.FileInfo) fileID {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(stat.Dev), uint64(stat.Ino)} //nolint:unconvert // the types differ by system
	}
	return fileID{}
}

func (id fileID) same(info fs.FileInfo) bool { return id != fileID{} && id == identify(info) }
