package images

import (
	"context"
	"hash/crc32"
	"io"
	"math"
)

const (
	sampleBytes  = 4 << 10
	sampledBytes = 64 << 10 // smaller files are compressed without looking at samples
)

// survey finds out whether a large file is compressed already. If so, it also computes the checksum, which
// precedes the content in the archive: readers that do not seek take no checksum after content that is stored.
func (w *worker) survey(ctx context.Context, p *part) error {
	if !w.compress || p.entry.size >= math.MaxUint32 {
		return nil // a stored file of this size would need it the most, but few readers would understand
	}
	file, err := w.open(p.entry)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	content := make([]byte, 0, 16*sampleBytes)
	for i := range int64(16) {
		end := len(content) + sampleBytes
		if _, err := file.ReadAt(content[len(content):end], (p.entry.size-sampleBytes)*i/15); err != nil {
			return err
		}
		content = content[:end]
	}
	if p.stored = w.incompressible(content); !p.stored {
		return nil
	}
	buffer := content[:cap(content)]
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := file.Read(buffer)
		p.crc = crc32.Update(p.crc, crc32.IEEETable, buffer[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sample returns equally spaced pieces of a content.
func sample(content []byte, pieces int) []byte {
	picked := make([]byte, 0, pieces*sampleBytes)
	for i := range pieces {
		at := (len(content) - sampleBytes) * i / (pieces - 1)
		picked = append(picked, content[at:at+sampleBytes]...)
	}
	return picked
}

// incompressible reports whether a sample is compressed already.
func (w *worker) incompressible(sample []byte) bool {
	return even(sample) && useless(len(w.squeeze(sample, nil, true)), len(sample))
}

// even reports whether all bytes are about as frequent, as in what is compressed: a quick way to see that
// something is not.
func even(content []byte) bool {
	var counts [256]uint64
	for _, c := range content {
		counts[c]++
	}
	squares := uint64(0)
	for _, n := range counts {
		squares += n * n
	}
	size := uint64(len(content))
	return squares*256 < size*size*3/2
}

// useless reports whether compression saves less than 3 %.
func useless(packed, size int) bool { return packed > size-size/32 }
