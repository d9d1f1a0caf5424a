//go:build !unix

package images

import (
	"io/fs"
	"os"
)

const openFlags = 0

// fileID identifies a file.
type fileID struct{ info fs.FileInfo }

func identify(info fs.FileInfo) fileID { return fileID{info} }

func (id fileID) same(info fs.FileInfo) bool { return os.SameFile(id.info, info) }
