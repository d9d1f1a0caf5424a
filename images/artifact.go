package images

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ZipOptions guard against packing the wrong folder. They are limits of this package, not of the service.
type ZipOptions struct {
	MaxFiles int   // files and folders; the default is 100,000
	MaxBytes int64 // before compression; the default is 4 GiB
}

// An Archive describes what Zip has packed.
type Archive struct {
	Files int   // without folders
	Bytes int64 // before compression
	// Hash identifies the content: paths, contents and which files can be executed. It does not depend on how
	// the content was compressed.
	Hash string
}

// ArtifactError reports a folder that cannot be packed.
type ArtifactError struct {
	Dir     string
	Path    string // within Dir, empty if it is about all of it
	Problem string
	Err     error
}

func (e *ArtifactError) Error() string {
	text := "images: pack " + e.Dir
	if e.Path != "" {
		text += ": " + e.Path
	}
	if e.Problem != "" {
		text += ": " + e.Problem
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ArtifactError) Unwrap() error { return e.Err }

// Zip packs a folder as the artifact of an image, to w. The same files give the same bytes (with the same
// version of Go, whose compression may change): entries are sorted, times are fixed, modes are 0644 or, if the
// owner may execute the file, 0755.
//
// The folder has to have a Dockerfile. What .dockerignore names is left out by Docker's rules, "!" and "**"
// included, but never the Dockerfile; a Dockerfile.dockerignore takes its place. A symbolic link becomes a copy
// of the file that it leads to, which must be in the folder and not left out; links to folders, and what is no
// file at all, are errors.
//
// Errors are *ArtifactError, also when the context ends.
func Zip(ctx context.Context, w io.Writer, dir string, optFns ...func(*ZipOptions)) (*Archive, error) {
	p := &packer{dir: dir, sum: sha256.New()}
	p.options = ZipOptions{MaxFiles: 100_000, MaxBytes: 4 << 30}
	for _, fn := range optFns {
		fn(&p.options)
	}
	var err error
	if p.root, err = os.OpenRoot(dir); err != nil {
		return nil, p.fail("", "", err)
	}
	defer p.root.Close() //nolint:errcheck // it is only read
	if err := p.readIgnore(); err != nil {
		return nil, err
	}
	if err := p.scan(ctx, "."); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.entries, func(e entry) bool { return e.name == dockerfile && !e.mode.IsDir() }) {
		return nil, p.fail("", "there is no Dockerfile", nil)
	}
	if err := p.write(ctx, w); err != nil {
		return nil, err
	}
	p.archive.Hash = "sha256:" + hex.EncodeToString(p.sum.Sum(nil))
	return &p.archive, nil
}

const dockerfile = "Dockerfile"

type packer struct {
	dir     string
	options ZipOptions
	root    *os.Root // nothing outside of the folder can be opened through it
	ignore  *ignoreRules
	entries []entry
	sum     hash.Hash
	archive Archive
}

// entry is a file or folder to be packed.
type entry struct {
	name   string // slash-separated
	source string // where the content is, if it is not there
	size   int64
	mode   fs.FileMode
}

func (p *packer) fail(name, problem string, err error) error {
	return &ArtifactError{Dir: p.dir, Path: name, Problem: problem, Err: err}
}

func (p *packer) readIgnore() error {
	for _, name := range [...]string{dockerfile + ".dockerignore", ".dockerignore"} {
		file, err := p.root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p.fail(name, "", err)
		}
		text, err := io.ReadAll(file)
		_ = file.Close()
		if err == nil {
			p.ignore, err = parseIgnore(string(text))
		}
		if err != nil {
			return p.fail(name, "", err)
		}
		return nil
	}
	p.ignore = &ignoreRules{}
	return nil
}

