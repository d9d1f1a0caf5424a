//go:build unix

package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

const (
	treeFiles = 11_500
	treeBytes = 195_000_000
	fillers   = 40 // large files, of which every fourth is noise
)

// tree is a directory that grows.
type tree struct {
	dir   string
	files int
	bytes int64
}

func (t *tree) add(name string, content []byte) error {
	name = filepath.Join(t.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	t.files++
	t.bytes += int64(len(content))
	return os.WriteFile(name, content, 0o644)
}

// plant writes the directory that is packed. It has programs, then source files until
// there are enough files, then parts of a program and random bytes until there are enough
// bytes.
func plant(dir string) (files int, size int64, err error) {
	t := &tree{dir: dir}
	if err := t.add("Dockerfile", []byte("FROM scratch\n")); err != nil {
		return 0, 0, err
	}
	root := runtime.GOROOT() //nolint:staticcheck // go run sets it
	if err := t.copy("bin", filepath.Join(root, "bin")); err != nil {
		return 0, 0, err
	}
	for turn := 0; t.files < treeFiles-fillers; turn++ {
		if err := t.copy(fmt.Sprint("src", turn), filepath.Join(root, "src")); err != nil {
			return 0, 0, err
		}
	}
	program, err := os.ReadFile(filepath.Join(root, "bin", "go"))
	if err != nil {
		return 0, 0, err
	}
	random := rand.NewChaCha8([32]byte{})
	for i := range fillers {
		content := make([]byte, max(treeBytes-t.bytes, 0)/int64(fillers-i))
		if i%4 == 0 {
			_, _ = random.Read(content) // it does not fail
		} else {
			copy(content, program[i*len(program)/(2*fillers):])
		}
		if err := t.add(fmt.Sprint("large/", i), content); err != nil {
			return 0, 0, err
		}
	}
	return t.files, t.bytes, nil
}

// copy adds what is below a directory, until there are enough files.
func (t *tree) copy(name, from string) error {
	return filepath.WalkDir(from, func(path string, item fs.DirEntry, err error) error {
		if err != nil || !item.Type().IsRegular() {
			return err
		}
		if t.files == treeFiles-fillers {
			return fs.SkipAll
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return t.add(filepath.Join(name, below), content)
	})
}

// plantMany writes nearly n files and directories: 100 files in each deep directory.
// Every fiftieth file may be larger.
func plantMany(dir string, n int) error {
	t := &tree{dir: dir}
	if err := t.add("Dockerfile", []byte("FROM scratch\n")); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 1))
	const perDirectory, depth = 100, 4 // directories that only this package has
	for i := 0; t.files+t.files/perDirectory*depth < n-10; i++ {
		size := 1 + random.IntN(2000)
		if i%50 == 0 {
			size *= 15
		}
		var content []byte
		for len(content) < size {
			content = fmt.Appendf(content, "value%d = %d\n", i, random.Uint32())
		}
		name := fmt.Sprintf("web/node_modules/@organization/package-of-components-%05d/dist/esm/internal/component%d.js", i/perDirectory, i)
		if err := t.add(name, content); err != nil {
			return err
		}
	}
	return nil
}

// sequential packs a directory as images.Zip did at first: by archive/zip, hashed on the
// way.
func sequential(w io.Writer, dir string) error {
	out, sum := zip.NewWriter(w), sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, item fs.DirEntry, err error) error {
		if err != nil || item.IsDir() {
			return err
		}
		to, err := out.Create(name)
		if err != nil {
			return err
		}
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // it is only read
		_, err = io.Copy(io.MultiWriter(to, sum), file)
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}
