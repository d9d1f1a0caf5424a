//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// A command that is permitted what policy prints for it is never denied: its calls are
// among the actions.
func TestPolicyPermitsCommands(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(config, []byte("tags: {a: b}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string]string{
		"deploy":   "s3://bucket/new.zip --name app --tags a=b --poll-interval 0.01",
		"update":   "--image-identifier app --set description=new --poll-interval 0.01",
		"diff":     "--image-identifier app --config " + config,
		"rollback": "--image-identifier app --to-version 1.0",
		"prune":    "--image-identifier app --keep 1",
		"run":      "app",
		"curl":     "app /",
		"shell":    "app",
		"ps":       "app",
		"sweep":    "app --yes",
		"logs":     "app",
	} {
		t.Run(name, func(t *testing.T) {
			srv, _ := world(t)
			permitted := policyActions(t, srv, name)
			before := len(srv.Calls())
			run, _, stderr := command(t, srv, append([]string{name}, strings.Fields(args)...)...)
			run.Env = append(run.Env, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS="+serve(t, new(logGroup)))
			_ = run.Run() // the fake has no shell and no output of builds
			calls := srv.Calls()[before:]
			if len(calls) < 2 {
				t.Errorf("calls %v, stderr %s", calls, stderr)
			}
			for _, call := range calls {
				if action := "lambda:" + string(call.Operation); !slices.Contains(permitted, action) {
					t.Errorf("%s is not permitted", action)
				}
			}
		})
	}
}

// policyActions are the actions of the policy of a command.
func policyActions(t *testing.T, srv *fake.Server, name string) (actions []string) {
	t.Helper()
	cmd, stdout, stderr := command(t, srv, "policy", name, "--account-id", "123456789012",
		"--build-role-arn", "arn:aws:iam::123456789012:role/build")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, stderr)
	}
	var policy struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal(stdout.Bytes(), &policy); err != nil {
		t.Fatal(err)
	}
	for _, statement := range policy.Statement {
		actions = append(actions, statement.Action...)
	}
	return actions
}
