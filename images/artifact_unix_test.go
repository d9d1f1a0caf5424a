//go:build unix

package images_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/microvm-go/lambdamicrovms/images"
)

// Opening or reading a pipe would block permanently.
func TestZipRefusesPipes(t *testing.T) {
	for name, want := range map[string]string{
		"pipe":                    "pipe: this is neither a file nor a directory",
		"Dockerfile":              "Dockerfile: this is neither a file nor a directory",
		".dockerignore":           ".dockerignore: this is not a regular file",
		"Dockerfile.dockerignore": "Dockerfile.dockerignore: this is not a regular file",
	} {
		files := map[string]string{"Dockerfile": "", "link": "->Dockerfile"}
		delete(files, name)
		dir := directory(t, files)
		pipe(t, filepath.Join(dir, name))
		if _, err := images.Zip(context.Background(), io.Discard, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", name, err)
		}
	}

	itself := filepath.Join(t.TempDir(), "pipe")
	pipe(t, itself)
	if _, err := images.Zip(context.Background(), io.Discard, itself); err == nil || !strings.HasSuffix(err.Error(), ": this is not a directory") {
		t.Errorf("the directory itself: %v", err)
	}

	dir := directory(t, map[string]string{"Dockerfile": "", ".dockerignore": "->pipe"})
	pipe(t, filepath.Join(dir, "pipe"))
	if _, err := images.Zip(context.Background(), io.Discard, dir); err == nil || !strings.Contains(err.Error(), ".dockerignore: this is not a regular file") {
		t.Errorf("a link: %v", err)
	}
}

func pipe(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file or directory becomes a pipe while Zip runs.
func TestZipRefusesNewPipes(t *testing.T) {
	for _, name := range []string{"m", "m/a", ".dockerignore", "Dockerfile"} {
		refused := 0
		for moment, last := 1, false; !last; moment++ {
			dir := directory(t, map[string]string{"Dockerfile": "", ".dockerignore": "moved", "m/a": "a", "z": "z"})
			last = true
			ctx := hook(func(call int) {
				if call == moment {
					last = false
					if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "moved")); err != nil {
						t.Fatal(err)
					}
					pipe(t, filepath.Join(dir, name))
				}
			})
			if _, err := images.Zip(ctx, io.Discard, dir); err != nil {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("%s: never refused", name)
		}
	}
}

// BuildKit ignores an unreadable directory if it is excluded.
func TestZipUnreadableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		unprivileged(t)
		return
	}
	for ignore, want := range map[string]bool{"": false, "locked": true, "locked\n!**/*.md": true} {
		dir := directory(t, map[string]string{"Dockerfile": "", ".dockerignore": ignore, "locked/": ""})
		locked := filepath.Join(dir, "locked")
		if err := os.Chmod(locked, 0); err != nil {
			t.Fatal(err)
		}
		_, err := images.Zip(context.Background(), io.Discard, dir)
		if got := err == nil; got != want {
			t.Errorf("%q: %v", ignore, err)
		}
		if err := os.Chmod(locked, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// unprivileged runs the test in a process of another user, because root reads everything.
func unprivileged(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	if err := errors.Join(os.Chown(dir, nobody, nobody), os.Chmod(filepath.Dir(dir), 0o755)); err != nil { //nolint:gosec // for that user
		t.Fatal(err)
	}
	// That user may not be able to open the program by its path.
	test := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	test.Dir = "/"
	test.Env = append(os.Environ(), "TMPDIR="+dir)
	test.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := test.CombinedOutput()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		t.Skipf("cannot run as another user: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
