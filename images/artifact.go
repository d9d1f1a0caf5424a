package images

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
)

// ZipOptions guard against packing the wrong folder. They are limits of this package, not of the service.
type ZipOptions struct {
	MaxFiles int   // files and folders; the default is 100,000
	MaxBytes int64 // before compression; the default is 4 GiB
}

// An Archive describes what Zip has packed.
type Archive struct {
	Files int   // without folders
	Bytes int64 // before compression
	// Hash identifies the content: paths, contents and which files can be executed. It does not depend on how
	// the content was compressed.
	Hash string
}

// ArtifactError reports a folder that cannot be packed.
type ArtifactError struct {
	Dir     string
	Path    string // within Dir, empty if it is about all of it
	Problem string
	Err     error
}

func (e *ArtifactError) Error() string {
	text := "images: pack " + e.Dir
	if e.Path != "" {
		text += ": " + e.Path
	}
	if e.Problem != "" {
		text += ": " + e.Problem
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return printable(text)
}

// printable escapes control characters and bidirectional marks, which a file name can have.
func printable(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

func (e *ArtifactError) Unwrap() error { return e.Err }

// Zip packs a folder as the artifact of an image, to w. The same files give the same bytes (with the same
// version of Go, whose compression may change): entries are sorted, times are fixed, modes are 0644 or, if the
// owner may execute the file, 0755.
//
// The folder must have a Dockerfile. What .dockerignore excludes is left out as BuildKit does it, except that the
// Dockerfile is always packed; a Dockerfile.dockerignore takes its place. These files are limited to 256 KiB, and
// their patterns to 4 KiB. Excluded folders are not opened unless an exception can match something in them.
//
// A symbolic link becomes a copy of the file that it leads to, which must be in the folder and not left out. Links
// to folders, and what is neither a file nor a folder, are errors. So is a file that is changed or replaced while
// Zip runs. If w is a file in the folder, it is left out.
//
// Errors are *ArtifactError, also when the context ends.
func Zip(ctx context.Context, w io.Writer, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &ArtifactError{Dir: dir, Err: err}
	}
	defer root.Close() //nolint:errcheck // it is only read
	l := newLister(root, dir, w, optFns)
	if err := l.list(ctx); err != nil {
		return nil, err
	}
	p := &packer{lister: l, sum: sha256.New()}
	if err := p.write(ctx, w); err != nil {
		return nil, err
	}
	return &Archive{Files: l.files, Bytes: l.bytes, Hash: "sha256:" + hex.EncodeToString(p.sum.Sum(nil))}, nil
}

type packer struct {
	*lister
	sum hash.Hash
}

// modTime is the time of all entries: 1980, the earliest year that an archive can hold, in every time zone.
func modTime() time.Time { return time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC) }

func (p *packer) write(ctx context.Context, w io.Writer) error {
	out := zip.NewWriter(w)
	for i := range p.entries {
		e := &p.entries[i]
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: modTime()}
		if e.mode.IsDir() {
			header.Name, header.Method = e.name+"/", zip.Store
		}
		header.SetMode(e.mode)
		fmt.Fprintf(p.sum, "%q %v %d\n", e.name, e.mode, e.size)
		to, err := out.CreateHeader(header)
		if err == nil && !e.mode.IsDir() {
			err = p.copy(ctx, io.MultiWriter(to, p.sum), e)
		}
		if err != nil {
			return p.wrap(e.name, err)
		}
	}
	if err := out.Close(); err != nil {
		return p.fail("", "", err)
	}
	return nil
}

func (p *packer) copy(ctx context.Context, w io.Writer, e *entry) error {
	file, err := p.open(e)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	n, err := io.Copy(w, &contextReader{ctx, io.LimitReader(file, e.size+1)})
	if err == nil && n != e.size {
		err = p.fail(e.name, changed, nil)
	}
	return err
}

// contextReader ends with its context.
type contextReader struct {
	ctx    context.Context
	source io.Reader
}

func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.source.Read(b)
}
