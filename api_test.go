package lambdamicrovms_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The goldens list the exported API of every package that users import, so that reviewers
// see each change of it.
func TestExportedAPI(t *testing.T) {
	for _, dir := range []string{".", "types", "fake", "images", "session", "logs", "s3upload", "cwlogs", "otel", "iam"} {
		name := "api.txt"
		if dir != "." {
			name = "api_" + dir + ".txt"
		}
		golden(t, filepath.Join("testdata", name), exported(t, dir))
	}
}

var blankLines = regexp.MustCompile(`\n\s*\n`)

// exported lists the exported declarations of a package, one per line except for structs.
func exported(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	add := func(node ast.Node) {
		if fn, ok := node.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
		var b strings.Builder
		if err := format.Node(&b, fset, node); err != nil {
			t.Fatal(err)
		}
		if text := blankLines.ReplaceAllString(b.String(), "\n"); !strings.Contains(text, "(\n)") { // else nothing in it is exported
			list = append(list, text)
		}
	}
	values := func(groups []*doc.Value) {
		for _, g := range groups {
			add(g.Decl)
		}
	}
	funcs := func(fns []*doc.Func) {
		for _, f := range fns {
			add(f.Decl)
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	funcs(pkg.Funcs)
	for _, typ := range pkg.Types {
		add(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		funcs(typ.Methods)
	}
	slices.Sort(list)
	return fmt.Sprintf("package %s\n\n%s\n", pkg.Name, strings.Join(list, "\n"))
}
