package restjson

const (
	minSlab = 4
	maxSlab = 64
)

// A slab makes pointers to values that are allocated many at a time.
type slab[T any] struct {
	free []T
	size int // of the chunk that free is the rest of
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
