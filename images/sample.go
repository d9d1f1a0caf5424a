package images

import (
	"context"
	"hash/crc32"
	"io"
)

const (
	sampleBytes  = 4 << 10
	sampledBytes = 64 << 10 // smaller files are compressed without taking samples
)

// checkStored sets stored if a large file is compressed already. It then also computes
// the checksum. The checksum of a stored file must precede the content in the archive,
// because readers that do not seek cannot find it afterwards.
func (w *worker) checkStored(ctx context.Context, p *part) error {
	if !w.compress || p.entry.size >= zip64Size {
		return nil // few readers support a stored file of this size
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
			return w.shorter(p, err)
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

// sample returns equally spaced pieces of content.
func sample(content []byte, pieces int) []byte {
	picked := make([]byte, 0, pieces*sampleBytes)
	for i := range pieces {
		at := (len(content) - sampleBytes) * i / (pieces - 1)
		picked = append(picked, content[at:at+sampleBytes]...)
	}
	return picked
}

// incompressible reports whether a sample looks compressed already.
func (w *worker) incompressible(sample []byte) bool {
	return isUniform(sample) && savesNothing(len(w.deflatePart(sample, nil, true)), len(sample))
}

// isUniform reports whether all byte values are about equally frequent, as in compressed
// data. It is much faster than compressing the sample.
func isUniform(content []byte) bool {
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

// savesNothing reports whether compression saves less than 3 %.
func savesNothing(packed, size int) bool { return packed > size-size/32 }
