//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// serve starts a server, and returns its URL.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// command returns the program with credentials, for a server.
func command(t *testing.T, handler http.Handler, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.Command("lambda-microvms", args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+serve(t, handler), "AWS_REGION=us-east-1", "HOME="+t.TempDir(),
		"AWS_ACCESS_KEY_ID=AKIDFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY=fake-secret-access-key", "AWS_MAX_ATTEMPTS=1")
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// Nobody reads the output any more: no message, and exit code 0, as with the AWS CLI.
func TestBrokenPipe(t *testing.T) {
	for _, format := range []string{"json", "text", "table", "yaml", "yaml-stream"} {
		expectSilence(t, fake.New(t), "list-managed-microvm-images", "--output", format)
	}
	for _, line := range []string{
		"help", "deploy help", "man", "completion bash", "create-microvm-image --generate-cli-skeleton", "ps", "ps --quiet", "doctor",
		"policy prune --account-id 123456789012",
	} {
		expectSilence(t, fake.New(t), strings.Fields(line)...)
	}
}

// expectSilence runs a command whose standard output nobody reads.
func expectSilence(t *testing.T, handler http.Handler, args ...string) {
	t.Helper()
	cmd, _, stderr := command(t, handler, args...)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	_ = reader.Close()
	cmd.Stdout = writer
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %v, %s", args, err, stderr)
	}
}

// A full disk is no closed pipe: output that is lost is an error.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = full.Close() }()
	cmd, _, stderr := command(t, fake.New(t), "list-managed-microvm-images")
	cmd.Stdout = full
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 255 || stderr.Len() == 0 {
		t.Errorf("%v, %s", err, stderr)
	}
}

func TestInterrupt(t *testing.T) {
	// The lines on standard output: the last one is empty.
	for args, lines := range map[string]int{"list-microvms": 1, "doctor --json": 1, "doctor": 4} {
		t.Run(args, func(t *testing.T) { interruptCall(t, lines, strings.Fields(args)...) })
	}
}

func interruptCall(t *testing.T, lines int, args ...string) {
	t.Helper()
	arrived, done := make(chan bool), make(chan bool)
	cmd, stdout, stderr := command(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}), args...)
	defer close(done)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 || strings.Count(stdout.String(), "\n") != lines || stderr.Len() > 0 {
		t.Errorf("%v, stdout %q, stderr %q", err, stdout, stderr)
	}
}
