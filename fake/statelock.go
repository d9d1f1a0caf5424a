package fake

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// stateLock keeps other servers, also of other processes, from writing a state file. It
// is an operating system lock, which ends with the process. It is on a separate file,
// because the state file is replaced with every save.
type stateLock struct{ file *os.File }

// errHeld is the error of openLocked for a file that is already locked.
var errHeld = errors.New("locked")

// lockState locks a state file and removes temporary files of killed processes. Its
// errors are *StateErrors.
func lockState(path string) (*stateLock, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".lock")
	for {
		file, err := openLocked(name)
		if errors.Is(err, errHeld) {
			return nil, &StateError{Path: path, Problem: StateInUse, PID: holderOf(name)}
		}
		if err != nil {
			return nil, &StateError{Path: path, Problem: StateUnwritable, Err: err}
		}
		// The previous holder may have removed the lock file between our open and our
		// lock. Then our lock is useless, because the next server locks a new file.
		if !isAt(file, name) {
			_ = file.Close()
			continue
		}
		_ = file.Truncate(0)
		_, _ = fmt.Fprintf(file, "%d\n", os.Getpid()) // only for the error message of others
		removeTemporary(path)
		return &stateLock{file}, nil
	}
}

// release removes the lock file while it is still locked. Later it could remove the file
// of another server.
func (l *stateLock) release() {
	if l == nil {
		return
	}
	_ = os.Remove(l.file.Name())
	_ = l.file.Close()
}

func isAt(file *os.File, name string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(ours, there)
}

// holderOf returns the PID in a lock file, or 0.
func holderOf(name string) int {
	text, err := readRegular(name)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// removeTemporary removes files that replaceFile has not renamed. The caller must hold
// the lock, so that no other process is writing one.
func removeTemporary(path string) {
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		random, ours := strings.CutPrefix(entry.Name(), tempPrefix(path))
		if ours && random != "" && strings.Trim(random, "0123456789") == "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// resolveLinks returns the absolute path of the file that path links to, which need not
// exist. It resolves links among the directories, too. Otherwise two servers could keep
// the same file under different names, each with its own lock.
func resolveLinks(path string) (string, error) {
	for range 40 {
		dir, base := filepath.Split(path)
		// Resolve links before filepath.Join, which removes "..": after a link, ".." is the
		// parent of the directory that the link leads to.
		if resolved, err := filepath.EvalSymlinks(cmp.Or(dir, ".")); err == nil {
			dir = resolved // if it is missing, opening the file will report the error
		}
		path = filepath.Join(dir, base)
		link, err := os.Readlink(path)
		if err != nil {
			return filepath.Abs(path) // not a link, or missing
		}
		if !filepath.IsAbs(link) {
			link = filepath.Dir(path) + string(filepath.Separator) + link
		}
		path = link
	}
	return "", errors.New("too many symbolic links")
}
