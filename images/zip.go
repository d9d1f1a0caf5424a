package images

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"
)

// Numbers of the format, APPNOTE.TXT of PKWARE.
const (
	methodDeflate  = 8
	flagDescriptor = 1 << 3 // the checksum and the sizes follow the content
	flagUTF8       = 1 << 11
	baseVersion    = 20 // of the format: supports directories and deflate
	zip64Version   = 45 // supports numbers of 64 bits
)

// zip64Size is the size from which the numbers of a file have 64 bits. It is less than
// the maximum of 32 bits, because content that cannot be compressed grows a little.
const zip64Size = 4_000_000_000

// zipper writes parts to an archive. archive/zip would keep 200 bytes for each file until
// the archive ends.
type zipper struct {
	out     *bufio.Writer
	written int64
	buffer  []byte

	file   zipFile // the current one
	packed int64   // bytes written for it
	crc    uint32  // of what was written for it, if it is large

	directory centralDirectory
}

func newZipper(w io.Writer) *zipper { return &zipper{out: bufio.NewWriter(w)} }

func (z *zipper) Write(b []byte) (int, error) {
	n, err := z.out.Write(b)
	z.written += int64(n)
	return n, err
}

func (z *zipper) add(p *part) error {
	if p.offset == 0 {
		if err := z.begin(p); err != nil {
			return err
		}
	}
	data := p.packed
	if p.stored {
		data = p.content
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if !p.whole() {
		z.packed += int64(len(data))
		z.crc = crc32.Update(z.crc, crc32.IEEETable, p.content)
	}
	switch {
	case !p.last():
		return nil
	case !p.whole() && p.stored && z.crc != p.crc:
		return errors.New(changed)
	case z.file.flags&flagDescriptor != 0:
		z.file.packed, z.file.crc = z.packed, z.crc
		z.buffer = z.file.appendDescriptor(z.buffer[:0])
		if _, err := z.Write(z.buffer); err != nil {
			return err
		}
	}
	z.directory.add(&z.file)
	return nil
}

// begin writes the header of a file or directory. The checksum and the sizes of a large
// file that is compressed are not known yet.
func (z *zipper) begin(p *part) error {
	z.packed, z.crc = 0, 0
	z.file = zipFile{
		name: p.entry.name, mode: p.entry.mode, method: methodDeflate,
		crc: p.crc, packed: int64(len(p.packed)), size: p.entry.size, offset: z.written,
	}
	switch f := &z.file; {
	case p.entry.mode.IsDir():
		f.name += "/"
		f.method = 0
	case p.stored:
		f.method, f.packed = 0, f.size
	case !p.whole():
		f.flags, f.packed = flagDescriptor, 0
	}
	if strings.ContainsFunc(z.file.name, func(c rune) bool { return c < ' ' || c > '}' }) {
		z.file.flags |= flagUTF8
	}
	if len(z.file.name) > math.MaxUint16 {
		return errors.New("a name in an archive must not be longer than 65,535 bytes")
	}
	z.buffer = z.file.appendHeader(z.buffer[:0], false)
	_, err := z.Write(z.buffer)
	return err
}

// close ends the archive. It does not close the writer.
func (z *zipper) close() error {
	start := z.written
	if err := z.directory.writeTo(z); err != nil {
		return err
	}
	if _, err := z.Write(appendEnd(nil, z.directory.files, start, z.written)); err != nil {
		return err
	}
	return z.out.Flush()
}

// centralDirectory holds the headers that follow the last file. They are alike, so it
// keeps them compressed: 20 bytes for each file, however long the names are.
type centralDirectory struct {
	files   int
	latest  []byte
	earlier bytes.Buffer  // compressed
	deflate *flate.Writer // writes to earlier
}

func (d *centralDirectory) add(f *zipFile) {
	const enough = 256 << 10 // a flate.Writer takes four times as much
	d.files++
	d.latest = f.appendHeader(d.latest, true)
	if len(d.latest) < enough {
		return
	}
	if d.deflate == nil {
		d.deflate, _ = flate.NewWriter(&d.earlier, flate.BestSpeed) // the level is valid
	}
	_, _ = d.deflate.Write(d.latest) // a bytes.Buffer does not fail
	d.latest = d.latest[:0]
}

// writeTo writes the headers and empties the directory.
func (d *centralDirectory) writeTo(w io.Writer) error {
	if d.deflate != nil {
		_ = d.deflate.Close()
		d.deflate = nil
		if _, err := io.Copy(w, flate.NewReader(&d.earlier)); err != nil {
			return err
		}
	}
	_, err := w.Write(d.latest)
	return err
}

// zipFile is a file or directory in an archive.
type zipFile struct {
	name   string // that of a directory ends in a slash
	mode   fs.FileMode
	method uint16
	flags  uint16
	crc    uint32
	packed int64 // bytes in the archive
	size   int64
	offset int64 // of its header
}

// appendHeader appends the header that precedes the content, or the one in the central
// directory. All files are dated January 2, 1980: the format cannot express earlier
// years, and January 1 would be in 1979 west of Greenwich.
func (f *zipFile) appendHeader(b []byte, central bool) []byte {
	le := binary.LittleEndian
	crc, packed, size, offset := f.crc, f.packed, f.size, f.offset
	if f.flags&flagDescriptor != 0 && !central {
		crc, packed, size = 0, 0, 0
	}
	version := byte(baseVersion)
	extra := append(make([]byte, 0, 64), 'U', 'T', 5, 0, 1) // the time of modification follows
	extra = le.AppendUint32(extra, uint32(time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC).Unix()))
	if f.size >= zip64Size || central && f.offset >= math.MaxUint32 {
		version = zip64Version
		numbers := append(make([]int64, 0, 3), size, packed)
		if central {
			numbers = append(numbers, offset)
		}
		extra = append(extra, 1, 0, byte(8*len(numbers)), 0)
		for _, number := range numbers {
			extra = le.AppendUint64(extra, uint64(number))
		}
		packed, size, offset = math.MaxUint32, math.MaxUint32, math.MaxUint32
	}

	if central {
		b = append(b, 'P', 'K', 1, 2, version, 3) // made on Unix
	} else {
		b = append(b, 'P', 'K', 3, 4)
	}
	for _, number := range [...]uint16{uint16(version), f.flags, f.method, 0, 1<<5 | 2} {
		b = le.AppendUint16(b, number)
	}
	for _, number := range [...]uint32{crc, uint32(packed), uint32(size)} {
		b = le.AppendUint32(b, number)
	}
	b = le.AppendUint16(b, uint16(len(f.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	if central {
		b = append(b, 0, 0, 0, 0, 0, 0) // no comment, on the first disk, not a text
		b = le.AppendUint32(b, f.attributes())
		b = le.AppendUint32(b, uint32(offset))
	}
	return append(append(b, f.name...), extra...)
}

// attributes returns the mode in the form of Unix and, below, in that of MS-DOS.
func (f *zipFile) attributes() uint32 {
	if f.mode.IsDir() {
		return (0o040000|uint32(f.mode.Perm()))<<16 | 0x10
	}
	return (0o100000 | uint32(f.mode.Perm())) << 16
}

// appendDescriptor appends what follows the content of a file with flagDescriptor.
func (f *zipFile) appendDescriptor(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, 'P', 'K', 7, 8), f.crc)
	if f.size >= zip64Size {
		return le.AppendUint64(le.AppendUint64(b, uint64(f.packed)), uint64(f.size))
	}
	return le.AppendUint32(le.AppendUint32(b, uint32(f.packed)), uint32(f.size))
}

// appendEnd appends what follows the central directory.
func appendEnd(b []byte, files int, start, end int64) []byte {
	le := binary.LittleEndian
	size := end - start
	if files >= math.MaxUint16 || end >= math.MaxUint32 {
		b = le.AppendUint64(append(b, 'P', 'K', 6, 6), 44) // bytes that follow
		b = append(b, zip64Version, 0, zip64Version, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		for _, number := range [...]int64{int64(files), int64(files), size, start} {
			b = le.AppendUint64(b, uint64(number))
		}
		b = append(b, 'P', 'K', 6, 7, 0, 0, 0, 0)
		b = append(le.AppendUint64(b, uint64(end)), 1, 0, 0, 0) // one disk
		files, size, start = math.MaxUint16, math.MaxUint32, math.MaxUint32
	}
	b = append(b, 'P', 'K', 5, 6, 0, 0, 0, 0)
	b = le.AppendUint16(le.AppendUint16(b, uint16(files)), uint16(files))
	b = le.AppendUint32(le.AppendUint32(b, uint32(size)), uint32(start))
	return append(b, 0, 0) // no comment
}
