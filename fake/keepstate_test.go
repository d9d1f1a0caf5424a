package fake_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

func keep(t *testing.T, path string) *fake.Server {
	t.Helper()
	srv := fake.New(t)
	if err := srv.KeepState(path); err != nil {
		t.Fatal(err)
	}
	return srv
}

func add(t *testing.T, srv *fake.Server, name string) {
	t.Helper()
	if _, err := lambdamicrovms.New(srv.Options()).CreateMicroVMImage(context.Background(), createInput(name)); err != nil {
		t.Fatal(err)
	}
}

func imageNames(srv *fake.Server) (names []string) {
	for _, image := range srv.Snapshot().Images {
		names = append(names, image.Name)
	}
	return names
}

func wantInUse(t *testing.T, err error, pid int) {
	t.Helper()
	var state *fake.StateError
	if !errors.As(err, &state) || !errors.Is(err, fake.StateInUse) || state.PID != pid {
		t.Errorf("%v, want that process %d keeps the file", err, pid)
	}
}

func TestKeepStateExcludesOthers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	first := keep(t, path)
	add(t, first, "app")

	second := fake.New(t)
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		wantInUse(t, second.KeepState(name), os.Getpid())
		wantInUse(t, second.SaveState(name), os.Getpid())
	}
	if err := second.LoadState(path); err != nil {
		t.Errorf("reading needs no lock: %v", err)
	}
	if err := errors.Join(first.SaveState(link), first.KeepState(path)); err != nil {
		t.Errorf("its own file: %v", err)
	}
	wantInUse(t, second.KeepState(path), os.Getpid())

	// KeepState for another file, or for none, releases the first one.
	if err := first.KeepState(filepath.Join(dir, "other.json")); err != nil {
		t.Fatal(err)
	}
	if err := second.KeepState(path); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := lambdamicrovms.New(second.Options(), func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 1 }).
		CreateMicroVMImage(context.Background(), createInput("late")); !strings.HasPrefix(verdict(err), "503") {
		t.Errorf("a call after Close: %v", err)
	}
	if diff := cmp.Diff([]string{"app"}, imageNames(keep(t, path))); diff != "" {
		t.Error(diff)
	}
}

// TestKeepStateAfterKill kills a process that keeps the file, and checks that the file
// can be kept again.
func TestKeepStateAfterKill(t *testing.T) {
	if path := os.Getenv("FAKE_KEEP_STATE"); path != "" {
		add(t, keep(t, path), "app")
		_, _ = os.Stdout.WriteString("kept\n")
		select {}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	other := exec.Command(os.Args[0], "-test.run=^TestKeepStateAfterKill$")
	other.Env = append(os.Environ(), "FAKE_KEEP_STATE="+path)
	output, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "kept\n" {
		t.Fatalf("%q, %v", line, err)
	}
	srv := fake.New(t)
	wantInUse(t, srv.KeepState(path), other.Process.Pid)

	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait()
	torn, theirs := filepath.Join(dir, ".state.json.tmp-123"), filepath.Join(dir, ".state.json.tmp-mine")
	for _, name := range []string{torn, theirs} {
		if err := os.WriteFile(name, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.KeepState(path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app"}, imageNames(srv)); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(torn); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("a file of somebody else: %v", err)
	}
}

func TestKeepStateThroughLink(t *testing.T) {
	for _, content := range []string{"", "\n", "absent"} {
		dir := t.TempDir()
		target, link := filepath.Join(dir, "target.json"), filepath.Join(dir, "link.json")
		if content != "absent" {
			if err := os.WriteFile(target, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("target.json", link); err != nil {
			t.Fatal(err)
		}
		srv := keep(t, link)
		add(t, srv, "app")
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%q: the link became %v, %v", content, info, err)
		}
		again := fake.New(t)
		if err := again.LoadState(target); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"app"}, imageNames(again)); diff != "" {
			t.Errorf("%q: %s", content, diff)
		}
	}
}

// All paths of a file mean the same file, also those through links to directories.
func TestKeepStateByOtherNames(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "other", "deep")
	path := filepath.Join(dir, "other", "state.json")
	viaDir := filepath.Join(dir, "dir", "state.json")
	// Not filepath.Join, which would remove "..": the parent of deep is other, not dir.
	viaParent := filepath.Join(dir, "deep") + filepath.FromSlash("/../state.json")
	viaFile := filepath.Join(dir, "file")
	err := errors.Join(os.MkdirAll(deep, 0o700),
		os.Symlink("other", filepath.Join(dir, "dir")),
		os.Symlink(deep, filepath.Join(dir, "deep")),
		os.Symlink(filepath.FromSlash("deep/../state.json"), viaFile))
	if err != nil {
		t.Fatal(err)
	}
	first, second := keep(t, path), fake.New(t)
	for _, name := range []string{viaDir, viaParent, viaFile} {
		wantInUse(t, second.KeepState(name), os.Getpid())
		wantInUse(t, second.SaveState(name), os.Getpid())
		if err := errors.Join(first.SaveState(name), first.KeepState(name)); err != nil {
			t.Errorf("%s: the server that keeps the file: %v", name, err)
		}
	}
}

// A server that keeps a file also saves a state that it loads from another file.
func TestLoadStateIsKept(t *testing.T) {
	dir := t.TempDir()
	kept, other := filepath.Join(dir, "kept.json"), filepath.Join(dir, "other.json")
	source := fake.New(t)
	add(t, source, "app")
	if err := source.SaveState(other); err != nil {
		t.Fatal(err)
	}
	if err := keep(t, kept).LoadState(other); err != nil {
		t.Fatal(err)
	}
	reader := fake.New(t)
	if err := reader.LoadState(kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app"}, imageNames(reader)); diff != "" {
		t.Errorf("images in the kept file (-want +got):\n%s", diff)
	}
}

func TestKeepStateAfterChdir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	srv := keep(t, "state.json")
	t.Chdir(t.TempDir())
	add(t, srv, "app")
	again := fake.New(t)
	if err := again.LoadState(filepath.Join(dir, "state.json")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app"}, imageNames(again)); diff != "" {
		t.Error(diff)
	}
}

// LoadState of an empty file resets the server to a new state.
func TestLoadEmptyState(t *testing.T) {
	srv := fake.New(t)
	add(t, srv, "app")
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := srv.LoadState(path); err != nil {
		t.Fatal(err)
	}
	if names := imageNames(srv); names != nil {
		t.Errorf("there are %v", names)
	}
}

func TestStateFileTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(file.Truncate(1<<40), file.Close()) // sparse
	}
	if err != nil {
		t.Skip(err)
	}
	srv := fake.New(t)
	for _, err := range []error{srv.LoadState(path), srv.KeepState(path)} {
		if !errors.Is(err, fake.StateTooLarge) {
			t.Error(err)
		}
	}
}
