//go:build unix

package main

import (
	"net/http"
	"os"
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
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + serve(t, fake.New(t)), "AWS_ENDPOINT_URL_STS=" + sts, "AWS_CONFIG_FILE=" + config},
		"list-microvms", "--profile", "mfa", "--query", "length(items)", "--no-cli-pager")
	p.expect("Enter MFA code for arn:aws:iam::123456789012:mfa/me: ")
	p.send("123456\r")
	err := cmd.Wait()
	for range p.more { // until the terminal is closed
	}
	if got := p.seen.String(); err != nil || got != "\r\n0\r\n" {
		t.Errorf("%v, %q", err, got)
	}
}
