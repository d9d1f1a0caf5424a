package lambdamicrovms_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program for the official client works with this module after a change of its import
// path and of one word.
func TestOfficialProgram(t *testing.T) {
	source, err := os.ReadFile("testdata/official_program.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	program := strings.NewReplacer(
		"github.com/aws/aws-sdk-go-v2/service/lambdamicrovms", "github.com/microvm-go/lambdamicrovms",
		"Microvm", "MicroVM",
	).Replace(string(source))
	golden(t, "testdata/official_program_output.txt", runProgram(t, program))
}

// runProgram runs a program in a separate module outside of the repository.
func runProgram(t *testing.T, program string) string {
	t.Helper()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, requirements, _ := strings.Cut(string(mod), "\n")
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = programModule(t, program, requirements)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// programModule writes a program in a separate module outside of the repository, which
// requires this module, and returns its directory. requirements is the rest of go.mod.
func programModule(t *testing.T, program, requirements string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": program,
		"go.sum":  string(sum),
		"go.mod": "module example.com/program\n" + requirements +
			"\nrequire github.com/microvm-go/lambdamicrovms v0.0.0\nreplace github.com/microvm-go/lambdamicrovms => " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
