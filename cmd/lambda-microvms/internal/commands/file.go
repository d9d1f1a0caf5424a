package commands

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// readInput reads the file that an option names, or standard input for "-".
func readInput(ctx context.Context, s *cli.Session, option, path string) (content []byte, err error) {
	if path == "-" {
		content, err = s.ReadStdin(ctx)
	} else {
		content, err = os.ReadFile(path)
	}
	switch {
	case ctx.Err() != nil:
		return nil, s.CallError(ctx, ctx.Err())
	case err != nil:
		return nil, fault.Parameter(option, "%s", err)
	}
	return content, nil
}

// wholeFile is a file that gets its name when it is complete. If it never is, nothing
// remains of it, even if a signal ends the program. A file that is not regular, such as a
// pipe, is written directly, and so is one that is standard output or standard error: the
// caller may have written to it, and has it open.
type wholeFile struct {
	*os.File
	path     string // empty: it has its name already
	standard bool   // standard output or standard error

	// mu is held while the file appears or vanishes in its directory.
	mu      sync.Mutex
	release func()
}

// newWholeFile begins a file. The caller must call discard.
func newWholeFile(s *cli.Session, path string) (*wholeFile, error) {
	info, err := os.Stat(path)
	for _, standard := range []*os.File{os.Stdout, os.Stderr} {
		if open, failed := standard.Stat(); err == nil && failed == nil && os.SameFile(info, open) {
			return &wholeFile{File: standard, standard: true, release: func() {}}, nil
		}
	}
	if err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &wholeFile{File: file, release: func() {}}, err
	}
	mode := os.FileMode(0o666) // less the umask, as that of any new file
	if err == nil {
		mode = info.Mode().Perm()
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace what the link names, not the link
	}
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8]+".part")
	f := &wholeFile{path: path}
	f.release = s.OnKill(func() {
		f.mu.Lock() // and never unlock: the command must not go on
		f.remove()
	})
	f.mu.Lock()
	f.File, err = os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	f.mu.Unlock()
	if err != nil {
		f.release()
	}
	return f, err
}

// keep gives the file its name.
func (f *wholeFile) keep() error {
	if f.standard {
		return nil
	}
	if err := f.Close(); err != nil || f.path == "" {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.path = ""
	return nil
}

// discard removes a file that was not kept.
func (f *wholeFile) discard() {
	f.mu.Lock()
	f.remove()
	f.mu.Unlock()
	f.release()
}

func (f *wholeFile) remove() {
	if f.File == nil || f.standard {
		return
	}
	_ = f.Close()
	if f.path != "" {
		_ = os.Remove(f.Name())
	}
}
