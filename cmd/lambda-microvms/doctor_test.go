//go:build unix

package main

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // names the files of the SSO cache
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// credentialServices starts fakes of the services that issue credentials, each below its
// own path, and returns their URL.
func credentialServices(t *testing.T) string {
	t.Helper()
	const (
		key     = "AKIDFAKEFAKEFAKEFAKE"
		secret  = "fake-secret-access-key"
		expires = "2099-01-01T00:00:00Z"
	)
	mux := http.NewServeMux()
	respond := func(pattern, format string, args ...any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, format, args...) })
	}
	respond("GET /container", `{"AccessKeyId": %q, "SecretAccessKey": %q, "Token": "hunter2", "Expiration": %q}`, key, secret, expires)
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = fmt.Fprint(w, "hunter2")
	})
	respond("GET /latest/meta-data/iam/security-credentials/", "role")
	respond("GET /latest/meta-data/iam/security-credentials/role",
		`{"Code": "Success", "AccessKeyId": %q, "SecretAccessKey": %q, "Token": "hunter2", "Expiration": %q}`, key, secret, expires)
	respond("GET /sso/federation/credentials",
		`{"roleCredentials": {"accessKeyId": %q, "secretAccessKey": %q, "sessionToken": "hunter2", "expiration": 4070908800000}}`, key, secret)
	mux.HandleFunc("POST /sts/", func(w http.ResponseWriter, r *http.Request) {
		action := r.PostFormValue("Action")
		if strings.HasSuffix(r.PostFormValue("RoleArn"), "denied") {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
			return
		}
		_, _ = fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>%[3]s</SecretAccessKey>`+
			`<SessionToken>hunter2</SessionToken><Expiration>%[4]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, key, secret, expires)
	})
	return serve(t, mux)
}

// doctor finds the credentials of every source that the AWS CLI has, and says what is
// missing if there are none. It prints none.
func TestDoctorCredentials(t *testing.T) {
	const config = `
[profile role]
role_arn = arn:aws:iam::123456789012:role/role
source_profile = keys
[profile denied]
role_arn = arn:aws:iam::123456789012:role/denied
source_profile = keys
[profile keys]
aws_access_key_id = AKIDFAKEFAKEFAKEFAKE
aws_secret_access_key = hunter2
[profile web]
role_arn = arn:aws:iam::123456789012:role/role
web_identity_token_file = token
[profile sso]
sso_session = session
sso_account_id = 123456789012
sso_role_name = role
[profile login]
sso_session = other
sso_account_id = 123456789012
sso_role_name = role
[profile process]
credential_process = echo '{"Version": 1, "AccessKeyId": "AKIDFAKEFAKEFAKEFAKE", "SecretAccessKey": "fake-secret-access-key", "SessionToken": "hunter2"}'
[profile instance]
role_arn = arn:aws:iam::123456789012:role/role
credential_source = Ec2InstanceMetadata
[sso-session session]
sso_region = us-east-1
sso_start_url = https://example.com/start
[sso-session other]
sso_region = us-east-1
sso_start_url = https://example.com/other
`
	services := credentialServices(t)
	const soon = "they expire at 2099-01-01T00:00:00Z"
	for _, test := range []struct {
		name string
		env  []string
		want string
	}{
		{"profile keys", []string{"AWS_PROFILE=keys"}, "ok       credentials: from SharedConfigCredentials"},
		{"role", []string{"AWS_PROFILE=role"}, "ok       credentials: from AssumeRoleProvider; " + soon},
		{"denied role", []string{"AWS_PROFILE=denied"}, "missing  credentials: Error when retrieving credentials: "},
		{"web identity", []string{"AWS_PROFILE=web"}, "ok       credentials: from WebIdentityCredentials; " + soon},
		{"web identity of the environment", []string{"AWS_WEB_IDENTITY_TOKEN_FILE=token", "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/role"},
			"ok       credentials: from WebIdentityCredentials; " + soon},
		{"SSO", []string{"AWS_PROFILE=sso"}, "ok       credentials: from SSOProvider; " + soon},
		{"SSO without login", []string{"AWS_PROFILE=login"}, `Run "aws login", or "aws sso login" for a profile with SSO`},
		{"process", []string{"AWS_PROFILE=process"}, "ok       credentials: from ProcessProvider; they do not expire"},
		{"container", []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + services + "/container"}, "ok       credentials: from CredentialsEndpointProvider; they expire at "},
		{"instance", []string{"AWS_EC2_METADATA_SERVICE_ENDPOINT=" + services}, "ok       credentials: from EC2RoleProvider; they expire at "},
		{"role of an instance", []string{"AWS_PROFILE=instance", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + services}, "ok       credentials: from AssumeRoleProvider; " + soon},
		{"none", []string{"AWS_EC2_METADATA_DISABLED=true"}, "missing  credentials: no usable ones were found. Run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			service := serve(t, fake.New(t))
			dir := t.TempDir()
			sum := sha1.Sum([]byte("session")) //nolint:gosec // see above
			for name, content := range map[string]string{
				"config": config,
				"token":  "hunter2",
				".aws/sso/cache/" + hex.EncodeToString(sum[:]) + ".json": `{"accessToken": "hunter2", "expiresAt": "` +
					time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `", "region": "us-east-1", "startUrl": "https://example.com/start"}`,
			} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("lambda-microvms", "doctor", "--debug")
			cmd.Dir = dir
			cmd.Env = append([]string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_CONFIG_FILE=config", "AWS_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1",
				"AWS_ENDPOINT_URL_LAMBDA_MICROVMS=" + service, "AWS_ENDPOINT_URL_STS=" + services + "/sts/", "AWS_ENDPOINT_URL_SSO=" + services + "/sso",
			}, test.env...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			isOK := strings.HasPrefix(test.want, "ok")
			if !strings.Contains(out.String(), test.want) || isOK != (err == nil) {
				t.Errorf("%v, want %q:\n%s", err, test.want, &out)
			}
			if strings.Contains(out.String(), "hunter2") || strings.Contains(out.String(), "fake-secret-access-key") {
				t.Errorf("a secret is printed:\n%s", &out)
			}
		})
	}
}