// scan finds what is to be packed below a folder, in the order of the names.
func (p *packer) scan(ctx context.Context, dir string) error {
	items, err := fs.ReadDir(p.root.FS(), dir)
	if err != nil {
		return p.fail(dir, "", err)
	}
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return p.fail("", "", err)
		}
		name := path.Join(dir, item.Name())
		excluded := name != dockerfile && p.ignore.excludes(name)
		if excluded && (!item.IsDir() || !p.ignore.exceptions) {
			continue
		}
		if !excluded {
			if err := p.add(name, item); err != nil {
				return err
			}
		}
		if item.IsDir() {
			if err := p.scan(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *packer) add(name string, item fs.DirEntry) error {
	if strings.ContainsAny(name, "\\\x00") || !utf8.ValidString(name) {
		return p.fail(name, "a name in an archive is UTF-8 and has no backslash", nil)
	}
	e := entry{name: name, source: name, mode: fs.ModeDir | 0o755}
	if !item.IsDir() {
		info, err := item.Info()
		if err == nil && info.Mode().Type() == fs.ModeSymlink {
			e.source, info, err = p.follow(name)
		}
		if err != nil {
			return p.wrap(name, err)
		}
		if !info.Mode().IsRegular() {
			return p.fail(name, "this is neither a file nor a folder; leave it out with .dockerignore", nil)
		}
		e.size, e.mode = info.Size(), 0o644
		if info.Mode()&0o100 != 0 {
			e.mode = 0o755
		}
		p.archive.Files++
		p.archive.Bytes += e.size
	}
	p.entries = append(p.entries, e)
	switch {
	case len(p.entries) > p.options.MaxFiles:
		return p.fail(name, fmt.Sprintf("there are more than %d files (ZipOptions.MaxFiles): is this the right folder?", p.options.MaxFiles), nil)
	case p.archive.Bytes > p.options.MaxBytes:
		return p.fail(name, fmt.Sprintf("there are more than %d bytes (ZipOptions.MaxBytes): is this the right folder?", p.options.MaxBytes), nil)
	}
	return nil
}

// wrap leaves errors of this package as they are.
func (p *packer) wrap(name string, err error) error {
	var artifact *ArtifactError
	if errors.As(err, &artifact) {
		return err
	}
	return p.fail(name, "", err)
}

// follow returns the file that a symbolic link leads to.
func (p *packer) follow(name string) (target string, info fs.FileInfo, err error) {
	base, err := filepath.EvalSymlinks(p.dir)
	if err != nil {
		return "", nil, err
	}
	end, err := filepath.EvalSymlinks(filepath.Join(base, filepath.FromSlash(name)))
	if err != nil {
		return "", nil, err
	}
	target, err = filepath.Rel(base, end)
	if err != nil || !filepath.IsLocal(target) {
		return "", nil, p.fail(name, "the symbolic link leads out of the folder", err)
	}
	target = filepath.ToSlash(target)
	if target != dockerfile && p.ignore.excludes(target) {
		return "", nil, p.fail(name, "the symbolic link leads to "+target+", which is left out", nil)
	}
	info, err = p.root.Lstat(target)
	if err == nil && info.IsDir() {
		err = p.fail(name, "the symbolic link leads to a folder; leave it out with .dockerignore", nil)
	}
	return target, info, err
}

// dawn is the earliest time that an archive can hold.
func dawn() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

func (p *packer) write(ctx context.Context, w io.Writer) error {
	out := zip.NewWriter(w)
	for _, e := range p.entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: dawn()}
		if e.mode.IsDir() {
			header.Name, header.Method = e.name+"/", zip.Store
		}
		header.SetMode(e.mode)
		fmt.Fprintf(p.sum, "%q %v %d\n", e.name, e.mode, e.size)
		to, err := out.CreateHeader(header)
		if err == nil && !e.mode.IsDir() {
			err = p.copy(ctx, io.MultiWriter(to, p.sum), e)
		}
		if err != nil {
			return p.wrap(e.name, err)
		}
	}
	if err := out.Close(); err != nil {
		return p.fail("", "", err)
	}
	return nil
}

func (p *packer) copy(ctx context.Context, w io.Writer, e entry) error {
	file, err := p.root.Open(e.source)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	n, err := io.Copy(w, &contextReader{ctx, io.LimitReader(file, e.size+1)})
	if err == nil && n != e.size {
		err = p.fail(e.name, "the file changed while it was read", nil)
	}
	return err
}

// contextReader ends with its context.
type contextReader struct {
	ctx    context.Context
	source io.Reader
}

func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.source.Read(b)
}
