package fake

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// idSource makes UUIDs that depend on its seed only.
type idSource struct{ source *rand.PCG }

func newIDSource(seed uint64) *idSource { return &idSource{rand.NewPCG(seed, 0)} }

// uuid returns a version 4 UUID.
func (s *idSource) uuid() string {
	high, low := s.source.Uint64(), s.source.Uint64()
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 1<<63
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], high)
	binary.BigEndian.PutUint64(raw[8:], low)
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
