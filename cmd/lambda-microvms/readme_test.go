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

// TestReadme runs the lines under "Command line" in the README of the repository. Only
// the address of the fake, which may be in use, and the duration of a build differ. With
// -short, "go run ./cmd/lambda-microvms" runs this test binary, which is the same
// program.
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
	start, rest := lines[0], strings.Join(lines[1:], "\n")
	path := os.Getenv("PATH")
	if testing.Short() {
		path = goCommand(t) + ":" + path
	}
	environment := append(os.Environ(), "PATH="+path, "AWS_PAGER=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)

	// The fake must not outlive a test that is killed: its standard input then ends.
	server := exec.Command("sh", "-c", strings.Replace(start, "--demo", "--demo --addr 127.0.0.1:0 --build-delay 1s", 1)+"\ncat\nkill 0")
	server.Dir, server.Env = "../..", environment
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
	shell.Dir, shell.Env = "../..", environment
	var stdout, stderr bytes.Buffer
	shell.Stdout, shell.Stderr = &stdout, &stderr
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stdout, &stderr)
	}
	shown := stdout.String()
	for _, want := range []string{
		`"state": "UPDATING"`, `"imageVersion": "2.0"`, // update-microvm-image
		`"latestActiveImageVersion": "2.0"`, // get-microvm-image
		"The container image build failed.\tThe container image build failed.\n",
	} {
		_, after, found := strings.Cut(shown, want)
		if !found {
			t.Fatalf("the output lacks %q:\n%s", want, &stdout)
		}
		shown = after
	}
}

// goCommand returns a directory with a command go that runs this test binary.
func goCommand(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\n[ \"$1 $2\" = 'run ./cmd/lambda-microvms' ] || exit 1\nshift 2\nexec lambda-microvms \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return dir
}
