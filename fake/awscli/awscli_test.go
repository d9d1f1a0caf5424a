//go:build !race

// The program and the CLI run in processes of their own: there is nothing for the race
// detector to see.

package awscli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/awsmodel"
)

const (
	base = "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"
	role = "arn:aws:iam::123456789012:role/build"
	app  = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
)

type object = map[string]any

// TestAWSCLI runs the usual commands for images and MicroVMs with the AWS CLI. The
// program verifies the CLI's signatures.
func TestAWSCLI(t *testing.T) {
	c := newCLI(t, startProgram(t))

	// Images.
	c.want(`{"state": "CREATING", "imageVersion": "1.0"}`, "create-microvm-image", "--name", "app",
		"--base-image-arn", base, "--build-role-arn", role, "--code-artifact", "uri=s3://bucket/app.zip", "--tags", "team=one")
	c.fails("ValidationException", "A MicroVM image with the name 'app' already exists in this account", "create-microvm-image", "--name", "app",
		"--base-image-arn", base, "--build-role-arn", role, "--code-artifact", "uri=s3://bucket/app.zip")
	c.run("wait", "microvm-image-created", "--image-identifier", app)
	c.want(`{"imageVersion": "2.0", "state": "UPDATING", "latestActiveImageVersion": "1.0", "description": "second"}`,
		"update-microvm-image", "--image-identifier", app, "--description", "second", "--base-image-arn", base, "--build-role-arn", role,
		"--code-artifact", `{"uri": "s3://bucket/app.zip"}`, "--hooks", `{"port": 9000, "microvmImageHooks": {"ready": "ENABLED"}}`)
	c.run("wait", "microvm-image-version-successful", "--image-identifier", app, "--image-version", "2.0")
	c.run("wait", "microvm-image-updated", "--image-identifier", app)
	c.want(`{"state": "UPDATED", "latestActiveImageVersion": "2.0", "tags": {"team": "one"}}`, "get-microvm-image", "--image-identifier", app)
	c.want(`{"status": "INACTIVE"}`, "update-microvm-image-version", "--image-identifier", app, "--image-version", "1", "--status", "INACTIVE")
	c.fails("ValidationException", "Invalid ARN format: app", "get-microvm-image", "--image-identifier", "app")

	// Pages.
	for _, name := range []string{"b", "c"} {
		c.run("create-microvm-image", "--name", name, "--base-image-arn", base, "--build-role-arn", role, "--code-artifact", "uri=s3://bucket/app.zip")
	}
	c.want(`["app", "b", "c"]`, "list-microvm-images", "--page-size", "1", "--query", "items[].name")
	c.want(`["b"]`, "list-microvm-images", "--page-size", "1", "--name-filter", "b", "--query", "items[].name") // after an empty page
	first := c.run("list-microvm-images", "--page-size", "1", "--max-items", "2")
	var page struct {
		NextToken string
		Items     []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(first), &page); err != nil || len(page.Items) != 2 || page.NextToken == "" {
		t.Errorf("two items at most: %s", first)
	}
	c.want(`["c"]`, "list-microvm-images", "--page-size", "1", "--max-items", "2", "--starting-token", page.NextToken, "--query", "items[].name")
	c.want(`["4", "3"]`, "list-microvm-image-builds", "--image-identifier", app, "--image-version", "2.0", "--query", "items[].chipsetGeneration")
	c.want(`["1.0", "2.0"]`, "list-microvm-image-versions", "--image-identifier", app, "--query", "items[].imageVersion")
	c.want(`["`+base+`"]`, "list-managed-microvm-images", "--query", "items[].imageArn")

	// Tags.
	c.run("tag-resource", "--resource", app, "--tags", "stage=dev,team=two")
	c.run("untag-resource", "--resource", app, "--tag-keys", "stage", "other")
	c.want(`{"Tags": {"team": "two"}}`, "list-tags", "--resource", app)

	// MicroVMs.
	vm := c.text("run-microvm", "--image-identifier", app, "--query", "microvmId",
		"--idle-policy", "maxIdleDurationSeconds=600,suspendedDurationSeconds=600,autoResumeEnabled=true")
	c.run("wait", "microvm-running", "--microvm-identifier", vm)
	c.want(`{"state": "RUNNING", "imageVersion": "2.0"}`, "get-microvm", "--microvm-identifier", vm)
	token := c.text("create-microvm-auth-token", "--microvm-identifier", vm, "--expiration-in-minutes", "5",
		"--allowed-ports", `[{"port": 8080}, {"allPorts": {}}]`, "--query", `authToken."X-aws-proxy-auth"`)
	c.reach(c.text("get-microvm", "--microvm-identifier", vm, "--query", "endpoint"), token)
	c.run("suspend-microvm", "--microvm-identifier", vm)
	c.run("wait", "microvm-suspended", "--microvm-identifier", vm)
	c.run("resume-microvm", "--microvm-identifier", vm)
	c.run("wait", "microvm-running", "--microvm-identifier", vm)
	c.fails("ValidationException", "Cannot delete microvm image with running microvms.", "delete-microvm-image", "--image-identifier", app)
	c.run("terminate-microvm", "--microvm-identifier", vm)
	c.run("wait", "microvm-terminated", "--microvm-identifier", vm)
	c.want(`["TERMINATED"]`, "list-microvms", "--image-identifier", app, "--query", "items[].state")

	// Signatures: of values that need escapes, and with a wrong secret.
	c.want(`[]`, "list-microvm-images", "--name-filter", "a+b=c/&é", "--query", "items")
	thief := *c
	thief.env = append(slices.Clone(c.env), "AWS_SECRET_ACCESS_KEY=another")
	thief.fails("AccessDeniedException", "the signature does not match the request", "get-microvm-image", "--image-identifier", app)

	// The end.
	c.want(`{"state": "DELETING"}`, "delete-microvm-image-version", "--image-identifier", app, "--image-version", "1.0")
	c.run("wait", "microvm-image-version-deleted", "--image-identifier", app, "--image-version", "1.0")
	c.run("wait", "microvm-image-updated", "--image-identifier", app)
	c.want(`{"state": "DELETING"}`, "delete-microvm-image", "--image-identifier", app)
	c.run("wait", "microvm-image-deleted", "--image-identifier", app)
	c.fails("ResourceNotFoundException", "MicroVMImage not found for MicroVMImageID: "+app, "get-microvm-image", "--image-identifier", app)
}

