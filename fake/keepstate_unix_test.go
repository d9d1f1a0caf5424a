//go:build unix

package fake_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// A path that is not a regular file causes an error: the server neither waits for it nor
// replaces it.
func TestStateFileIsIrregular(t *testing.T) {
	dir := t.TempDir()
	fifo, directory, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "directory"), filepath.Join(dir, "link")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.Mkdir(directory, 0o700), os.Symlink(fifo, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, directory, link, os.DevNull} {
		srv := fake.New(t)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		mode := info.Mode()
		for how, do := range map[string]func(string) error{"load": srv.LoadState, "save": srv.SaveState, "keep": srv.KeepState} {
			if err := do(path); !errors.Is(err, fake.StateIrregular) && !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s %s: %v", how, path, err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s became %v, %v", path, info, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
}
