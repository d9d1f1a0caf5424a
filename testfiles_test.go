package lambdamicrovms_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Tests are in the files in which CONTRIBUTING.md says that one finds them.
func TestTestFiles(t *testing.T) {
	var (
		private  = regexp.MustCompile(`(^|/)(internal|cmd|bench|examples)/`)
		internal = regexp.MustCompile(`_internal(_fuzz|_synctest)?_test\.go$`)
		fuzz     = regexp.MustCompile(`_fuzz_test\.go$`)
		example  = regexp.MustCompile(`^example(_.*)?_test\.go$`)
	)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || path != "." && strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		name := entry.Name()
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		// Nobody imports what is below these directories.
		public := !private.MatchString(filepath.ToSlash(path))
		external := strings.HasSuffix(file.Name.Name, "_test")
		if public && file.Name.Name != "main" && external == internal.MatchString(name) {
			t.Errorf("%s: package %s does not match the name of the file", path, file.Name.Name)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil {
				continue
			}
			if strings.HasPrefix(f.Name.Name, "Fuzz") && !fuzz.MatchString(name) {
				t.Errorf("%s: %s belongs to a file …_fuzz_test.go", path, f.Name.Name)
			}
			if strings.HasPrefix(f.Name.Name, "Example") && !example.MatchString(name) {
				t.Errorf("%s: %s belongs to a file example_…_test.go", path, f.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
