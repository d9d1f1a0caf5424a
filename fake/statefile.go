package fake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A StateError says why a state file is refused or cannot be written. [errors.Is] tells its Problem.
type StateError struct {
	Path    string
	Problem StateProblem
	Err     error // more about it, nil if there is no more
}

func (e *StateError) Error() string {
	text := fmt.Sprintf("fake: state file %s: %s", e.Path, string(e.Problem))
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

// StateProblem is what is wrong with a state file.
type StateProblem string

// Problems of state files. Whichever it is, the server and the file are left as they were.
const (
	StateUnreadable  StateProblem = "cannot be read"
	StateForeign     StateProblem = "is not the saved state of a fake"
	StateTorn        StateProblem = "is torn: it is not all that was written"
	StateOtherFormat StateProblem = "is in the format of another version of this package"
	StateInvalid     StateProblem = "has a state that cannot be"
	StateUnwritable  StateProblem = "cannot be written"
)

func (p StateProblem) Error() string { return string(p) }

const (
	stateFormat  = "github.com/microvm-go/lambdamicrovms/fake"
	stateVersion = 1
)

// envelope is a state file. Whoever edits the state leaves the checksum out.
type envelope struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	SHA256  string          `json:"sha256,omitempty"` // of the state without white space
	State   json.RawMessage `json:"state"`
}

// SaveState writes all images, MicroVMs, tags and client tokens to a file, with the time. The file is
// replaced as a whole or not at all. It may hold secrets, such as environment variables, and is readable by its
// owner only. Errors are of type *StateError.
func (s *Server) SaveState(path string) error {
	s.mu.Lock()
	text, err := json.Marshal(s.save())
	s.mu.Unlock()
	if err == nil {
		sum := sha256.Sum256(text)
		text, err = json.MarshalIndent(envelope{stateFormat, stateVersion, hex.EncodeToString(sum[:]), text}, "", " ")
	}
	if err == nil {
		err = replaceFile(path, append(text, '\n'))
	}
	if err != nil {
		return &StateError{path, StateUnwritable, err}
	}
	return nil
}

// LoadState replaces the state by that of a file. The test clock goes on from the time of the file if it is
// behind. Errors are of type *StateError.
func (s *Server) LoadState(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return &StateError{path, StateUnreadable, err}
	}
	saved, problem, err := readState(text)
	if problem == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err = s.restore(saved); err == nil {
			return nil
		}
		problem = StateInvalid
	}
	return &StateError{path, problem, err}
}

// KeepState loads a file, if there is one, and from then on saves every change to it before the call is
// answered. Where that fails the call is answered 500. Idle time of MicroVMs is saved with the next change. Each
// time all of the state is written, which takes about a tenth of a second for a thousand images.
func (s *Server) KeepState(path string) error {
	if _, err := os.Stat(path); err == nil {
		if err := s.LoadState(path); err != nil {
			return err
		}
	}
	if err := s.SaveState(path); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeper = &keeper{path: path}
	return nil
}

// readState tells the ways apart in which a file is none of ours.
func readState(text []byte) (saved *savedState, problem StateProblem, err error) {
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
			return nil, StateTorn, errors.New("the checksum is another; if the file was edited, remove its sha256")
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

// replaceFile writes a file beside the path and moves it there, so that at every moment the path has either
// what it had or all of the new content, also after a crash.
func replaceFile(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
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
	// Not every system can sync a directory; the content is there without it.
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}
