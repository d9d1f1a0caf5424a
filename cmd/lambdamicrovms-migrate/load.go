package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
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
	imported types.Importer
	packages []*checked
	skipped  []string // files that are not part of this build
}

// checked is a package, or the external test of one.
type checked struct {
	files []*ast.File
	info  *types.Info
}

// load lists, compiles and type-checks packages. Dependencies come from the compiler's
// export data, so that the command needs no library.
func load(dir string, patterns []string) (*loadedProgram, error) {
	packages, err := list(dir, patterns)
	if err != nil {
		return nil, err
	}
	exports := make(map[string]string)
	for _, p := range packages {
		if p.ForTest == "" && p.Export != "" {
			exports[p.ImportPath] = p.Export
		}
	}
	fset := token.NewFileSet()
	lookup := func(path string) (io.ReadCloser, error) {
		name, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("package %s was not compiled", path)
		}
		return os.Open(name)
	}
	loaded := &loadedProgram{fset: fset, imported: importer.ForCompiler(fset, "gc", lookup)}
	for _, p := range packages {
		if p.DepOnly || p.ForTest != "" || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		if err := loaded.add(p); err != nil {
			return nil, err
		}
	}
	return loaded, nil
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
func (l *loadedProgram) add(p *listed) error {
	for _, name := range slices.Concat(p.IgnoredGoFiles, p.CgoFiles) {
		l.skipped = append(l.skipped, filepath.Join(p.Dir, name))
	}
	if len(p.CgoFiles) > 0 { // the rest does not type-check without them
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			l.skipped = append(l.skipped, filepath.Join(p.Dir, name))
		}
		return nil
	}
	tested, err := l.check(p.ImportPath, p.Dir, append(p.GoFiles, p.TestGoFiles...), l.imported)
	if err != nil {
		return err
	}
	imported := l.imported
	if len(p.TestGoFiles) > 0 { // an external test may use what they export
		imported = importerFunc(func(path string) (*types.Package, error) {
			if path == p.ImportPath {
				return tested, nil
			}
			return l.imported.Import(path)
		})
	}
	_, err = l.check(p.ImportPath+"_test", p.Dir, p.XTestGoFiles, imported)
	return err
}

type importerFunc func(string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

func (l *loadedProgram) check(path, dir string, names []string, imported types.Importer) (*types.Package, error) {
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // there is no such package
	}
	c := &checked{info: &types.Info{
		Uses: make(map[*ast.Ident]types.Object),
		Defs: make(map[*ast.Ident]types.Object),
	}}
	for _, name := range names {
		file, err := parser.ParseFile(l.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, file)
	}
	config := types.Config{Importer: imported, Sizes: types.SizesFor("gc", "amd64")}
	pkg, err := config.Check(path, l.fset, c.files, c.info)
	if err != nil {
		return nil, fmt.Errorf("the program must compile before it is rewritten: %w", err)
	}
	l.packages = append(l.packages, c)
	return pkg, nil
}
