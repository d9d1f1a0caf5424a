package fake

import (
	"slices"
	"time"
)

// world is the state of an account in a region. The server's lock guards it.
type world struct {
	images  map[string]*image // by name; deleted images stay until their name is reused
	order   []*image          // oldest first; see sweep
	leaving []*image          // the images in order that are being deleted
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

// next returns increasing numbers, which order resources by their creation.
func (s *Server) next() int64 {
	s.sequence++
	return s.sequence
}

func (w *world) add(vm *microVM) {
	w.microVMs[vm.id()] = vm
	w.microVMOrder = append(w.microVMOrder, vm)
}

// sweep removes images from order whose deletion is over.
func (w *world) sweep(now time.Time) {
	gone := func(img *image) bool { return img.gone(now) }
	if slices.ContainsFunc(w.leaving, gone) {
		w.order = slices.DeleteFunc(w.order, gone)
		w.leaving = slices.DeleteFunc(w.leaving, gone)
	}
}

func ptr[T any](v T) *T { return &v }
