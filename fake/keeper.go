package fake

import (
	"net/http"
	"sync"
)

// keeper saves changes to a file. Calls that end at the same time share a save.
type keeper struct {
	path string

	mu    sync.Mutex // one save at a time
	saved int64      // the last change that is in the file
}

// changed notes that the state is another. The caller has the server's lock.
func (s *Server) changed() { s.changes++ }

// keep returns when all changes so far are in the file, if there is one.
func (s *Server) keep() error {
	s.mu.Lock()
	k, upTo := s.keeper, s.changes
	s.mu.Unlock()
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.saved >= upTo {
		return nil
	}
	s.mu.Lock()
	upTo = s.changes // at least these are in what SaveState writes
	s.mu.Unlock()
	if err := s.SaveState(k.path); err != nil {
		return err
	}
	k.saved = upTo
	return nil
}

// changes reports whether a route does more than read.
func (r *route) changes() bool { return r.method != http.MethodGet }
