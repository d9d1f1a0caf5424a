package commands

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Command lines act where this one does, and show no credentials.
func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		globals cli.Globals
		want    string
	}{
		{cli.Globals{}, "lambda-microvms ps"},
		{cli.Globals{Profile: "me@corp", Region: "eu-west-1"}, "lambda-microvms ps --profile me@corp --region eu-west-1"},
		{cli.Globals{EndpointURL: "http://user:hunter2@localhost:1/a"}, "lambda-microvms ps --endpoint-url http://localhost:1/a"},
		{cli.Globals{EndpointURL: "http://localhost:1"}, "lambda-microvms ps --endpoint-url http://localhost:1"},
	} {
		if got := commandLine(&cli.Session{Globals: &test.globals}, "ps"); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// The error of a MicroVM that did not start ends with its output.
func TestSessionErrorShowsOutput(t *testing.T) {
	at := time.Date(2026, time.August, 1, 12, 0, 2, 0, time.UTC)
	err := sessionError(context.Background(), new(cli.Session), &session.StartError{
		MicroVMID: "microvm-1", State: types.MicroVMStateTerminated, Err: errors.New("cause"), LogGroup: "/aws/lambda-microvms/app",
		Lines: []logs.Line{{Time: at, Text: "listening"}, {Time: at.Add(time.Second), Text: "exit status 1"}},
	})
	const want = "microvm-1 did not start: it is TERMINATED: cause; log group /aws/lambda-microvms/app\n" +
		"The last lines of the log group /aws/lambda-microvms/app:\n" +
		"  12:00:02.000  listening\n" +
		"  12:00:03.000  exit status 1"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
