package main

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/emit"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var goldens = []string{"shapes", "http"}

func generate(t *testing.T, name string) map[string][]byte {
	t.Helper()
	m, err := model.ReadFile(filepath.Join("testdata", name, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(m, plan.Config{Module: "example.com/golden", Package: "golden"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := emit.Files(p)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Golden files have the suffix .txt: the go command must not take them for packages of this module.
func TestGolden(t *testing.T) {
	for _, name := range goldens {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name, "want")
			got := make(map[string]string)
			for file, src := range generate(t, name) {
				got[file+".txt"] = string(src)
			}
			if *update {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				for file, src := range got {
					writeFile(t, filepath.Join(dir, file), src)
				}
			}
			want := make(map[string]string)
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				src, err := os.ReadFile(path)
				rel, _ := filepath.Rel(dir, path)
				want[filepath.ToSlash(rel)] = string(src)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("generated code changed (go test ./internal/codegen -update accepts it), -want +got:\n%s", diff)
			}
		})
	}
}

// The same model must give the same bytes, whatever the order of Go's maps.
func TestDeterministic(t *testing.T) {
	first := generate(t, "shapes")
	for range 5 {
		if diff := cmp.Diff(first, generate(t, "shapes")); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestGoldensCompile(t *testing.T) {
	for _, name := range goldens {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, src := range generate(t, name) {
				writeFile(t, filepath.Join(dir, file), string(src))
			}
			copyFile(t, "testdata/runtime.go.txt", filepath.Join(dir, "runtime.go"))
			copyFile(t, "../../go.sum", filepath.Join(dir, "go.sum"))
			sources, err := filepath.Glob("../restjson/*.go")
			if err != nil {
				t.Fatal(err)
			}
			for _, source := range sources {
				if !strings.HasSuffix(source, "_test.go") {
					copyFile(t, source, filepath.Join(dir, "internal/restjson", filepath.Base(source)))
				}
			}
			mod, err := os.ReadFile("../../go.mod")
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(mod), "\n")
			writeFile(t, filepath.Join(dir, "go.mod"), "module example.com/golden\n"+rest)

			cmd := exec.Command("go", "vet", "./...")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(content))
}
