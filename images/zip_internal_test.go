package images

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// added is what a zipper writes of parts. The archive begins at an offset.
func added(t *testing.T, offset int64, parts ...part) []byte {
	t.Helper()
	var out bytes.Buffer
	z := newZipper(&out)
	z.written = offset
	for i := range parts {
		if err := z.add(&parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, content string) part {
	return part{
		entry:   &entry{name: name, mode: 0o644, size: int64(len(content))},
		content: []byte(content), size: len(content), stored: true, crc: crc32.ChecksumIEEE([]byte(content)),
	}
}

// large returns two parts of a file that is compressed to ten bytes.
func large(size int64) []part {
	e := &entry{name: "large", mode: 0o644, size: size}
	return []part{
		{entry: e, size: blockBytes, content: []byte("first"), packed: []byte("packed")},
		{entry: e, offset: size - blockBytes, size: blockBytes, content: []byte("last"), packed: []byte("more")},
	}
}

func subdirectory(name string) part { return part{entry: &entry{name: name, mode: fs.ModeDir | 0o755}} }

// shifted is a reader of data at an offset, after zeros.
type shifted struct {
	offset int64
	data   []byte
}

func (s shifted) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	skip := min(max(0, s.offset-at), int64(len(b)))
	n, err := bytes.NewReader(s.data).ReadAt(b[skip:], max(0, at-s.offset))
	return int(skip) + n, err
}

func opened(t *testing.T, offset int64, data []byte) *zip.Reader {
	t.Helper()
	r, err := zip.NewReader(shifted{offset, data}, offset+int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Archives have offsets of 64 bits where 32 are too few.
func TestZipOffsets(t *testing.T) {
	for _, offset := range []int64{0, 1<<32 - 200, 1<<32 - 100, 1<<32 - 41, 1<<32 - 2, 1<<32 - 1, 1 << 32, 5 << 30} {
		r := opened(t, offset, added(t, offset, file("a", "first"), subdirectory("d"), file("d/é", "second")))
		got := map[string]string{}
		for _, f := range r.File {
			in, err := f.Open()
			if err != nil {
				t.Fatalf("at %d: %v", offset, err)
			}
			content, err := io.ReadAll(in)
			if err != nil {
				t.Errorf("at %d: %v", offset, err)
			}
			got[f.Name] = string(content)
		}
		if diff := cmp.Diff(map[string]string{"a": "first", "d/": "", "d/é": "second"}, got); diff != "" {
			t.Errorf("at %d: -want +got:\n%s", offset, diff)
		}
	}
}

// Files have sizes of 64 bits where 32 could be too few, in all three places.
func TestZipSizes(t *testing.T) {
	for _, size := range []int64{1 << 20, zip64Size - 1, zip64Size, 1<<32 - 1, 1 << 32, 5 << 30} {
		data := added(t, 0, append(large(size), file("b", "next"))...)

		wide := size >= zip64Size
		header := 30 + len("large") + 9
		descriptor := 16
		if wide {
			header, descriptor = header+20, 24
		}
		f := opened(t, 0, data).File[0]
		crc := crc32.ChecksumIEEE([]byte("firstlast"))
		want := zip.FileHeader{Name: "large", Method: zip.Deflate, CRC32: crc, UncompressedSize64: uint64(size), CompressedSize64: 10}
		got := zip.FileHeader{Name: f.Name, Method: f.Method, CRC32: f.CRC32, UncompressedSize64: f.UncompressedSize64, CompressedSize64: f.CompressedSize64}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d bytes: -want +got:\n%s", size, diff)
		}
		if offset, err := f.DataOffset(); err != nil || offset != int64(header) {
			t.Errorf("%d bytes: the content is at %d, not %d; %v", size, offset, header, err)
		}
		if at := bytes.Index(data, []byte("PK\x07\x08")); at != header+10 {
			t.Errorf("%d bytes: the descriptor is at %d", size, at)
		}
		if at := bytes.LastIndex(data, []byte("PK\x03\x04")); at != header+10+descriptor {
			t.Errorf("%d bytes: the next file is at %d", size, at)
		}
		if next, err := opened(t, 0, data).Open("b"); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		} else if content, err := io.ReadAll(next); err != nil || string(content) != "next" {
			t.Errorf("%d bytes: the next file is %q, %v", size, content, err)
		}
	}
}

// An archive can have any number of files, in order.
func TestZipCounts(t *testing.T) {
	for _, n := range []int{0, 1, 1<<16 - 2, 1<<16 - 1, 70_000} {
		parts := make([]part, n)
		for i := range parts {
			parts[i] = subdirectory(fmt.Sprint(i))
		}
		files := opened(t, 0, added(t, 0, parts...)).File
		if len(files) != n {
			t.Errorf("%d of %d files", len(files), n)
		}
		for i, f := range files {
			if want := fmt.Sprintf("%d/", i); f.Name != want || f.Mode() != fs.ModeDir|0o755 {
				t.Fatalf("of %d: file %d is %s, %v", n, i, f.Name, f.Mode())
			}
		}
	}
}

// The bytes are those that archive/zip writes.
func TestZipAsArchiveZip(t *testing.T) {
	files := []part{file("Dockerfile", "FROM scratch"), subdirectory("a"), file("a/ü~", strings.Repeat("x", 100)), file("empty", "")}
	files[2].entry.mode = 0o755
	got := added(t, 0, append(files, large(1<<20)...)...)
	r := opened(t, 0, got)
	var want bytes.Buffer
	w := zip.NewWriter(&want)
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Bytes(), got); diff != "" {
		t.Errorf("-archive/zip +zipper:\n%s", diff)
	}
}

func TestZipLongName(t *testing.T) {
	for length, ok := range map[int]bool{1<<16 - 1: true, 1 << 16: false} {
		p := file(strings.Repeat("n", length), "")
		if err := newZipper(io.Discard).add(&p); (err == nil) != ok {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// retained returns the bytes that remain in use of what a function makes.
func retained[T any](build func() T) float64 {
	heap := func() float64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	before := heap()
	built := build()
	after := heap()
	runtime.KeepAlive(built)
	return after - before
}

// deep is the name of a file in a deep directory.
func deep(i int) string {
	return fmt.Sprintf("web/node_modules/@organization/package-of-components-%d/dist/esm/internal/components/file%d.js", i/500, i)
}

// What is kept for each file limits how many files can be packed in little memory. It
// does not grow with the depth of directories.
func TestMemoryOfFiles(t *testing.T) {
	const files = 100_000
	for name, test := range map[string]struct {
		build func() any
		limit float64
	}{
		"listed": {func() any {
			var l entryList
			for i := range files {
				l.append(entry{name: deep(i), mode: 0o644, size: int64(i), id: fileID{}, modTime: int64(i)})
			}
			return &l
		}, 100},
		"written": {func() any {
			z := newZipper(io.Discard)
			for i := range files {
				p := file(deep(i), deep(i))
				if err := z.add(&p); err != nil {
					t.Error(err)
				}
			}
			return z
		}, 60},
	} {
		if got := retained(test.build) / files; got > test.limit {
			t.Errorf("%s: %.0f bytes a file are kept, more than %.0f", name, got, test.limit)
		} else {
			t.Logf("%s: %.0f bytes a file", name, got)
		}
	}
}
