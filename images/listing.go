package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	dockerfile = "Dockerfile"

	changed = "the file changed while it was read"
	noFile  = "this is neither a file nor a directory; exclude it with .dockerignore"
)

// entry is a file or directory to pack.
type entry struct {
	name string // slash-separated
	mode fs.FileMode
	size int64
	// These detect that another file has replaced the listed one.
	id      fileID
	modTime int64
}

// entryList is a list of entries in chunks, so that appending copies no entries. It can
// be read only once, because reading frees the chunks. It stores only the part of each
// name that differs from the previous name, so that deep directories do not need more
// memory than others.
type entryList struct {
	chunks [][]listedEntry
	length int
	last   string // the name that was appended last
}

// listedEntry is an entry without what its name shares with the name before.
type listedEntry struct {
	rest    string
	shared  uint32 // bytes
	mode    fs.FileMode
	size    int64
	id      fileID
	modTime int64
}

const entriesOfChunk = 512

func (l *entryList) append(e entry) {
	if l.length%entriesOfChunk == 0 {
		l.chunks = append(l.chunks, make([]listedEntry, 0, entriesOfChunk))
	}
	shared := 0
	for shared < min(len(e.name), len(l.last)) && e.name[shared] == l.last[shared] {
		shared++
	}
	chunk := &l.chunks[len(l.chunks)-1]
	*chunk = append(*chunk, listedEntry{
		rest: strings.Clone(e.name[shared:]), shared: uint32(shared),
		mode: e.mode, size: e.size, id: e.id, modTime: e.modTime,
	})
	l.length++
	l.last = e.name
}

// take returns the entries and removes them from the list, chunk by chunk.
func (l *entryList) take() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		name := ""
		for len(l.chunks) > 0 {
			chunk := l.chunks[0]
			l.chunks[0] = nil
			l.chunks = l.chunks[1:]
			for _, e := range chunk {
				name = name[:e.shared] + e.rest
				if !yield(&entry{name: name, mode: e.mode, size: e.size, id: e.id, modTime: e.modTime}) {
					return
				}
			}
		}
	}
}

// lister lists the entries to pack. It opens directories relative to their parents and
// without following links. It therefore never lists anything outside of the directory,
// even if something is moved or replaced meanwhile.
type lister struct {
	dir        string
	options    ZipOptions
	root       *os.Root
	output     fs.FileInfo // of the archive, if it is a file
	ignore     *ignoreRules
	ignoreFile string // the file that ignore was read from
	entries    entryList
	targets    map[string]string // of symbolic links, by name
	files      int
	bytes      int64

	hasDockerfile bool
}

// listDir lists the directory to pack. The caller closes the lister.
func listDir(ctx context.Context, dir string, output any, optFns []func(*ZipOptions)) (*lister, error) {
	root, err := openRoot(ctx, dir)
	if err != nil {
		return nil, err
	}
	l := newLister(root, dir, output, optFns)
	if err := l.list(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lister) close() { _ = l.root.Close() } // it is only read

// openRoot opens the directory to pack. It returns when the context ends, even if the
// file system does not respond.
func openRoot(ctx context.Context, dir string) (*os.Root, error) {
	type result struct {
		root *os.Root
		err  error
	}
	done := make(chan result, 1)
	go func() {
		root, err := openDirectory(dir)
		done <- result{root, err}
	}()
	opened, err := receive(ctx, done)
	if err != nil {
		go func() {
			if late := <-done; late.err == nil {
				_ = late.root.Close()
			}
		}()
		return nil, &ArtifactError{Dir: dir, Err: err}
	}
	return opened.root, opened.err
}

func openDirectory(dir string) (*os.Root, error) {
	info, err := os.Stat(dir) // before opening it: opening a pipe would block
	if err != nil {
		return nil, &ArtifactError{Dir: dir, Err: err}
	}
	if !info.IsDir() {
		return nil, &ArtifactError{Dir: dir, Problem: "this is not a directory"}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &ArtifactError{Dir: dir, Err: err}
	}
	return root, nil
}

func newLister(root *os.Root, dir string, output any, optFns []func(*ZipOptions)) *lister {
	l := &lister{dir: dir, root: root, targets: map[string]string{}, options: ZipOptions{MaxFiles: 100_000, MaxBytes: 4 << 30}}
	for _, fn := range optFns {
		fn(&l.options)
	}
	if file, ok := output.(interface{ Stat() (fs.FileInfo, error) }); ok {
		l.output, _ = file.Stat() // if this fails, so will writing to it
	}
	return l
}

func (l *lister) fail(name, problem string, err error) error {
	return &ArtifactError{Dir: l.dir, Path: name, Problem: problem, Err: err}
}

// wrap returns an *ArtifactError as it is and wraps any other error in one.
func (l *lister) wrap(name string, err error) error {
	var artifact *ArtifactError
	if errors.As(err, &artifact) {
		return err
	}
	return l.fail(name, "", err)
}

// list sets entries. It returns when the context ends, even if the file system does not
// respond.
func (l *lister) list(ctx context.Context) error {
	if err := l.options.check(); err != nil {
		return l.fail("", "", err)
	}
	done := make(chan error, 1)
	work := *l
	go func() { done <- work.listAll(ctx) }()
	select {
	case err := <-done:
		*l = work
		return err
	case <-ctx.Done():
		return l.fail("", "", ctx.Err())
	}
}

func (l *lister) listAll(ctx context.Context) error {
	if err := l.readIgnore(); err != nil {
		return err
	}
	if err := l.scan(ctx, &openDir{root: l.root, listed: true}); err != nil {
		return err
	}
	if !l.hasDockerfile {
		return l.fail("", "there is no Dockerfile", nil)
	}
	return nil
}

func (l *lister) readIgnore() (err error) {
	for _, name := range [...]string{dockerfile + ".dockerignore", ".dockerignore"} {
		var text string
		switch text, err = l.readRules(name); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err == nil:
			l.ignoreFile = name
			l.ignore, err = parseIgnore(text)
		}
		if err != nil {
			return l.wrap(name, err)
		}
		return nil
	}
	l.ignore, err = parseIgnore("")
	return err
}

