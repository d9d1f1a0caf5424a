package images_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
)

// noise returns bytes that cannot be compressed.
func noise(size int) string {
	r := rand.NewChaCha8([32]byte{byte(size)})
	b := make([]byte, size)
	_, _ = r.Read(b) // it does not fail
	return string(b)
}

// words returns bytes that can be compressed.
func words(size int) string {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "%d ", r.IntN(1e6))
	}
	return b.String()[:size]
}

// mixed are files of all kinds and sizes around those of the blocks.
func mixed() map[string]string {
	const block = 128 << 10
	files := map[string]string{
		"Dockerfile": "FROM scratch", "empty": "", "directory/": "", "é/ü": "ö",
		"noise":       noise(block / 2),
		"noise.large": noise(3*block + 1),
		"words.large": words(5*block + 1),
		"two":         words(2 * block),
		"both":        noise(block) + words(2*block),
		"zeros":       strings.Repeat("\x00", 4*block),
	}
	for i := -2; i <= 2; i++ {
		files[fmt.Sprint("words", i)] = words(block + i)
		files[fmt.Sprint("noise", i)] = noise(block + i)
	}
	for i := range 300 {
		files[fmt.Sprint("small/", i)] = words(i * 7)
	}
	return files
}

// The archive does not depend on the number of cores, and HashDir returns the same as
// Zip.
func TestPackDeterministic(t *testing.T) {
	dir := directory(t, mixed())
	hashed, err := images.HashDir(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, cores := range []int{1, 3, 40} {
		before := runtime.GOMAXPROCS(cores)
		var out bytes.Buffer
		archive, err := images.Zip(context.Background(), &out, dir)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(hashed, archive); diff != "" {
			t.Errorf("%d cores: -HashDir +Zip\n%s", cores, diff)
		}
		if first == nil {
			first = out.Bytes()
		}
		if !bytes.Equal(first, out.Bytes()) {
			t.Errorf("%d cores: another archive", cores)
		}
	}
}

func TestPackContent(t *testing.T) {
	files := mixed()
	var out bytes.Buffer
	if _, err := images.Zip(context.Background(), &out, directory(t, files)); err != nil {
		t.Fatal(err)
	}
	got, _ := unzip(t, out.Bytes())
	for name, content := range files {
		if got[name] != content && !strings.HasSuffix(name, "/") {
			t.Errorf("%s: %d bytes are not the %d of the file", name, len(got[name]), len(content))
		}
	}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		stored := f.Method == zip.Store
		if want := strings.HasPrefix(f.Name, "noise"); stored != want && f.UncompressedSize64 > 100 {
			t.Errorf("%s: stored is %v", f.Name, stored)
		}
		if stored && f.Flags&8 != 0 {
			t.Errorf("%s: readers that do not seek cannot tell where it ends", f.Name)
		}
		if f.CompressedSize64 > f.UncompressedSize64 {
			t.Errorf("%s: %d bytes became %d", f.Name, f.UncompressedSize64, f.CompressedSize64)
		}
		if utf8 := f.Flags&0x800 != 0; utf8 != strings.HasPrefix(f.Name, "é") {
			t.Errorf("%s: marked as UTF-8 is %v", f.Name, utf8)
		}
	}
}

// A change in any part of a large file changes the hash.
func TestHashDirOfLargeFiles(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": "", "large": words(1 << 20)})
	seen := make(map[string]int64)
	for _, offset := range []int64{-1, 0, 256<<10 - 1, 256 << 10, 1<<20 - 1} {
		file, err := os.OpenFile(filepath.Join(dir, "large"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if offset >= 0 {
			_, err = file.WriteAt([]byte{0}, offset)
		}
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		archive, err := images.HashDir(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := seen[archive.Hash]; ok {
			t.Errorf("changes at %d and %d give the same hash", before, offset)
		}
		seen[archive.Hash] = offset
	}
}

// A stored file is read twice. The checksum detects a change in between that leaves size
// and time unchanged.
func TestPackRefusesTornFiles(t *testing.T) {
	refused := 0
	for moment, last := 1, false; !last; moment++ {
		dir := directory(t, map[string]string{"Dockerfile": "", "large": noise(1 << 20)})
		large := filepath.Join(dir, "large")
		at := time.Now()
		if err := os.Chtimes(large, at, at); err != nil {
			t.Fatal(err)
		}
		last = true
		ctx := hook(func(call int) {
			if call == moment {
				last = false
				if err := errors.Join(os.WriteFile(large, []byte(noise(1<<20 + 1))[1:], 0o600), os.Chtimes(large, at, at)); err != nil {
					t.Error(err)
				}
			}
		})
		var out bytes.Buffer
		_, err := images.Zip(ctx, &out, dir)
		if err == nil {
			unzip(t, out.Bytes())
			continue
		}
		if !strings.Contains(err.Error(), "large: the file changed while it was read") {
			t.Error(err)
		}
		refused++
	}
	if refused == 0 {
		t.Error("never refused")
	}
}

func TestPackEndsWithItsContext(t *testing.T) {
	dir := directory(t, mixed())
	for _, after := range []int{1, 1000, 1 << 20} {
		ctx, cancel := context.WithCancel(context.Background())
		written := 0
		_, err := images.Zip(ctx, writer(func(b []byte) (int, error) {
			if written += len(b); written >= after {
				cancel()
			}
			return len(b), nil
		}), dir)
		cancel()
		var artifact *images.ArtifactError
		if !errors.As(err, &artifact) || !errors.Is(err, context.Canceled) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}

// A panic of the writer reaches the caller, and no goroutine keeps running.
func TestPackWriterPanics(t *testing.T) {
	dir := directory(t, mixed())
	defer func() {
		if recover() != "panic" {
			t.Error("no panic")
		}
	}()
	_, _ = images.Zip(context.Background(), writer(func([]byte) (int, error) { panic("panic") }), dir)
}

func TestHashDirRefuses(t *testing.T) {
	if _, err := images.HashDir(context.Background(), filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := images.HashDir(context.Background(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no Dockerfile") {
		t.Error(err)
	}
	dir := directory(t, map[string]string{"Dockerfile": "", "a": ""})
	if _, err := images.HashDir(context.Background(), dir, func(o *images.ZipOptions) { o.MaxFiles = 1 }); err == nil {
		t.Error("too many files are no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := images.HashDir(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
