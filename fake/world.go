package fake

import (
	"slices"
	"time"
)

// world is all that an account has in a region. The server's lock guards it.
type world struct {
	images  map[string]*image // by name; those that are gone stay until their name is taken again
	order   []*image          // oldest first, perhaps with some of leaving that are gone
	leaving []*image          // those of order that are being deleted
	tokens  map[string]*grant // by operation and client token

	microVMs     map[string]*microVM // by id
	microVMOrder []*microVM          // oldest first
}

func (s *Server) world(sc scope) *world {
	w := s.worlds[sc]
	if w == nil {
		w = newWorld()
		s.worlds[sc] = w
	}
	return w
}

func newWorld() *world {
	return &world{images: make(map[string]*image), tokens: make(map[string]*grant), microVMs: make(map[string]*microVM)}
}

// next returns numbers in the order in which things come into being.
func (s *Server) next() int64 {
	s.sequence++
	return s.sequence
}

func (w *world) add(vm *microVM) {
	w.microVMs[vm.id()] = vm
	w.microVMOrder = append(w.microVMOrder, vm)
}

// sweep removes images that are gone from the order of the lists.
func (w *world) sweep(now time.Time) {
	gone := func(img *image) bool { return img.gone(now) }
	if slices.ContainsFunc(w.leaving, gone) {
		w.order = slices.DeleteFunc(w.order, gone)
		w.leaving = slices.DeleteFunc(w.leaving, gone)
	}
}

func ptr[T any](v T) *T { return &v }

// or returns what p points to, or nothing.
func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
