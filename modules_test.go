package lambdamicrovms_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A program that imports the packages of this module gets no requirements of the nested
// modules: neither in its build, nor in its module graph.
func TestModuleGraph(t *testing.T) {
	const root = "github.com/microvm-go/lambdamicrovms"
	requirements := strings.Join([]string{
		"github.com/aws/aws-sdk-go-v2",
		"github.com/aws/smithy-go",
		"github.com/google/go-cmp",
		root,
		"github.com/moby/patternmatcher",
	}, "\n")
	linked := strings.Join([]string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", root}, "\n")
	for _, test := range []struct {
		imports []string // of the program, below root
		linked  string
	}{
		{[]string{""}, linked},
		{[]string{"/types", "/session", "/fake", "/logs"}, linked},
		{[]string{"/images"}, linked + "\ngithub.com/moby/patternmatcher"},
	} {
		t.Run(strings.Join(test.imports, ","), func(t *testing.T) {
			program := "package main\n\n"
			for _, path := range test.imports {
				program += "import _ \"" + root + path + "\"\n"
			}
			dir := programModule(t, program+"\nfunc main() {}\n", "\ngo 1.24\n")
			list := func(args ...string) string {
				command := exec.Command("go", append([]string{"list", "-mod=mod"}, args...)...)
				command.Dir = dir
				command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
				out, err := command.Output()
				if err != nil {
					t.Fatalf("go list %v: %v", args, err)
				}
				names := strings.Fields(string(out))
				slices.Sort(names)
				names = slices.Compact(names)
				return strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "example.com/program" }), "\n")
			}
			if diff := cmp.Diff(test.linked, list("-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")); diff != "" {
				t.Errorf("linked modules (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(requirements, list("-m", "-f", "{{.Path}}", "all")); diff != "" {
				t.Errorf("module graph (-want +got):\n%s", diff)
			}
		})
	}
}
