//go:build unix

package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// New lines come until Ctrl-C, which is no error of its own.
func TestFollowLogs(t *testing.T) {
	srv, id := world(t)
	stream := time.Now().UTC().Format("2006/01/02") + "[1.0]" + id
	output := &logGroup{name: "/aws/lambda-microvms/app"}
	for _, line := range []string{"one", "two", "three"} {
		output.write(stream, time.Now(), line)
	}
	logs := httptest.NewServer(output)
	t.Cleanup(logs.Close)
	cmd, _, stderr := command(t, srv, "logs", id, "-f", "-n", "2", "--poll-interval", "0.01")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS="+logs.URL)
	stdout := newWatched()
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdout.expect("Z  three\n")
	output.write(stream, time.Now(), "four")
	stdout.expect("Z  four\n")
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 || stderr.Len() > 0 {
		t.Errorf("%v, %s", err, stderr)
	}
	if got := strings.Count(stdout.String(), "\n"); strings.Contains(stdout.String(), "  one") || got != 3 {
		t.Errorf("%d lines:\n%s", got, stdout)
	}
}