// readRules reads a file of unknown kind and size.
func (l *lister) readRules(name string) (string, error) {
	info, err := l.root.Stat(name) // before opening it: opening a device may have effects
	if err == nil && !info.Mode().IsRegular() {
		err = l.fail(name, "this is not a regular file", nil)
	}
	if err != nil {
		return "", err
	}
	file, err := l.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it is only read
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = l.fail(name, changed, nil)
	}
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxIgnoreBytes+1))
	if err == nil && len(text) > maxIgnoreBytes {
		err = l.fail(name, fmt.Sprintf("the file is larger than %d bytes", maxIgnoreBytes), nil)
	}
	return string(text), err
}

// openDir is a directory that scan has opened.
type openDir struct {
	name   string // empty for the root
	parent *openDir
	root   *os.Root
	state  ignoreState
	listed bool // false if it is excluded and nothing in it has been listed yet
}

// scan lists the content of a directory, sorted by name.
func (l *lister) scan(ctx context.Context, in *openDir) error {
	items, err := readDir(ctx, in.root)
	if err != nil {
		return l.fail(in.name, "", err)
	}
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return l.fail("", "", err)
		}
		if err := l.visit(ctx, in, item); err != nil {
			return l.wrap(path.Join(in.name, item.Name()), err)
		}
	}
	return nil
}

