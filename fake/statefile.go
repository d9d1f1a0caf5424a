package fake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A StateError says why a state file cannot be used. The file is unchanged. So is the
// state of the server, unless LoadState could not save it. Use [errors.Is] to test for a
// Problem.
type StateError struct {
	Path    string
	Problem StateProblem
	Err     error // the cause; nil if Problem is sufficient
	PID     int   // with StateInUse: the process that keeps the file, 0 if unknown
}

func (e *StateError) Error() string {
	text := fmt.Sprintf("fake: state file %s: %s", e.Path, string(e.Problem))
	if e.PID != 0 {
		text += fmt.Sprintf(" (process %d)", e.PID)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the Problem and, if there is one, Err.
func (e *StateError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Problem}
	}
	return []error{e.Problem, e.Err}
}

// stateError makes an error name the path that the caller gave, which may be a link to
// the file.
func stateError(path string, err error) error {
	var state *StateError
	if errors.As(err, &state) {
		state.Path = path
	}
	return err
}

// StateProblem is the kind of a [StateError].
type StateProblem string

// Problems of state files.
const (
	StateUnreadable  StateProblem = "cannot be read"
	StateIrregular   StateProblem = "is not a regular file"
	StateTooLarge    StateProblem = "is larger than 256 MiB"
	StateForeign     StateProblem = "is not the saved state of a fake"
	StateTorn        StateProblem = "is incomplete or was changed"
	StateOtherFormat StateProblem = "was written by another version of this package"
	StateInvalid     StateProblem = "has an invalid state"
	StateInUse       StateProblem = "is kept by another server"
	StateUnwritable  StateProblem = "cannot be written"
)

func (p StateProblem) Error() string { return string(p) }

const (
	stateFormat  = "github.com/microvm-go/lambdamicrovms/fake"
	stateVersion = 1
)

// envelope is a state file. A person who edits the state must remove the checksum.
type envelope struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	SHA256  string          `json:"sha256,omitempty"` // of the state without white space
	State   json.RawMessage `json:"state"`
}

// maxState limits the size of a state file. A server with all quotas used up needs far
// less.
const maxState = 256 << 20

// SaveState writes all images, MicroVMs, tags and client tokens, and the server's time,
// to a file. The file is replaced atomically; if the path is a symbolic link, its target
// is. The file may contain secrets, such as environment variables: only its owner can
// read it. SaveState refuses a file that another server keeps.
//
// Errors are of type [*StateError].
func (s *Server) SaveState(path string) error { return stateError(path, s.saveState(path)) }

func (s *Server) saveState(path string) error {
	target, err := resolveLinks(path)
	if err != nil {
		return &StateError{Problem: StateUnwritable, Err: err}
	}
	if s.keeps(target) {
		return s.writeState(target)
	}
	lock, err := lockState(target)
	if err != nil {
		return err
	}
	defer lock.release()
	return s.writeState(target)
}

// writeState replaces the file at a path that is not a link. The caller must hold its
// lock.
func (s *Server) writeState(path string) error {
	s.mu.Lock()
	text, err := json.Marshal(s.save())
	s.mu.Unlock()
	if err == nil {
		sum := sha256.Sum256(text)
		text, err = json.MarshalIndent(envelope{stateFormat, stateVersion, hex.EncodeToString(sum[:]), text}, "", " ")
	}
	if err != nil {
		return &StateError{Path: path, Problem: StateUnwritable, Err: err}
	}
	if len(text) >= maxState {
		return &StateError{Path: path, Problem: StateTooLarge}
	}
	if err := checkRegular(path); err != nil { // a rename would replace a device, for example
		return err
	}
	if err := replaceFile(path, append(text, '\n')); err != nil {
		return &StateError{Path: path, Problem: StateUnwritable, Err: err}
	}
	return nil
}

// LoadState replaces the server's state with that of a file. An empty file has the state
// of a new server. If the test clock is behind the time of the file, it moves on to it.
// If the server keeps a file, LoadState then saves the new state to it. If that fails,
// the server has the new state nevertheless.
//
// Errors are of type [*StateError].
func (s *Server) LoadState(path string) error {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.loadState(path); err != nil {
		return err
	}
	return s.keep()
}

// loadState is LoadState without saving the new state.
func (s *Server) loadState(path string) error {
	text, err := readRegular(path)
	if err != nil {
		return err
	}
	saved, problem, err := readState(text)
	if problem == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err = s.restore(saved); err == nil {
			s.changed()
			return nil
		}
		problem = StateInvalid
	}
	return &StateError{Path: path, Problem: problem, Err: err}
}

// checkRegular returns an error for an existing path that is not a regular file.
func checkRegular(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return &StateError{Path: path, Problem: StateIrregular}
	}
	return nil
}

// readRegular reads a whole file, and never blocks on a FIFO or device.
func readRegular(path string) ([]byte, error) {
	// Check first, because opening a device can have effects. Check the opened file
	// again, because the path may have been replaced in between.
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, &StateError{Path: path, Problem: StateUnreadable, Err: err}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, &StateError{Path: path, Problem: StateUnreadable, Err: err}
	case !info.Mode().IsRegular():
		return nil, &StateError{Path: path, Problem: StateIrregular}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxState+1))
	switch {
	case err != nil:
		return nil, &StateError{Path: path, Problem: StateUnreadable, Err: err}
	case len(text) > maxState:
		return nil, &StateError{Path: path, Problem: StateTooLarge}
	}
	return text, nil
}

// readState decodes a state file, or returns what is wrong with it.
func readState(text []byte) (saved *savedState, problem StateProblem, err error) {
	if len(bytes.TrimSpace(text)) == 0 { // made by the user, because replaceFile never leaves an empty file
		return &savedState{}, "", nil
	}
	var file envelope
	if err := json.Unmarshal(text, &file); err != nil {
		begin := []byte("{\n \"format\": \"" + stateFormat + "\"")
		if bytes.HasPrefix(text, begin[:min(len(begin), len(text))]) {
			return nil, StateTorn, err
		}
		return nil, StateForeign, err
	}
	switch {
	case file.Format != stateFormat:
		return nil, StateForeign, nil
	case file.Version != stateVersion:
		return nil, StateOtherFormat, fmt.Errorf("version %d where this one reads %d", file.Version, stateVersion)
	}
	if file.SHA256 != "" {
		var compact bytes.Buffer
		_ = json.Compact(&compact, file.State)
		if sum := sha256.Sum256(compact.Bytes()); hex.EncodeToString(sum[:]) != file.SHA256 {
			return nil, StateTorn, errors.New("the checksum differs; if you edited the file, remove its sha256")
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(file.State))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&saved); err != nil {
		return nil, StateInvalid, err
	}
	if saved == nil {
		return nil, StateInvalid, errors.New("there is no state")
	}
	return saved, "", nil
}

// tempPrefix begins the names of the files that replaceFile writes before it renames
// them.
func tempPrefix(path string) string { return "." + filepath.Base(path) + ".tmp-" }

// replaceFile writes a temporary file in the same directory and renames it. At every
// moment, even after a crash, the path has either the old or the complete new content.
func replaceFile(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return err
	}
	// Not every system can sync a directory; the rename has happened either way.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
