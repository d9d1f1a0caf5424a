package fake

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync"
)

// idSource makes UUIDs that depend on its seed only. It has a lock of its own because
// every call needs an id.
type idSource struct {
	mu     sync.Mutex
	source rand.PCG
}

func newIDSource(seed uint64) *idSource {
	s := new(idSource)
	s.source.Seed(seed, 0)
	return s
}

func (s *idSource) save() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _ := s.source.MarshalBinary() // is never an error
	return state
}

func (s *idSource) restore(state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.UnmarshalBinary(state)
}

// uuid returns a version 4 UUID.
func (s *idSource) uuid() string {
	s.mu.Lock()
	high, low := s.source.Uint64(), s.source.Uint64()
	s.mu.Unlock()
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