// readDir returns the content of a directory, sorted by name.
func readDir(ctx context.Context, root *os.Root) (items []fs.DirEntry, err error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // it is only read
	for err == nil {
		var some []fs.DirEntry
		some, err = dir.ReadDir(1000)
		items = append(items, some...)
		if err == nil {
			err = ctx.Err()
		}
	}
	if err != io.EOF { //nolint:errorlint // ReadDir returns it as it is
		return nil, err
	}
	slices.SortFunc(items, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return items, nil
}

func (l *lister) visit(ctx context.Context, in *openDir, item fs.DirEntry) error {
	base := item.Name()
	name := path.Join(in.name, base)
	excluded, state, err := l.ignore.match(name, in.state)
	if err != nil {
		return l.fail(l.ignoreFile, "", err)
	}
	excluded = excluded && name != dockerfile
	if excluded && (!item.IsDir() || !l.ignore.reaches(name)) {
		return nil
	}
	info, err := in.root.Lstat(base)
	if err != nil {
		if excluded && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if l.output != nil && os.SameFile(l.output, info) {
		return nil
	}
	if !excluded {
		if err := l.add(in, base, info); err != nil {
			return err
		}
	}
	if !info.IsDir() {
		return nil
	}
	below, err := enter(in.root, base, info)
	if err != nil {
		if excluded && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) {
			return nil // as BuildKit does
		}
		return err
	}
	defer below.Close() //nolint:errcheck // it is only read
	return l.scan(ctx, &openDir{name: name, parent: in, root: below, state: state, listed: !excluded})
}

// enter opens a directory that Lstat has described. It fails if something has replaced
// it.
func enter(parent *os.Root, base string, info fs.FileInfo) (*os.Root, error) {
	root, err := parent.OpenRoot(base + "/.") // the dot, because opening a pipe would block
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errors.New("the directory was replaced while it was listed")
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// add lists a file or directory, after its parents.
func (l *lister) add(in *openDir, base string, info fs.FileInfo) error {
	name := path.Join(in.name, base)
	if strings.ContainsAny(name, "\\\x00") || !utf8.ValidString(name) {
		return l.fail(name, "a name in an archive must be UTF-8 without backslashes", nil)
	}
	if err := l.addParents(in); err != nil {
		return err
	}
	if info.IsDir() {
		return l.append(entry{name: name, mode: fs.ModeDir | 0o755})
	}
	e := entry{name: name, mode: 0o644}
	if info.Mode().Type() == fs.ModeSymlink {
		target, at, err := l.follow(name)
		if err != nil {
			return err
		}
		l.targets[name], info = target, at
	}
	if !info.Mode().IsRegular() {
		return l.fail(name, noFile, nil)
	}
	if info.Mode()&0o100 != 0 {
		e.mode = 0o755
	}
	e.size, e.id, e.modTime = info.Size(), identify(info), info.ModTime().UnixNano()
	l.files++
	l.bytes += e.size
	return l.append(e)
}

// addParents lists excluded directories that contain something that is not excluded.
func (l *lister) addParents(in *openDir) error {
	if in.listed {
		return nil
	}
	in.listed = true
	if err := l.addParents(in.parent); err != nil {
		return err
	}
	return l.append(entry{name: in.name, mode: fs.ModeDir | 0o755})
}

func (l *lister) append(e entry) error {
	l.entries.append(e)
	l.hasDockerfile = l.hasDockerfile || e.name == dockerfile && !e.mode.IsDir()
	switch {
	case l.entries.length > l.options.MaxFiles:
		return l.fail(e.name, fmt.Sprintf("there are more than %d files (ZipOptions.MaxFiles): is this the right directory?", l.options.MaxFiles), nil)
	case l.bytes > l.options.MaxBytes:
		return l.fail(e.name, fmt.Sprintf("there are more than %d bytes (ZipOptions.MaxBytes): is this the right directory?", l.options.MaxBytes), nil)
	}
	return nil
}

// follow returns the target of a symbolic link.
func (l *lister) follow(name string) (target string, info fs.FileInfo, err error) {
	base, err := filepath.Abs(l.dir) // a link can be absolute
	if err != nil {
		return "", nil, err
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return "", nil, err
	}
	end, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(name)))
	if err != nil {
		return "", nil, err
	}
	target, err = filepath.Rel(base, end)
	if err != nil || !filepath.IsLocal(target) {
		return "", nil, l.fail(name, "the symbolic link leads out of the directory", nil)
	}
	target = filepath.ToSlash(target)
	excluded, err := l.ignore.excludes(target)
	if err != nil {
		return "", nil, l.fail(l.ignoreFile, "", err)
	}
	if excluded && target != dockerfile {
		return "", nil, l.fail(name, "the symbolic link leads to "+target+", which is excluded", nil)
	}
	info, err = lstat(l.root, target)
	if err == nil && info.IsDir() {
		err = l.fail(name, "the symbolic link leads to a directory; exclude it with .dockerignore", nil)
	}
	return target, info, err
}

// lstat describes the file at a path. It fails if an element of the path has become a
// link since EvalSymlinks.
func lstat(root *os.Root, name string) (fs.FileInfo, error) {
	first, rest, nested := strings.Cut(name, "/")
	info, err := root.Lstat(first)
	if err != nil || !nested {
		return info, err
	}
	below, err := enter(root, first, info)
	if err != nil {
		return nil, err
	}
	defer below.Close() //nolint:errcheck // it is only read
	return lstat(below, rest)
}

// open opens the content of a listed file. It fails if another file has replaced it.
func (l *lister) open(e *entry) (*os.File, error) {
	name := e.name
	if target, ok := l.targets[name]; ok {
		name = target
	}
	file, err := l.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (!info.Mode().IsRegular() || !e.id.same(info) || info.Size() != e.size || info.ModTime().UnixNano() != e.modTime) {
		err = l.fail(e.name, changed, nil)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
