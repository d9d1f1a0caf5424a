package lambdamicrovms_test

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each package that programs can import has a synopsis and an example, and a comment on
// each exported name.
func TestDocumentationOfPackages(t *testing.T) {
	packages := publicPackages(t)
	for _, dir := range []string{".", "types", "images", "session", "fake", "s3upload"} {
		if !slices.Contains(packages, dir) {
			t.Errorf("%s is not among %v", dir, packages)
		}
	}
	for _, dir := range packages {
		t.Run(dir, func(t *testing.T) {
			fset := token.NewFileSet()
			var sources, tests []*ast.File
			names, err := filepath.Glob(filepath.Join(dir, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(name, "_test.go") {
					tests = append(tests, file)
				} else {
					sources = append(sources, file)
				}
			}
			pkg, err := doc.NewFromFiles(fset, sources, "example.com/"+dir)
			if err != nil {
				t.Fatal(err)
			}
			if synopsis := pkg.Synopsis(pkg.Doc); !strings.HasPrefix(synopsis, "Package "+pkg.Name+" ") || len(synopsis) < 40 {
				t.Errorf("synopsis %q", synopsis)
			}
			empty := len(pkg.Types)+len(pkg.Funcs)+len(pkg.Consts)+len(pkg.Vars) == 0
			if !empty && len(doc.Examples(tests...)) == 0 {
				t.Error("no example")
			}
			for _, name := range undocumented(pkg) {
				t.Errorf("%s has no comment", name)
			}
		})
	}
}

// publicPackages returns the directories of the packages that programs can import, in all
// modules that are released.
func publicPackages(t *testing.T) []string {
	t.Helper()
	output, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Skip("not in a clone: ", err)
	}
	var dirs []string
	for name := range strings.FieldsSeq(string(output)) {
		dir := filepath.ToSlash(filepath.Dir(name))
		first, _, _ := strings.Cut(dir, "/")
		parts := strings.Split(dir, "/")
		if slices.Contains([]string{"bench", "examples", "tools"}, first) || slices.Contains(parts, "internal") || slices.Contains(parts, "testdata") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil || bytes.Contains(source, []byte("\npackage main\n")) || bytes.HasPrefix(source, []byte("package main\n")) || strings.HasSuffix(name, "_test.go") {
			continue // removed, a program, or a test
		}
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// wellKnown are methods of well-known interfaces, which need no comment.
var wellKnown = []string{"Error", "Unwrap", "Is", "String", "Format", "LogValue", "MarshalJSON", "ErrorCode", "ErrorMessage", "ErrorFault"}

// undocumented returns the exported names without a comment of more than one word. The
// comment of a group counts for its constants and variables. Fields need no comment,
// because the names of many say enough.
func undocumented(pkg *doc.Package) []string {
	var names []string
	note := func(name, text string) {
		if !strings.Contains(text, " ") {
			names = append(names, name)
		}
	}
	functions := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			if prefix == "" || !slices.Contains(wellKnown, f.Name) {
				note(prefix+f.Name, f.Doc)
			}
		}
	}
	values := func(list []*doc.Value) {
		for _, group := range list {
			for _, spec := range group.Decl.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && group.Doc == "" {
					note(v.Names[0].Name, v.Doc.Text()+v.Comment.Text())
				}
			}
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions("", pkg.Funcs)
	for _, typ := range pkg.Types {
		note(typ.Name, typ.Doc)
		values(typ.Consts)
		values(typ.Vars)
		functions("", typ.Funcs)
		functions(typ.Name+".", typ.Methods)
	}
	return names
}
