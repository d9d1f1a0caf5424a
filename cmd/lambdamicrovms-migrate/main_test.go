package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the wanted programs")

// program writes a program of testdata and the official client that it uses into a
// directory of its own, and returns the program's directory.
func program(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	copyTree(t, "testdata/official", filepath.Join(dir, "official"))
	copyTree(t, filepath.Join("testdata/programs", name, "in"), filepath.Join(dir, "program"))
	write(t, filepath.Join(dir, "official/go.mod"), "module "+officialPath+"\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "program/go.mod"), "module example.com/program\n\ngo 1.24\n\nrequire "+officialPath+" v1.0.0\n\nreplace "+officialPath+" => ../official\n")
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	return filepath.Join(dir, "program")
}

// copyTree copies files without the suffix .txt, which hides programs from the go command
// and from linters.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	for name, source := range read(t, from) {
		write(t, filepath.Join(to, name), source)
	}
}

// read returns the files below a directory by their names.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(strings.TrimSuffix(path, ".txt"), ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(strings.TrimSuffix(rel, ".txt"))] = string(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runIn runs the command in a directory.
func runIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	var out, problems bytes.Buffer
	code = run(args, &out, &problems)
	return code, out.String(), problems.String()
}

// Each program is rewritten as its golden says, and the result compiles with this module.
func TestPrograms(t *testing.T) {
	entries, err := os.ReadDir("testdata/programs")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			wanted, err := filepath.Abs(filepath.Join("testdata/programs", entry.Name(), "want"))
			if err != nil {
				t.Fatal(err)
			}
			dir := program(t, entry.Name())
			if code, _, stderr := runIn(t, dir); code != 0 || stderr != "" {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			got := read(t, dir)
			if *update {
				for name, source := range got {
					write(t, filepath.Join(wanted, name+".txt"), source)
				}
			}
			if diff := cmp.Diff(read(t, wanted), got); diff != "" {
				t.Errorf("go test ./cmd/lambdamicrovms-migrate -update accepts it; -want +got:\n%s", diff)
			}
			useThisModule(t, dir, root)
			vet := exec.Command("go", "vet", "./...")
			vet.Dir = dir
			if output, err := vet.CombinedOutput(); err != nil {
				t.Errorf("the rewritten program: %v\n%s", err, output)
			}
			if code, stdout, stderr := runIn(t, dir); code != 0 || !strings.HasPrefix(stdout, "nothing to do") {
				t.Errorf("a second run: exit %d, %q, %q", code, stdout, stderr)
			}
		})
	}
}

// useThisModule makes a program require this module instead of the official client.
func useThisModule(t *testing.T, dir, root string) {
	t.Helper()
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(ours), "module "+modulePath, "module example.com/program", 1)
	write(t, filepath.Join(dir, "go.mod"), text+"\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+root+"\n")
	write(t, filepath.Join(dir, "go.sum"), string(sums))
}

func TestDryRun(t *testing.T) {
	dir := program(t, "calls")
	before := read(t, dir)
	code, stdout, stderr := runIn(t, dir, "-n")
	if diff := cmp.Diff(before, read(t, dir)); diff != "" || code != 0 || stderr != "" || stdout != "main.go: 23 names\n" {
		t.Errorf("exit %d, %q, %q, changes:\n%s", code, stdout, stderr, diff)
	}
}

// A program that does not compile is not touched: its names cannot be known.
func TestProgramThatDoesNotCompile(t *testing.T) {
	dir := program(t, "calls")
	write(t, filepath.Join(dir, "other.go"), "package main\n\nvar x int = \"text\"\n")
	before := read(t, dir)
	code, stdout, stderr := runIn(t, dir)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "must compile") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	if diff := cmp.Diff(before, read(t, dir)); diff != "" {
		t.Errorf("changes:\n%s", diff)
	}
}

// What has to be done by hand is said.
func TestNotes(t *testing.T) {
	dir := program(t, "calls")
	write(t, filepath.Join(dir, "options.go"), "package main\n\nimport \""+officialPath+"\"\n\nvar _ = lambdamicrovms.Options{EndpointResolver: nil}\n")
	write(t, filepath.Join(dir, "other_plan9.go"), "package main\n\nimport \""+officialPath+"\"\n\nvar _ lambdamicrovms.Options\n")
	write(t, filepath.Join(dir, "other/only_plan9.go"), "package other\n\nimport \""+officialPath+"\"\n\nvar _ lambdamicrovms.Options\n")
	write(t, filepath.Join(dir, "mock_test.go"), "package main\n\nimport \""+officialPath+"\"\n\n"+
		"func on(method string, out *lambdamicrovms.GetMicrovmOutput) {}\n\n"+
		"func expect() {\n\ton(\"GetMicrovm\", nil)\n\ton(\"GetMicrovmOutput\", nil)\n}\n")
	code, _, stderr := runIn(t, dir)
	if strings.Contains(stderr, `"GetMicrovmOutput"`) {
		t.Errorf("a string that is no operation is reported: %q", stderr)
	}
	for _, want := range []string{`mock_test.go:8:5: the string "GetMicrovm" is the name of an operation whose method is now GetMicroVM`, "options.go:5:32: EndpointResolver is not in this module: use BaseEndpoint", "other_plan9.go: not rewritten", "only_plan9.go: not rewritten"} {
		if code != 0 || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q, want %q", code, stderr, want)
		}
	}
}

func TestUsage(t *testing.T) {
	if code, _, stderr := runIn(t, ".", "-x"); code != 2 || !strings.Contains(stderr, "usage: lambdamicrovms-migrate [-n] [packages]") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}
