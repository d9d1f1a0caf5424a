package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Dir, Export, ForTest  string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	TestGoFiles, XTestGoFiles         []string
	DepOnly                           bool
	Error                             *struct{ Err string }
}

// A loadedProgram is the packages to rewrite, type-checked.
type loadedProgram struct {
	fset     *token.FileSet
	packages []*checked
	skipped  []string // files that are not part of this build
}

// checked is a package, or the external test of one.
type checked struct {
	files      []*ast.File
	info       *types.Info
	operations *types.MethodSet // of the official client; nil if nothing imports it
}

// load lists, compiles and type-checks packages. Dependencies come from the compiler's
// export data, so that the command needs no library.
func load(dir string, patterns []string) (*loadedProgram, error) {
	packages, err := list(dir, patterns)
	if err != nil {
		return nil, err
	}
	compiled := make(exports)
	dirs := make(map[string]bool)
	for _, p := range packages {
		if p.Export != "" {
			// The path of a variant for a test is followed by the name of the test.
			path, _, _ := strings.Cut(p.ImportPath, " ")
			compiled[export{path, p.ForTest}] = p.Export
		}
		dirs[p.Dir] = true
	}
	loaded := &loadedProgram{fset: token.NewFileSet()}
	if loaded.skipped, err = unlisted(dir, patterns, dirs); err != nil {
		return nil, err
	}
	imported := compiled.importer(loaded.fset, "")
	for _, p := range packages {
		if p.DepOnly || p.ForTest != "" || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		if err := loaded.add(p, imported, compiled); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// exports has the file with the compiler's export data for each package.
type exports map[export]string

// An export names a package as the go command compiled it. If the package of an external
// test has tests of its own, the go command compiles it again with them, and also the
// packages between it and the test. Types of one compilation are not those of another.
type export struct{ path, forTest string }

// importer returns an importer of the packages for an external test, or for programs.
func (e exports) importer(fset *token.FileSet, forTest string) types.Importer {
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		name, ok := e[export{path, forTest}]
		if !ok {
			name, ok = e[export{path, ""}]
		}
		if !ok {
			return nil, fmt.Errorf("package %s was not compiled", path)
		}
		return os.Open(name)
	})
}

// unlisted returns the Go files below patterns such as ./... that the go command does not
// list, because no file of their directory is part of this build.
func unlisted(dir string, patterns []string, listed map[string]bool) ([]string, error) {
	var names []string
	for _, pattern := range patterns {
		below, ok := strings.CutSuffix(pattern, "/...")
		if !ok || !build.IsLocalImport(below) {
			continue
		}
		root := filepath.Join(dir, below)
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if name != root && isOutside(name) {
					return filepath.SkipDir
				}
			} else if strings.HasSuffix(name, ".go") && !listed[filepath.Dir(name)] {
				names = append(names, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// isOutside reports whether patterns leave out a directory below them.
func isOutside(dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod")) // another module
	return err == nil
}

func list(dir string, patterns []string) ([]*listed, error) {
	command := exec.Command("go", append([]string{"list", "-e", "-json", "-export", "-deps", "-test", "--"}, patterns...)...)
	command.Dir = dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var packages []*listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		p := new(listed)
		if err := decoder.Decode(p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Error != nil {
			return nil, fmt.Errorf("the program must compile before it is rewritten: %s: %s", p.ImportPath, strings.TrimSpace(p.Error.Err))
		}
		packages = append(packages, p)
	}
}

// add checks a package with its tests, and its external test.
func (l *loadedProgram) add(p *listed, imported types.Importer, compiled exports) error {
	for _, name := range slices.Concat(p.IgnoredGoFiles, p.CgoFiles) {
		l.skipped = append(l.skipped, filepath.Join(p.Dir, name))
	}
	if len(p.CgoFiles) > 0 { // the rest does not type-check without them
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			l.skipped = append(l.skipped, filepath.Join(p.Dir, name))
		}
		return nil
	}
	if err := l.check(p.ImportPath, p.Dir, append(p.GoFiles, p.TestGoFiles...), imported); err != nil {
		return err
	}
	if len(p.TestGoFiles) > 0 {
		imported = compiled.importer(l.fset, p.ImportPath)
	}
	return l.check(p.ImportPath+"_test", p.Dir, p.XTestGoFiles, imported)
}

func (l *loadedProgram) check(path, dir string, names []string, imported types.Importer) error {
	if len(names) == 0 {
		return nil
	}
	c := &checked{info: &types.Info{
		Uses: make(map[*ast.Ident]types.Object),
		Defs: make(map[*ast.Ident]types.Object),
	}}
	for _, name := range names {
		file, err := parser.ParseFile(l.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		c.files = append(c.files, file)
	}
	config := types.Config{Importer: imported, Sizes: types.SizesFor("gc", "amd64")}
	if _, err := config.Check(path, l.fset, c.files, c.info); err != nil {
		return fmt.Errorf("the program must compile before it is rewritten: %w", err)
	}
	c.operations = operations(imported)
	l.packages = append(l.packages, c)
	return nil
}
