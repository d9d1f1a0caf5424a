package lambdamicrovms_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each answer in the table of docs/architecture.md names files and functions that exist.
func TestArchitectureQuestions(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| Question | File | Function |\n")
	if !found {
		t.Fatal("docs/architecture.md has no table of questions")
	}
	questions := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			break
		}
		question, files, functions := strings.TrimSpace(cells[1]), cells[2], cells[3]
		if strings.HasPrefix(question, "---") {
			continue
		}
		questions++
		var declared []string
		for file := range strings.SplitSeq(files, ",") {
			declared = append(declared, declarations(t, strings.TrimSpace(file))...)
		}
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(functions, -1)
		if len(names) == 0 {
			t.Errorf("%s: no function is named", question)
		}
		for _, name := range names {
			if !slices.Contains(declared, name[1]) {
				t.Errorf("%s: %s is not in %s", question, name[1], files)
			}
		}
	}
	if questions < 10 {
		t.Errorf("%d questions, want ten", questions)
	}
}

// Each file and directory in the architecture page and its picture exists.
func TestArchitectureFiles(t *testing.T) {
	path := regexp.MustCompile(`[\w/]*\.go\b|internal/[a-z0-9]+`)
	for _, name := range []string{"docs/architecture.md", "docs/architecture.svg"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		paths := path.FindAllString(string(text), -1)
		if len(paths) < 20 {
			t.Errorf("%s names only %q", name, paths)
		}
		for _, file := range paths {
			if file == ".go" { // api_op_*.go
				continue
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// declarations returns the functions, methods and types of a file or of all files of a
// directory. A method is "Type.Method", and also "Method".
func declarations(t *testing.T, path string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".go" {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				names = append(names, decl.Name.Name)
				if decl.Recv != nil {
					names = append(names, receiver(decl.Recv.List[0].Type)+"."+decl.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					if spec, ok := spec.(*ast.TypeSpec); ok {
						names = append(names, spec.Name.Name)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

// receiver returns the name of a receiver's type, without its pointer and type
// parameters.
func receiver(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return receiver(expr.X)
	case *ast.IndexExpr:
		return receiver(expr.X)
	case *ast.IndexListExpr:
		return receiver(expr.X)
	case *ast.Ident:
		return expr.Name
	default:
		return ""
	}
}
