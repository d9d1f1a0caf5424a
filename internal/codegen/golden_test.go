package main

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/emit"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var goldens = []string{"shapes", "http", "forms"}

func generate(t *testing.T, name string) map[string][]byte {
	t.Helper()
	m, err := model.ReadFile(filepath.Join("testdata", name, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(m, config())
	if err != nil {
		t.Fatal(err)
	}
	files, err := emit.Files(p)
	if err != nil {
		t.Fatal(err)
	}
	files["docs/names.md"] = emit.Names(p)
	return files
}

// Golden files have the suffix .txt, so that the go command does not treat them as
// packages of this module.
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

// The same model must give the same bytes, although the order of Go maps is random.
func TestDeterministic(t *testing.T) {
	first := generate(t, "shapes")
	for range 5 {
		if diff := cmp.Diff(first, generate(t, "shapes")); diff != "" {
			t.Fatal(diff)
		}
	}
}

// The generated code of every golden compiles in place of the module's own, with the real
// runtime. Only validation_strict.go, which is specific to this service, is replaced.
func TestGoldensCompile(t *testing.T) {
	for _, name := range goldens {
		t.Run(name, func(t *testing.T) {
			files := generate(t, name)
			files["validation_strict.go"] = []byte("package lambdamicrovms\n\nfunc (*validator) strict(any) {}\n\nfunc microVMOf(any) *string { return nil }\n")
			if output, err := compile(t, files, ".", "./types"); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

// compile builds packages of this module, with files in place of the generated ones.
func compile(t *testing.T, files map[string][]byte, packages ...string) (output string, err error) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	replace := make(map[string]string) // "" hides a file
	for _, pattern := range generatedFiles {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if isGenerated(src) {
				replace[name] = ""
			}
		}
	}
	dir := t.TempDir()
	for name, src := range files {
		copied := filepath.Join(dir, filepath.FromSlash(name))
		writeFile(t, copied, string(src))
		replace[filepath.Join(root, filepath.FromSlash(name))] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "overlay.json"), string(overlay))
	cmd := exec.Command("go", append([]string{"build", "-overlay", filepath.Join(dir, "overlay.json")}, packages...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
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
