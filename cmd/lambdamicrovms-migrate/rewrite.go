package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	officialPath = "github.com/aws/aws-sdk-go-v2/service/lambdamicrovms"
	modulePath   = "github.com/microvm-go/lambdamicrovms"
)

// newPaths has the import path in this module for each official package that it mirrors.
var newPaths = map[string]string{
	officialPath:            modulePath,
	officialPath + "/types": modulePath + "/types",
}

// notMirrored are names of the official packages that this module does not have, and what
// to use instead.
var notMirrored = map[string]string{
	"EndpointResolver":           "use BaseEndpoint or EndpointResolverV2",
	"EndpointResolverFunc":       "use BaseEndpoint or EndpointResolverV2",
	"EndpointResolverFromURL":    "use BaseEndpoint",
	"WithEndpointResolver":       "use BaseEndpoint or EndpointResolverV2",
	"NewDefaultEndpointResolver": "use NewDefaultEndpointResolverV2",
	"Protocol":                   "there is one protocol; remove it",
}

// rename is the name that this module has for one of an official package.
func rename(name string) string { return strings.ReplaceAll(name, "Microvm", "MicroVM") }

// A result has the files that change, and what to tell the user.
type result struct {
	files []*changedFile
	notes []string // what is left to do by hand
}

type changedFile struct {
	name   string
	source []byte
	names  int // identifiers and import paths that changed
}

func (f *changedFile) write() error {
	info, err := os.Stat(f.name)
	if err != nil {
		return err
	}
	return os.WriteFile(f.name, f.source, info.Mode().Perm())
}

// migrate returns the files of the packages that change.
func migrate(dir string, patterns []string) (*result, error) {
	loaded, err := load(dir, patterns)
	if err != nil {
		return nil, err
	}
	found := new(result)
	for _, pkg := range loaded.packages {
		m := &migration{fset: loaded.fset, found: found, operations: pkg.operations}
		for _, file := range pkg.files {
			if err := m.file(pkg.info, file); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range loaded.skipped {
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(source, []byte(officialPath)) {
			found.notes = append(found.notes, name+": not rewritten, because it is not part of this build; "+
				"run again with the GOOS, GOARCH or -tags (in GOFLAGS) that it needs; files with cgo have to be rewritten by hand")
		}
	}
	return found, nil
}

// A migration rewrites the files of a package.
type migration struct {
	fset       *token.FileSet
	found      *result
	operations *types.MethodSet // of the official client; nil if nothing imports it
}

// operations returns the methods of the official client.
func operations(imported types.Importer) *types.MethodSet {
	official, err := imported.Import(officialPath)
	if err != nil {
		return nil
	}
	client := official.Scope().Lookup("Client")
	if client == nil {
		return nil
	}
	return types.NewMethodSet(types.NewPointer(client.Type()))
}

// An edit replaces the text at an offset.
type edit struct {
	offset   int
	old, new string
}

func (m *migration) file(info *types.Info, file *ast.File) error {
	var edits []edit
	replace := func(at token.Pos, old, replacement string) {
		edits = append(edits, edit{m.fset.PositionFor(at, false).Offset, old, replacement})
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if replacement, ok := newPaths[path]; ok {
			quote := spec.Path.Value[:1]
			replace(spec.Path.Pos(), spec.Path.Value, quote+replacement+quote)
		} else if strings.HasPrefix(path, officialPath+"/") {
			m.note(spec.Path.Pos(), "this module has no package "+strings.TrimPrefix(path, officialPath+"/"))
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		ident, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		object := info.Uses[ident]
		if object == nil {
			object = info.Defs[ident]
		}
		if object == nil {
			return true
		}
		if hint, ok := notMirrored[ident.Name]; ok && isOfficial(object) {
			m.note(ident.Pos(), ident.Name+" is not in this module: "+hint)
		}
		if name := rename(ident.Name); name != ident.Name && m.renames(object) {
			replace(ident.Pos(), ident.Name, name)
		}
		return true
	})
	if len(edits) == 0 {
		return nil
	}
	m.noteStrings(file)
	name := m.fset.PositionFor(file.Package, false).Filename
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	changed, err := apply(source, edits)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.found.files = append(m.found.files, &changedFile{name: name, source: changed, names: len(edits)})
	return nil
}

// noteStrings reports strings that are the name of an operation whose method is renamed.
// Mocks of testify find methods by such strings. They still compile with the old name,
// and fail when the test runs.
func (m *migration) noteStrings(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING || m.operations == nil {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && rename(text) != text && m.operations.Lookup(nil, text) != nil {
			m.note(literal.Pos(), fmt.Sprintf("the string %q is the name of an operation whose method is now %s: "+
				"change it by hand if it names the method, as in On of testify", text, rename(text)))
		}
		return true
	})
}

func (m *migration) note(at token.Pos, text string) {
	m.found.notes = append(m.found.notes, fmt.Sprintf("%v: %s", m.fset.Position(at), text))
}

// renames reports whether a name changes with the module: that of an object of the
// official packages, of a field that embeds one of their types, or of a method that
// implements one of the operations.
func (m *migration) renames(object types.Object) bool {
	if isOfficial(object) {
		return true
	}
	switch object := object.(type) {
	case *types.Var:
		return object.Embedded() && isOfficial(typeName(object.Type()))
	case *types.Func:
		return m.isOperation(object)
	}
	return false
}

func isOfficial(object types.Object) bool {
	if object == nil || object.Pkg() == nil {
		return false
	}
	_, ok := newPaths[object.Pkg().Path()]
	return ok
}

// typeName returns the name that a type was written with, or nil.
func typeName(t types.Type) types.Object {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := t.(interface{ Obj() *types.TypeName }); ok {
		return named.Obj()
	}
	return nil
}

func (m *migration) isOperation(method *types.Func) bool {
	signature, ok := method.Type().(*types.Signature)
	if !ok || signature.Recv() == nil || m.operations == nil {
		return false
	}
	operation := m.operations.Lookup(nil, method.Name())
	return operation != nil && types.Identical(operation.Obj().Type(), signature)
}

// apply makes the edits. A file that was formatted by gofmt still is afterwards, because
// the new import paths sort elsewhere.
func apply(source []byte, edits []edit) ([]byte, error) {
	slices.SortFunc(edits, func(a, b edit) int { return a.offset - b.offset })
	var changed bytes.Buffer
	end := 0
	for _, e := range edits {
		if e.offset < end || !bytes.HasPrefix(source[e.offset:], []byte(e.old)) {
			return nil, fmt.Errorf("%q is not at offset %d; has the file changed?", e.old, e.offset)
		}
		changed.Write(source[end:e.offset])
		changed.WriteString(e.new)
		end = e.offset + len(e.old)
	}
	changed.Write(source[end:])
	if formatted, err := format.Source(source); err == nil && bytes.Equal(formatted, source) {
		return format.Source(changed.Bytes())
	}
	return changed.Bytes(), nil
}
