package restjson

const (
	minSlab = 4
	maxSlab = 64
)

// A slab returns pointers to values that are allocated in chunks, which is cheaper than
// one by one.
type slab[T any] struct {
	free []T
	size int // length of the current chunk; free is the unused rest of it
}

func (s *slab[T]) pointer(v T) *T {
	if len(s.free) == 0 {
		s.size = min(max(2*s.size, minSlab), maxSlab)
		s.free = make([]T, s.size)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	*p = v
	return p
}
