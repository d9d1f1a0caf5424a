//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadme runs the lines under "Command line" in the README of the repository, in a
// directory with the program that the first line builds. Only the address of the fake,
// which may be in use, and the duration of a build differ. With -short, the program is
// this test binary.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Command line\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for _, line := range strings.Split(section, "\n") {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, code)
		}
	}
	dir := t.TempDir()
	build, start, rest := lines[0], lines[1], strings.Join(lines[2:], "\n")
	buildProgram(t, build, filepath.Join(dir, "lambda-microvms"))
	environment := append(os.Environ(), "AWS_PAGER=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)

	// The fake must not outlive a test that is killed: its standard input then ends.
	server := exec.Command("sh", "-c", strings.Replace(start, "--demo", "--demo --addr 127.0.0.1:0 --build-delay 1s", 1)+"\ncat\nkill 0")
	server.Dir, server.Env = dir, environment
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := server.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	messages, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-server.Process.Pid, syscall.SIGTERM) })
	first, err := bufio.NewReader(messages).ReadString('\n')
	address := strings.TrimSpace(strings.TrimPrefix(first, "listening on http://"))
	if err != nil || address == first {
		t.Fatalf("%s: %q, %v", start, first, err)
	}

	shell := exec.Command("sh", "-ec", strings.ReplaceAll(rest, "127.0.0.1:4290", address))
	shell.Dir, shell.Env = dir, environment
	var stdout, stderr bytes.Buffer
	shell.Stdout, shell.Stderr = &stdout, &stderr
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stdout, &stderr)
	}
	shown := stdout.String()
	for _, want := range []string{
		`"imageVersion": "2.0"`, `"path": "environmentVariables[\"STAGE\"]"`, // update
		`"state": "UPDATING"`, `"imageVersion": "3.0"`, // update-microvm-image
		`"latestActiveImageVersion": "3.0"`, // get-microvm-image
		"The container image build failed.\tThe container image build failed.\n",
		`"imageVersion": "1.0"`, `"artifactUri": "s3://microvm-demo/`, // deploy
	} {
		_, after, found := strings.Cut(shown, want)
		if !found {
			t.Fatalf("the output lacks %q:\n%s", want, &stdout)
		}
		shown = after
	}
}

// buildProgram builds the program as the README says, or links this test binary with
// -short.
func buildProgram(t *testing.T, line, file string) {
	t.Helper()
	if testing.Short() {
		program, err := exec.LookPath("lambda-microvms")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, file); err != nil {
			t.Fatal(err)
		}
		return
	}
	build := exec.Command("sh", "-c", strings.Replace(line, "-o lambda-microvms", "-o "+file, 1)) //nolint:gosec // it is the README's
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, output)
	}
}
