//go:build unix

package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// New lines come until Ctrl-C, which is no error of its own.
func TestFollowLogs(t *testing.T) {
	srv, id := world(t)
	stream := time.Now().UTC().Format("2006/01/02") + "[1.0]" + id
	output := &logGroup{name: "/aws/lambda-microvms/app"}
	for _, line := range []string{"one", "two", "three"} {
		output.write(stream, time.Now(), line)
	}
	logs := serve(t, output)
	cmd, _, stderr := command(t, srv, "logs", id, "-f", "-n", "2", "--poll-interval", "0.01")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS="+logs)
	stdout := newWatched(t)
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

// Following a MicroVM stops after its end. That of the fake is long ago, so that no late
// lines are awaited.
func TestFollowLogsToTheEnd(t *testing.T) {
	begin := time.Now().Add(-time.Hour)
	srv := fake.NewServer(fake.WithStart(begin), fake.WithDelays(fake.Delays{}))
	t.Cleanup(func() { _ = srv.Close() })
	id, err := populate(srv, testImage)
	if err != nil {
		t.Fatal(err)
	}
	output := &logGroup{name: "/aws/lambda-microvms/app"}
	stream := begin.UTC().Format("2006/01/02") + "[1.0]" + id
	output.write(stream, begin, "one")
	logs := serve(t, output)
	cmd, _, stderr := command(t, srv, "logs", id, "-f", "--poll-interval", "0.01")
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS="+logs)
	stdout := newWatched(t)
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdout.expect("Z  one\n")
	output.write(stream, begin, "late, of the same millisecond")
	stdout.expect("Z  late, of the same millisecond\n")
	client := lambdamicrovms.New(srv.Options())
	if _, err := client.TerminateMicroVM(t.Context(), &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: &id}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || strings.Count(stderr.String(), id+" has ended.") != 1 {
		t.Errorf("%v, %s", err, stderr)
	}
}
