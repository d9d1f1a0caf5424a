package fake

import (
	"fmt"
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
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}
