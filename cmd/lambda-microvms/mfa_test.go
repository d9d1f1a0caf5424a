//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/microvm-go/lambdamicrovms/fake"
)

const mfaProfile = `[profile keyed]
aws_access_key_id = AKIDFAKEFAKEFAKEFAKE
aws_secret_access_key = fake-secret-access-key
[profile mfa]
region = us-east-1
role_arn = arn:aws:iam::123456789012:role/admin
source_profile = keyed
mfa_serial = arn:aws:iam::123456789012:mfa/me
`

const assumedRole = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>AKIDFAKEFAKEFAKEFAKE</AccessKeyId><SecretAccessKey>fake-secret-access-key</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`

// A terminal asks for the code of the MFA device, and does not show it.
func TestMFACode(t *testing.T) {
	for answer, want := range map[string]struct {
		shown string
		exit  int
	}{
		"123456\r": {"\r\n0\r\n", 0},
		"\x03":     {"\r\n", 130}, // Ctrl-C
	} {
		t.Run(fmt.Sprint(want.exit), func(t *testing.T) {
			p, cmd := askMFACode(t)
			p.expect("Enter MFA code for arn:aws:iam::123456789012:mfa/me: ")
			p.send(answer)
			_ = cmd.Wait()
			for range p.more { // until the terminal is closed
			}
			if got := p.seen.String(); cmd.ProcessState.ExitCode() != want.exit || got != want.shown {
				t.Errorf("%v, %q", cmd.ProcessState, got)
			}
		})
	}
}

// askMFACode starts a command whose profile needs the code 123456.
func askMFACode(t *testing.T) (*terminal, *exec.Cmd) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(mfaProfile), 0o600); err != nil {
		t.Fatal(err)
	}
	sts := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("TokenCode") != "123456" || r.FormValue("SerialNumber") != "arn:aws:iam::123456789012:mfa/me" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(assumedRole))
	}))
	return start(t, []string{"AWS_ENDPOINT_URL=" + serve(t, fake.New(t)), "AWS_ENDPOINT_URL_STS=" + sts, "AWS_CONFIG_FILE=" + config},
		"list-microvms", "--profile", "mfa", "--query", "length(items)", "--no-cli-pager")
}
