package images

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// ZipOptions guard against packing the wrong folder. They are limits of this package, not of the
// service. A negative one is refused with a smithy.InvalidParamsError within an *ArtifactError.
type ZipOptions struct {
	MaxFiles int   // files and folders; the default is 100,000
	MaxBytes int64 // before compression; the default is 4 GiB
}

func (o *ZipOptions) check() error {
	check := workflow.CheckOptions("ZipOptions")
	workflow.AtLeast(check, "MaxFiles", o.MaxFiles, 0)
	workflow.AtLeast(check, "MaxBytes", o.MaxBytes, 0)
	return check.Err()
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
	text := "images: pack"
	separator := " "
	add := func(part string) {
		if part != "" {
			text += separator + redact.Clean(part, redact.MaxText) // file names may hold anything
			separator = ": "
		}
	}
	add(e.Dir)
	add(e.Path)
	add(e.Problem)
	if e.Err != nil {
		add(e.Err.Error())
	}
	return text
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
	p := &packer{lister: l, compress: true, sum: sha256.New()}
	out := &zipper{out: zip.NewWriter(w)}
	if err := p.run(ctx, out.add); err != nil {
		return nil, err
	}
	if err := out.out.Close(); err != nil {
		return nil, p.fail("", "", err)
	}
	return p.archive(), nil
}

// HashDir returns what Zip would return for a folder, many times faster: it reads the files, but compresses and
// writes nothing.
func HashDir(ctx context.Context, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &ArtifactError{Dir: dir, Err: err}
	}
	defer root.Close() //nolint:errcheck // it is only read
	l := newLister(root, dir, nil, optFns)
	if err := l.list(ctx); err != nil {
		return nil, err
	}
	p := &packer{lister: l, sum: sha256.New()}
	if err := p.run(ctx, func(*part) error { return nil }); err != nil {
		return nil, err
	}
	return p.archive(), nil
}

// zipper writes parts to an archive.
type zipper struct {
	out    *zip.Writer
	header *zip.FileHeader // of the current file
	to     io.Writer
	packed int64  // bytes of the current file that are written
	crc    uint32 // of the current file, if it is large
}

func (z *zipper) add(p *part) error {
	if p.offset == 0 {
		if err := z.begin(p); err != nil {
			return err
		}
	}
	if p.entry.mode.IsDir() {
		return nil
	}
	data := p.packed
	if p.stored {
		data = p.content
	}
	if _, err := z.to.Write(data); err != nil || p.whole() {
		return err
	}
	z.packed += int64(len(data))
	z.crc = crc32.Update(z.crc, crc32.IEEETable, p.content)
	switch {
	case !p.last():
		return nil
	case p.stored && z.crc != p.crc:
		return errors.New(changed)
	default:
		z.end(p.entry.size)
		return nil
	}
}

// begin writes the header of a file or folder. What is not known of a large file yet follows its content.
func (z *zipper) begin(p *part) error {
	z.packed, z.crc = 0, 0
	z.header = newHeader(p.entry)
	switch h := z.header; {
	case p.entry.mode.IsDir():
		h.Name += "/"
	case p.stored:
		h.CRC32 = p.crc
		h.CompressedSize64, h.UncompressedSize64 = uint64(p.entry.size), uint64(p.entry.size)
	case p.whole():
		h.Method, h.CRC32 = zip.Deflate, p.crc
		h.CompressedSize64, h.UncompressedSize64 = uint64(len(p.packed)), uint64(p.entry.size)
	default:
		h.Method = zip.Deflate
		h.Flags |= 0x8 // a data descriptor follows
	}
	var err error
	z.to, err = z.out.CreateRaw(z.header)
	return err
}

// end fills in what is written after the content of a large file.
func (z *zipper) end(size int64) {
	h := z.header
	h.CRC32 = z.crc
	h.CompressedSize64, h.UncompressedSize64 = uint64(z.packed), uint64(size)
	h.CompressedSize = uint32(min(h.CompressedSize64, math.MaxUint32))     //nolint:staticcheck // CreateRaw reads it
	h.UncompressedSize = uint32(min(h.UncompressedSize64, math.MaxUint32)) //nolint:staticcheck // likewise
}

// newHeader returns what all headers have. All entries are dated January 2, 1980, as the format cannot express
// earlier years, and the first of January would be 1979 west of Greenwich.
func newHeader(e *entry) *zip.FileHeader {
	const version = 20 // of the format: folders and deflate
	h := &zip.FileHeader{Name: e.name, CreatorVersion: version, ReaderVersion: version}
	if strings.ContainsFunc(e.name, func(c rune) bool { return c < ' ' || c > '}' }) {
		h.Flags = 0x800 // the name is UTF-8
	}
	h.ModifiedDate = 1<<5 | 2 //nolint:staticcheck // CreateRaw ignores Modified
	stamp := uint32(time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC).Unix())
	extra := [...]byte{'U', 'T', 5, 0, 1} // an extended timestamp of five bytes, with the time of modification
	h.Extra = slices.Clip(binary.LittleEndian.AppendUint32(extra[:], stamp))
	h.SetMode(e.mode)
	return h
}
