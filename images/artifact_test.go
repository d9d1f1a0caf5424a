package images_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
)

// folder makes a folder of files: a name that ends in a slash is a folder, content that begins with "->" a
// symbolic link.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if target, isLink := strings.CutPrefix(content, "->"); isLink {
			err = os.Symlink(target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unzip returns the content of an archive, and the modes of what is no plain file.
func unzip(t *testing.T, data []byte) (files map[string]string, names []string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files = make(map[string]string)
	for _, f := range r.File {
		names = append(names, f.Name)
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
		if mode := f.Mode(); mode != 0o644 {
			files[f.Name] += " " + mode.String()
		}
		if want := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); !f.Modified.Equal(want) {
			t.Errorf("%s is of %v", f.Name, f.Modified)
		}
	}
	return files, names
}

func TestZip(t *testing.T) {
	files := map[string]string{
		"Dockerfile":      "FROM scratch",
		".dockerignore":   "*.log\nDockerfile\nsecret\nempty\n!secret/public\n",
		"a/b.txt":         "b",
		"a.txt":           "a",
		"a/link":          "->b.txt",
		"run.sh":          "#!/bin/sh",
		"x.log":           "no",
		"secret/key":      "no",
		"secret/public/k": "yes",
		"empty/":          "",
		"void/":           "",
	}
	dir := folder(t, files)
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	var first bytes.Buffer
	archive, err := images.Zip(context.Background(), &first, dir)
	if err != nil {
		t.Fatal(err)
	}
	got, names := unzip(t, first.Bytes())
	want := map[string]string{
		"Dockerfile":      "FROM scratch",
		".dockerignore":   files[".dockerignore"],
		"a/":              " drwxr-xr-x",
		"a/b.txt":         "b",
		"a/link":          "b",
		"a.txt":           "a",
		"run.sh":          "#!/bin/sh -rwxr-xr-x",
		"secret/public/":  " drwxr-xr-x",
		"secret/public/k": "yes",
		"void/":           " drwxr-xr-x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if wantOrder := []string{".dockerignore", "Dockerfile", "a/", "a/b.txt", "a/link", "a.txt", "run.sh", "secret/public/", "secret/public/k", "void/"}; !cmp.Equal(wantOrder, names) {
		t.Errorf("in order: %v", names)
	}
	if archive.Files != 7 || archive.Bytes != int64(len("FROM scratch"+files[".dockerignore"]+"bba#!/bin/shyes")) {
		t.Errorf("got %+v", archive)
	}

	// The same content elsewhere, written at another time and in another order, with other permissions for
	// others.
	same := folder(t, files)
	for name, mode := range map[string]fs.FileMode{"run.sh": 0o755, "a.txt": 0o664} {
		if err := os.Chmod(filepath.Join(same, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(same, "a.txt"), time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	var second bytes.Buffer
	again, err := images.Zip(context.Background(), &second, same)
	if err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) || *again != *archive {
		t.Errorf("not the same: %+v and %+v, %v", archive, again, err)
	}

	for name, change := range map[string]func() error{
		"content":    func() error { return os.WriteFile(filepath.Join(same, "a.txt"), []byte("A"), 0o600) },
		"executable": func() error { return os.Chmod(filepath.Join(same, "a.txt"), 0o700) },
		"name":       func() error { return os.Rename(filepath.Join(same, "a.txt"), filepath.Join(same, "A.txt")) },
		"folder":     func() error { return os.Mkdir(filepath.Join(same, "void", "void"), 0o700) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		changed, err := images.Zip(context.Background(), io.Discard, same)
		if err != nil || changed.Hash == again.Hash {
			t.Errorf("%s: the hash is the same, %v", name, err)
		}
		again = changed
	}
}

func TestZipRefuses(t *testing.T) {
	outside := folder(t, map[string]string{"key": "secret"})
	for _, c := range []struct {
		reason, want string
		files        map[string]string
		options      images.ZipOptions
	}{
		{"no Dockerfile", "there is no Dockerfile", map[string]string{"a": "", "b/Dockerfile": ""}, images.ZipOptions{}},
		{"a folder in its place", "there is no Dockerfile", map[string]string{"Dockerfile/": ""}, images.ZipOptions{}},
		{"a link out of the folder", "a: the symbolic link leads out of the folder", map[string]string{"Dockerfile": "", "a": "->" + outside + "/key"}, images.ZipOptions{}},
		{"a link up and out", "b/a: the symbolic link leads out of the folder", map[string]string{"Dockerfile": "", "b/a": "->../../" + filepath.Base(outside) + "/../../../../../../../../etc/passwd"}, images.ZipOptions{}},
		{"a Dockerfile from elsewhere", "Dockerfile: the symbolic link leads out of the folder", map[string]string{"Dockerfile": "->" + outside + "/key"}, images.ZipOptions{}},
		{"a link to a folder", "a: the symbolic link leads to a folder", map[string]string{"Dockerfile": "", "b/c": "", "a": "->b"}, images.ZipOptions{}},
		{"a link to nothing", "a: lstat", map[string]string{"Dockerfile": "", "a": "->b"}, images.ZipOptions{}},
		{"a link in a circle", "a: ", map[string]string{"Dockerfile": "", "a": "->a"}, images.ZipOptions{}},
		{"a link to what is left out", "a: the symbolic link leads to .env, which is left out", map[string]string{"Dockerfile": "", ".dockerignore": ".env", ".env": "secret", "a": "->.env"}, images.ZipOptions{}},
		{"too many files", "c: there are more than 2 files", map[string]string{"Dockerfile": "", "b": "", "c": ""}, images.ZipOptions{MaxFiles: 2}},
		{"too many bytes", "b: there are more than 5 bytes", map[string]string{"Dockerfile": "1234", "b": "12"}, images.ZipOptions{MaxBytes: 5}},
		{"a bad .dockerignore", ".dockerignore: line 1: syntax error in pattern", map[string]string{"Dockerfile": "", ".dockerignore": "["}, images.ZipOptions{}},
		{"a name that no archive can have", "UTF-8", map[string]string{"Dockerfile": "", "a\xff": ""}, images.ZipOptions{}},
	} {
		if runtime.GOOS != "linux" && strings.Contains(c.reason, "name that") {
			continue
		}
		dir := folder(t, c.files)
		_, err := images.Zip(context.Background(), io.Discard, dir, func(o *images.ZipOptions) {
			if c.options != (images.ZipOptions{}) {
				o.MaxFiles, o.MaxBytes = max(c.options.MaxFiles, 2), max(c.options.MaxBytes, 5)
			}
		})
		var refused *images.ArtifactError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "images: pack "+dir+": ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the content of a file is in the error: %v", c.reason, err)
		}
	}

	dir := folder(t, map[string]string{"Dockerfile": ""})
	if _, err := images.Zip(context.Background(), io.Discard, filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := images.Zip(ctx, io.Discard, folder(t, map[string]string{"Dockerfile": ""})); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	full := errors.New("the disk is full")
	if _, err := images.Zip(context.Background(), writer(func([]byte) (int, error) { return 0, full }), folder(t, map[string]string{"Dockerfile": ""})); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type writer func([]byte) (int, error)

func (f writer) Write(b []byte) (int, error) { return f(b) }

func TestZipIgnoreFileOfItsOwn(t *testing.T) {
	var out bytes.Buffer
	_, err := images.Zip(context.Background(), &out, folder(t, map[string]string{
		"Dockerfile": "", "a": "", "b": "", ".dockerignore": "a", "Dockerfile.dockerignore": "b\n*ignore",
	}))
	if _, names := unzip(t, out.Bytes()); err != nil || !cmp.Equal(names, []string{"Dockerfile", "a"}) {
		t.Errorf("%v, %v", names, err)
	}
}