// cli runs the AWS CLI with its own environment.
type cli struct {
	*testing.T
	program  string
	endpoint string
	env      []string
}

func newCLI(t *testing.T, endpoint string) *cli {
	t.Helper()
	home := t.TempDir()
	if err := awsmodel.Write(filepath.Join("..", "..", "model", "lambda-microvms.json"), filepath.Join(home, "models")); err != nil {
		t.Fatal(err)
	}
	return &cli{T: t, program: findCLI(t), endpoint: endpoint, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"AWS_DATA_PATH=" + filepath.Join(home, "models"),
		"AWS_ACCESS_KEY_ID=AKIDFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY=fake-secret-access-key", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
	}}
}

// findCLI returns the path of an AWS CLI v2.
func findCLI(t *testing.T) string {
	t.Helper()
	must := os.Getenv("CI") == "true"
	if must {
		if out, err := exec.Command("./install").CombinedOutput(); err != nil {
			t.Fatalf("the AWS CLI v2 cannot be installed: %v\n%s", err, out)
		}
	}
	for _, candidate := range []string{"/usr/bin/aws", "/usr/local/bin/aws", "aws"} {
		out, err := exec.Command(candidate, "--version").CombinedOutput()
		if err == nil && bytes.HasPrefix(out, []byte("aws-cli/2.")) {
			return candidate
		}
	}
	if must {
		t.Fatal("there is no AWS CLI v2 after its installation")
	}
	t.Skip("there is no AWS CLI v2; fake/awscli/install installs it, and CI=true does so")
	return ""
}

func (c *cli) command(args ...string) (stdout, stderr string, err error) {
	all := append([]string{"lambda-microvms", "--endpoint-url", c.endpoint, "--output", "json"}, args...)
	cmd := exec.CommandContext(c.Context(), c.program, all...)
	cmd.Env = c.env
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

// run runs a command that must succeed.
func (c *cli) run(args ...string) (stdout string) {
	c.Helper()
	stdout, stderr, err := c.command(args...)
	if err != nil {
		c.Fatalf("aws lambda-microvms %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout
}

// text runs a command whose output is a string.
func (c *cli) text(args ...string) (output string) {
	c.Helper()
	if err := json.Unmarshal([]byte(c.run(args...)), &output); err != nil {
		c.Fatalf("aws lambda-microvms %s: %v", strings.Join(args, " "), err)
	}
	return output
}

// want runs a command and compares its output. Of an object it compares only the expected
// members.
func (c *cli) want(pattern string, args ...string) {
	c.Helper()
	var want, got any
	if err := json.Unmarshal([]byte(pattern), &want); err != nil {
		c.Fatal(err)
	}
	if err := json.Unmarshal([]byte(c.run(args...)), &got); err != nil {
		c.Fatal(err)
	}
	if members, ok := want.(object); ok {
		for name := range got.(object) {
			if _, expected := members[name]; !expected {
				delete(got.(object), name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.Errorf("aws lambda-microvms %s: -want +got:\n%s", strings.Join(args, " "), diff)
	}
}

// fails runs a command that must fail with an error of the service.
func (c *cli) fails(code, message string, args ...string) {
	c.Helper()
	stdout, stderr, err := c.command(args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(stderr, "("+code+")") || !strings.Contains(stderr, message) {
		c.Errorf("aws lambda-microvms %s: %v\n%s%s\nwant %s: %s", strings.Join(args, " "), err, stdout, stderr, code, message)
	}
}

// reach sends a request for a MicroVM to the program, which finds the MicroVM by the Host
// header.
func (c *cli) reach(host, token string) {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.endpoint+"/hello", nil)
	if err != nil {
		c.Fatal(err)
	}
	request.Host = host
	request.Header.Set("X-aws-proxy-auth", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var echo fake.Echo
	if err := json.NewDecoder(response.Body).Decode(&echo); err != nil || echo.URL != "/hello" {
		c.Errorf("%s responds with %s: %v, %v", host, response.Status, echo, err)
	}
}

// startProgram builds and starts the program and returns its URL.
func startProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fake-lambda-microvms")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/fake-lambda-microvms").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "--addr", "127.0.0.1:0", "--strict",
		"--build-delay", "1s", "--delete-delay", "1s", "--microvm-delay", "500ms")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if _, address, ok := strings.Cut(lines.Text(), "listening on "); ok {
			return address
		}
	}
	t.Fatal(fmt.Sprintln("the program does not listen:", said))
	return ""
}
