package fake

import (
	"errors"
	"io/fs"
	"os"
	"sync"
)

// keeper saves every change to a file. Calls that end at the same time share a save.
type keeper struct {
	path string // absolute; not a symbolic link
	lock *stateLock

	mu    sync.Mutex // one save at a time
	saved int64      // number of the last change that is in the file
}

// KeepState loads a file, if it exists and is not empty. From then on it saves every
// change to the file before it responds to the call; if a save fails, the response is
// 500. Only one server can keep a file at a time: for others KeepState returns a
// [*StateError] with the Problem [StateInUse] and the PID of that process. The file is
// free again after [Server.Close] or when the process ends, however it ends.
//
// Traffic to a MicroVM, which postpones its suspension, does not cause a save: it is
// saved with the next change. Each save writes the whole state, which takes about a tenth
// of a second for a thousand images.
//
// The lock is an operating system lock on a hidden file in the same directory. There is
// none on AIX, Solaris and WebAssembly.
func (s *Server) KeepState(path string) error { return stateError(path, s.keepState(path)) }

func (s *Server) keepState(path string) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	target, err := resolveLinks(path)
	if err != nil {
		return &StateError{Problem: StateUnreadable, Err: err}
	}
	s.mu.Lock()
	previous := s.keeper
	s.mu.Unlock()
	next := &keeper{path: target}
	if previous != nil && previous.path == target {
		next.lock = previous.lock
	} else if next.lock, err = lockState(target); err != nil {
		return err
	}
	if err := s.loadOrCreate(target); err != nil {
		if previous == nil || next.lock != previous.lock {
			next.lock.release()
		}
		return err
	}
	s.mu.Lock()
	s.keeper = next
	s.mu.Unlock()
	if previous != nil && next.lock != previous.lock {
		previous.end()
	}
	return nil
}

// loadOrCreate gives the server and the file the same state: that of the file, if it has
// one.
func (s *Server) loadOrCreate(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return &StateError{Path: path, Problem: StateUnreadable, Err: err}
	case info.Size() > 0:
		if err := s.loadState(path); err != nil {
			return err
		}
	}
	return s.writeState(path)
}

// keeps reports whether this server holds the lock of a file.
func (s *Server) keeps(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keeper != nil && s.keeper.path == path
}

// changed records a change of the state. The caller must hold the server's lock.
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
	return k.save(s)
}

// save writes the state. The caller must hold the keeper's lock.
func (k *keeper) save(s *Server) error {
	s.mu.Lock()
	upTo := s.changes // the file may contain later changes, too
	s.mu.Unlock()
	if k.lock == nil {
		return &StateError{Path: k.path, Problem: StateUnwritable, Err: errors.New("the server no longer keeps it")}
	}
	if err := s.writeState(k.path); err != nil {
		return err
	}
	k.saved = upTo
	return nil
}

// end waits for a save in progress, then releases the file.
func (k *keeper) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lock.release()
	k.lock = nil
}
