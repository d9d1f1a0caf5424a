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

// directory makes a directory of files. A name that ends in a slash is a directory;
// content that begins with "->" is a symbolic link.
func directory(t *testing.T, files map[string]string) string {
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

// unzip returns the content of an archive, and the modes of entries that are not plain
// files.
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
		if want := time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC); !f.Modified.Equal(want) {
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
	dir := directory(t, files)
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
		"secret/":         " drwxr-xr-x",
		"secret/public/":  " drwxr-xr-x",
		"secret/public/k": "yes",
		"void/":           " drwxr-xr-x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if wantOrder := []string{".dockerignore", "Dockerfile", "a/", "a/b.txt", "a/link", "a.txt", "run.sh", "secret/", "secret/public/", "secret/public/k", "void/"}; !cmp.Equal(wantOrder, names) {
		t.Errorf("in order: %v", names)
	}
	if archive.Files != 7 || archive.Bytes != int64(len("FROM scratch"+files[".dockerignore"]+"bba#!/bin/shyes")) {
		t.Errorf("got %+v", archive)
	}

	// The same content in another directory, written at another time and in another
	// order, with other permissions.
	same := directory(t, files)
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
		"directory":  func() error { return os.Mkdir(filepath.Join(same, "void", "void"), 0o700) },
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
	outside := directory(t, map[string]string{"key": "secret"})
	for _, c := range []struct {
		reason, want string
		files        map[string]string
		options      images.ZipOptions
	}{
		{"no Dockerfile", "there is no Dockerfile", map[string]string{"a": "", "b/Dockerfile": ""}, images.ZipOptions{}},
		{"a directory in its place", "there is no Dockerfile", map[string]string{"Dockerfile/": ""}, images.ZipOptions{}},
		{"a link out of the directory", "a: the symbolic link leads out of the directory", map[string]string{"Dockerfile": "", "a": "->" + outside + "/key"}, images.ZipOptions{}},
		{"a link up and out", "b/a: the symbolic link leads out of the directory", map[string]string{"Dockerfile": "", "b/a": "->../../" + filepath.Base(outside) + "/../../../../../../../../etc/passwd"}, images.ZipOptions{}},
		{"a Dockerfile from elsewhere", "Dockerfile: the symbolic link leads out of the directory", map[string]string{"Dockerfile": "->" + outside + "/key"}, images.ZipOptions{}},
		{"a link to a directory", "a: the symbolic link leads to a directory", map[string]string{"Dockerfile": "", "b/c": "", "a": "->b"}, images.ZipOptions{}},
		{"a link to nothing", "a: lstat", map[string]string{"Dockerfile": "", "a": "->b"}, images.ZipOptions{}},
		{"a link in a circle", "a: ", map[string]string{"Dockerfile": "", "a": "->a"}, images.ZipOptions{}},
		{"a link to what is left out", "a: the symbolic link leads to .env, which is excluded", map[string]string{"Dockerfile": "", ".dockerignore": ".env", ".env": "secret", "a": "->.env"}, images.ZipOptions{}},
		{"too many files", "c: there are more than 2 files", map[string]string{"Dockerfile": "", "b": "", "c": ""}, images.ZipOptions{MaxFiles: 2}},
		{"too many bytes", "b: there are more than 5 bytes", map[string]string{"Dockerfile": "1234", "b": "12"}, images.ZipOptions{MaxBytes: 5}},
		{"a bad .dockerignore", ".dockerignore: line 1: syntax error in pattern", map[string]string{"Dockerfile": "", ".dockerignore": "["}, images.ZipOptions{}},
		{"an exception for nothing", `.dockerignore: line 2: illegal exclusion pattern: "!"`, map[string]string{"Dockerfile": "", ".dockerignore": "a\n!/"}, images.ZipOptions{}},
		{"a .dockerignore in one line", ".dockerignore: the file is larger than 262144 bytes", map[string]string{"Dockerfile": "", ".dockerignore": strings.Repeat("*a", 200_000)}, images.ZipOptions{}},
		{"a pattern that is too long", "Dockerfile.dockerignore: line 1: the pattern is longer than 4096 bytes", map[string]string{"Dockerfile": "", "Dockerfile.dockerignore": strings.Repeat("a", 5000)}, images.ZipOptions{}},
		{"a pattern that turns out to be wrong", "images: pack DIR: Dockerfile.dockerignore: syntax error in pattern", map[string]string{"Dockerfile": "", "Dockerfile.dockerignore": "[b-a]", "a": ""}, images.ZipOptions{}},
		{"a directory as .dockerignore", ".dockerignore: this is not a regular file", map[string]string{"Dockerfile": "", ".dockerignore/": ""}, images.ZipOptions{}},
		{"a .dockerignore from elsewhere", ".dockerignore: ", map[string]string{"Dockerfile": "", ".dockerignore": "->" + outside + "/key"}, images.ZipOptions{}},
		{"a name with control characters", "a[31m: the symbolic link leads out", map[string]string{"Dockerfile": "", "a\x1b[31m\u202e": "->" + outside}, images.ZipOptions{}},
		{"a name that no archive can have", "UTF-8", map[string]string{"Dockerfile": "", "a\xff": ""}, images.ZipOptions{}},
	} {
		if runtime.GOOS != "linux" && strings.Contains(c.reason, "name ") {
			continue
		}
		dir := directory(t, c.files)
		_, err := images.Zip(context.Background(), io.Discard, dir, func(o *images.ZipOptions) {
			if c.options != (images.ZipOptions{}) {
				o.MaxFiles, o.MaxBytes = max(c.options.MaxFiles, 2), max(c.options.MaxBytes, 5)
			}
		})
		var refused *images.ArtifactError
		if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), "images: pack "+dir+": ") || !strings.Contains(err.Error(), strings.Replace(c.want, "DIR", dir, 1)) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the content of a file is in the error: %v", c.reason, err)
		}
	}

	dir := directory(t, map[string]string{"Dockerfile": ""})
	if _, err := images.Zip(context.Background(), io.Discard, filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := images.Zip(ctx, io.Discard, directory(t, map[string]string{"Dockerfile": ""})); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	full := errors.New("the disk is full")
	if _, err := images.Zip(context.Background(), writer(func([]byte) (int, error) { return 0, full }), directory(t, map[string]string{"Dockerfile": ""})); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type writer func([]byte) (int, error)

func (f writer) Write(b []byte) (int, error) { return f(b) }

func TestZipIgnoreFileOfItsOwn(t *testing.T) {
	var out bytes.Buffer
	_, err := images.Zip(context.Background(), &out, directory(t, map[string]string{
		"Dockerfile": "", "a": "", "b": "", ".dockerignore": "a", "Dockerfile.dockerignore": "b\n*ignore",
	}))
	if _, names := unzip(t, out.Bytes()); err != nil || !cmp.Equal(names, []string{"Dockerfile", "a"}) {
		t.Errorf("%v, %v", names, err)
	}
}

// A sparse .dockerignore of 1 GiB is rejected without being read.
func TestZipIgnoreFileTooLarge(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": "", ".dockerignore": ""})
	if err := os.Truncate(filepath.Join(dir, ".dockerignore"), 1<<30); err != nil {
		t.Fatal(err)
	}
	_, err := images.Zip(context.Background(), io.Discard, dir)
	if err == nil || !strings.Contains(err.Error(), ".dockerignore: the file is larger than 262144 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestZipTimeInEveryZone(t *testing.T) {
	var out bytes.Buffer
	if _, err := images.Zip(context.Background(), &out, directory(t, map[string]string{"Dockerfile": "", "a/b": ""})); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		for hours := -12; hours <= 14; hours++ {
			if local := f.Modified.In(time.FixedZone("", hours*3600)); local.Year() != 1980 {
				t.Errorf("%s: %v", f.Name, local)
			}
		}
	}
}

func TestZipIntoTheDirectory(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": "", "a": "a"})
	for range 2 {
		out, err := os.Create(filepath.Join(dir, "b.zip"))
		if err != nil {
			t.Fatal(err)
		}
		archive, err := images.Zip(context.Background(), out, dir)
		if err != nil || archive.Files != 2 {
			t.Errorf("got %+v, %v", archive, err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, names := unzip(t, data); !cmp.Equal(names, []string{"Dockerfile", "a"}) {
			t.Errorf("packed %v", names)
		}
	}
}

// hooked is a context that calls a function whenever its error is checked. Zip checks it
// before each file, so that the function runs at the same moment in every run.
type hooked struct {
	context.Context
	hook func(call int)
	call *int
}

func hook(f func(call int)) hooked { return hooked{context.Background(), f, new(int)} }

func (h hooked) Err() error {
	*h.call++
	h.hook(*h.call)
	return nil
}

// Zip opens an excluded directory only if an exception may match something in it.
func TestZipDoesNotEnterExcludedDirectories(t *testing.T) {
	calls := func(ignore, names string) int {
		files := map[string]string{"Dockerfile": "", ".dockerignore": ignore, "src/a.go": ""}
		for _, name := range strings.Fields(names) {
			files["vendor/deep/"+name] = ""
		}
		ctx := hook(func(int) {})
		if _, err := images.Zip(ctx, io.Discard, directory(t, files)); err != nil {
			t.Fatalf("%q: %v", ignore, err)
		}
		return *ctx.call
	}
	for ignore, entered := range map[string]bool{
		"vendor":                      false,
		"*\n!src":                     false,
		"*\n!src/*.go":                false,
		"*\n!*.go":                    false,
		"vendor\n!vendor2\n!src/**":   false,
		"vendor\n!vendor/x/nowhere":   false,
		"*\n!src\n!**/*.go":           true,
		"vendor\n!vendor/deep/*.go":   true,
		"vendor\n!vendor/*/x\n*.go":   true,
		"vendor\n!vendor/dee[p]/x.go": true,
	} {
		if got := calls(ignore, "a b c d e f g") != calls(ignore, "a"); got != entered {
			t.Errorf("%q: entered is %v", ignore, got)
		}
	}
}

// If a listed file or directory is replaced while Zip runs, Zip packs what it has listed
// or fails.
func TestZipPacksWhatIsListed(t *testing.T) {
	const secret = "the content of a file that is left out"
	replace := func(remove, link, target string) func(string) error {
		return func(dir string) error {
			if err := os.Rename(filepath.Join(dir, remove), filepath.Join(dir, "moved")); err != nil {
				return err
			}
			return os.Symlink(target, filepath.Join(dir, link))
		}
	}
	for reason, change := range map[string]func(dir string) error{
		"a file by a link":          replace("m/a", "m/a", "../secret/a"),
		"a directory by a link":     replace("m", "m", "secret"),
		"a link by another":         replace("link", "link", "secret/a"),
		"a link's target by a link": replace("m/b", "m/b", "../secret/a"),
		"a directory by a file":     replace("m", "m", "Dockerfile"),
		"a file by another": func(dir string) error {
			return os.Rename(filepath.Join(dir, "secret", "a"), filepath.Join(dir, "m", "a"))
		},
		"a directory by another": func(dir string) error {
			return errors.Join(
				os.Rename(filepath.Join(dir, "m"), filepath.Join(dir, "moved")),
				os.Rename(filepath.Join(dir, "secret"), filepath.Join(dir, "m")))
		},
		"a file that grows": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "m", "a"), []byte(secret), 0o600)
		},
		"a file that goes away": func(dir string) error { return os.Remove(filepath.Join(dir, "m", "a")) },
	} {
		refused := 0
		for moment, last := 1, false; !last; moment++ {
			dir := directory(t, map[string]string{
				"Dockerfile": "", ".dockerignore": "secret\nmoved", "link": "->m/b", "m/a": strings.Repeat("a", len(secret)),
				"m/b": strings.Repeat("b", len(secret)), "secret/a": secret, "secret/b": secret, "z": "",
			})
			last = true
			ctx := hook(func(call int) {
				if call == moment {
					last = false
					if err := change(dir); err != nil {
						t.Fatal(err)
					}
				}
			})
			var out bytes.Buffer
			if _, err := images.Zip(ctx, &out, dir); err != nil {
				var artifact *images.ArtifactError
				if !errors.As(err, &artifact) {
					t.Errorf("%s: %v", reason, err)
				}
				refused++
				continue
			}
			// A file may be replaced before it is listed.
			files, _ := unzip(t, out.Bytes())
			for name, content := range files {
				if content == secret && !strings.Contains(reason, "another") && !strings.Contains(reason, "grows") {
					t.Errorf("%s, at moment %d: %s is packed", reason, moment, name)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s: never refused", reason)
		}
	}
}

// An absolute link into the directory is inside, however the directory is named.
func TestZipFollowsAbsoluteLink(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": "", "file": "content"})
	if err := os.Symlink(filepath.Join(dir, "file"), filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	t.Chdir(dir)
	if _, err := images.Zip(t.Context(), io.Discard, "."); err != nil {
		t.Error(err)
	}
}
