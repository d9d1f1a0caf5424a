package commands

import (
	"fmt"
	"os"
	"path/filepath"
)

// wholeFile is a file that appears under its name when it is complete. One that is no
// regular file, such as a pipe, is written directly.
type wholeFile struct {
	*os.File
	path string // empty: it has its name already
}

func newWholeFile(path string) (*wholeFile, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &wholeFile{File: file}, err
	}
	mode := os.FileMode(0o666) // less the umask, as that of any new file
	if err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace what the link names, not the link
	}
	name := fmt.Sprintf(".%s.%d.part", filepath.Base(path), os.Getpid())
	file, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	return &wholeFile{File: file, path: path}, err
}

// keep gives the file its name.
func (f *wholeFile) keep() error {
	if err := f.Close(); err != nil || f.path == "" {
		return err
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.path = ""
	return nil
}

// discard removes a file that was not kept.
func (f *wholeFile) discard() {
	_ = f.Close()
	if f.path != "" {
		_ = os.Remove(f.Name())
	}
}
