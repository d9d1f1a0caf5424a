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
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// ZipOptions protect against packing the wrong directory. The limits are those of this
// package, not of the service. If one is negative, the error is an *ArtifactError that
// wraps a smithy.InvalidParamsError.
type ZipOptions struct {
	MaxFiles int   // files and directories; the default is 100,000
	MaxBytes int64 // before compression; the default is 4 GiB
}

func (o *ZipOptions) check() error {
	check := workflow.CheckOptions("ZipOptions")
	workflow.AtLeast(check, "MaxFiles", o.MaxFiles, 0)
	workflow.AtLeast(check, "MaxBytes", o.MaxBytes, 0)
	return check.Err()
}

// Archive describes the result of Zip or HashDir.
type Archive struct {
	Files int   // without directories
	Bytes int64 // before compression
	// Hash identifies paths, contents and executable bits. It does not depend on the
	// compression.
	Hash string
}

// ArtifactError reports that a directory cannot be packed.
type ArtifactError struct {
	Dir     string
	Path    string // within Dir; empty if the problem concerns all of it
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

// Zip packs a directory as the artifact of an image and writes the archive to w.
//
// The same files give the same bytes: entries are sorted, times are fixed, and modes are
// 0644, or 0755 if the owner may execute the file. Only another version of Go may
// compress differently.
//
//   - The directory must contain a Dockerfile. It is always packed.
//   - Zip omits what .dockerignore excludes, by the rules of BuildKit. If there is a
//     Dockerfile.dockerignore, it is used instead. These files are limited to 256 KiB,
//     and each pattern to 4 KiB.
//   - Zip does not open excluded directories unless an exception can match something in
//     them.
//   - A symbolic link becomes a copy of its target, which must be a file in the directory
//     that is not excluded. Links to directories are errors.
//   - Anything else that is neither a file nor a directory is an error.
//   - A file that is changed or replaced while Zip runs is an error.
//   - If w is a file in the directory, Zip omits it.
//
// All errors are *ArtifactError, also when the context ends.
func Zip(ctx context.Context, w io.Writer, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	root, err := openRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // it is only read
	l := newLister(root, dir, w, optFns)
	if err := l.list(ctx); err != nil {
		return nil, err
	}
	p := &packer{lister: l, compress: true, sum: sha256.New()}
	out := &zipper{out: zip.NewWriter(w), extra: newExtra()}
	if err := p.run(ctx, out.add); err != nil {
		return nil, err
	}
	if err := out.out.Close(); err != nil {
		return nil, p.fail("", "", err)
	}
	return p.archive(), nil
}

// HashDir returns the same Archive as Zip, many times faster: it reads the files, but
// neither compresses nor writes them.
func HashDir(ctx context.Context, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	root, err := openRoot(ctx, dir)
	if err != nil {
		return nil, err
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
	extra  []byte
	header *zip.FileHeader // of the current file
	to     io.Writer
	packed int64  // bytes written for the current file
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

// begin writes the header of a file or directory. The sizes and the checksum of a large
// file follow its content, because they are not known yet.
func (z *zipper) begin(p *part) error {
	z.packed, z.crc = 0, 0
	z.header = newHeader(p.entry, z.extra)
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

// end sets the sizes and the checksum that follow the content of a large file.
func (z *zipper) end(size int64) {
	h := z.header
	h.CRC32 = z.crc
	h.CompressedSize64, h.UncompressedSize64 = uint64(z.packed), uint64(size)
	h.CompressedSize = uint32(min(h.CompressedSize64, math.MaxUint32))     //nolint:staticcheck // CreateRaw reads it
	h.UncompressedSize = uint32(min(h.UncompressedSize64, math.MaxUint32)) //nolint:staticcheck // likewise
}

// newHeader returns the fields that all headers have. All entries are dated January 2,
// 1980: the format cannot express earlier years, and January 1 would be in 1979 west of
// Greenwich.
func newHeader(e *entry, extra []byte) *zip.FileHeader {
	const version = 20 // of the format: supports directories and deflate
	h := &zip.FileHeader{Name: e.name, CreatorVersion: version, ReaderVersion: version}
	if strings.ContainsFunc(e.name, func(c rune) bool { return c < ' ' || c > '}' }) {
		h.Flags = 0x800 // the name is UTF-8
	}
	h.ModifiedDate = 1<<5 | 2 //nolint:staticcheck // CreateRaw ignores Modified
	h.Extra = extra
	h.SetMode(e.mode)
	return h
}

// newExtra returns the extra field that the headers share. It is clipped, because
// zip.Writer appends to it.
func newExtra() []byte {
	stamp := uint32(time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC).Unix())
	extra := [...]byte{'U', 'T', 5, 0, 1} // an extended timestamp of five bytes, with the time of modification
	return slices.Clip(binary.LittleEndian.AppendUint32(extra[:], stamp))
}
