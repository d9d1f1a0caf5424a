//go:build !race

package sidebyside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	python = "/usr/bin/python3"
	base   = "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"
	role   = "arn:aws:iam::123456789012:role/build"
	app    = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
)

// command is a command line with variables of its own.
type command struct {
	line string
	Args []string          `json:"args"`
	Env  map[string]string `json:"env"`
	Dir  string            `json:"dir"`
}

type result struct {
	RC     int    `json:"rc"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

// TestSideBySide compares the two programs on testdata/commands.txt. Where they differ,
// testdata/differences.txt has to give the reason.
func TestSideBySide(t *testing.T) {
	requireCLI(t)
	dir := t.TempDir()
	writeModel(t, filepath.Join(dir, "models"))
	if err := os.CopyFS(dir, os.DirFS("testdata/files")); err != nil {
		t.Fatal(err)
	}
	first, microVM := startFake(t)
	second, _ := startFake(t)
	commands := readCommands(t, dir, microVM)
	if len(commands) < 300 {
		t.Errorf("%d command lines, want 300", len(commands))
	}
	theirs := runAWS(t, withEndpoint(commands, first))
	ours := runOurs(t, withEndpoint(commands, second))

	reasons := readDifferences(t)
	differs := make(map[string]bool)
	for i, c := range commands {
		same := theirs[i].RC == ours[i].RC && withoutIDs(theirs[i].Stdout) == withoutIDs(ours[i].Stdout)
		differs[c.line] = !same
		switch reason := reasons[c.line]; {
		case same && reason != "":
			t.Errorf("%s\nis listed as a difference but is none any more", c.line)
		case !same && reason == "":
			t.Errorf("%s\nexit code %d, theirs %d; output -theirs +ours:\n%s\nstderr theirs: %s\nstderr ours: %s",
				c.line, ours[i].RC, theirs[i].RC, cmp.Diff(theirs[i].Stdout, ours[i].Stdout), theirs[i].Stderr, ours[i].Stderr)
		}
	}
	for line := range reasons {
		if _, ok := differs[line]; !ok {
			t.Errorf("%s\nis listed as a difference but is not among the command lines", line)
		}
	}
	t.Logf("%d command lines, %d known differences", len(commands), len(reasons))
}

// withoutIDs hides the random IDs of new resources, which depend on the number of
// requests before.
func withoutIDs(text string) string {
	return regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(text, "UUID")
}

func requireCLI(t *testing.T) {
	t.Helper()
	if err := exec.Command(python, "-c", "import sys; sys.path.insert(0, '/usr/lib/python3/dist-packages'); import awscli.clidriver").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the AWS CLI v2 of the distribution is not there (fake/awscli/install): %v", err)
		}
		t.Skip("the AWS CLI v2 of the distribution is not there; fake/awscli/install installs it")
	}
}

// readCommands reads testdata/commands.txt: shell words, variables first, one command to
// a line. $IMAGE, $BASE, $ROLE and $VM are replaced.
func readCommands(t *testing.T, dir, microVM string) []command {
	t.Helper()
	text, err := os.ReadFile("testdata/commands.txt")
	if err != nil {
		t.Fatal(err)
	}
	replace := strings.NewReplacer("$IMAGE", app, "$BASE", base, "$ROLE", role, "$DIR", dir, "$VM", microVM)
	var list []command
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		words, err := shlex.Split(replace.Replace(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		c := command{line: line, Dir: dir, Env: map[string]string{
			"PATH": os.Getenv("PATH"), "HOME": dir, "LANG": "C.UTF-8", "TZ": "UTC",
			"AWS_DATA_PATH": filepath.Join(dir, "models"), "AWS_ACCESS_KEY_ID": "AKIDFAKEFAKEFAKEFAKE",
			"AWS_SECRET_ACCESS_KEY": "fake-secret-access-key", "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
			"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		}}
		for len(words) > 0 {
			name, v, ok := strings.Cut(words[0], "=")
			if !ok || strings.ToUpper(name) != name || strings.HasPrefix(name, "-") {
				break
			}
			c.Env[name] = v
			if v == "" {
				delete(c.Env, name)
			}
			words = words[1:]
		}
		c.Args = words
		list = append(list, c)
	}
	return list
}

// withEndpoint adds the endpoint, unless a command has one of its own.
func withEndpoint(list []command, endpoint string) []command {
	with := make([]command, len(list))
	for i, c := range list {
		if !strings.Contains(c.line, "--endpoint-url") {
			c.Args = append(append([]string{}, c.Args...), "--endpoint-url", endpoint)
			if n := len(c.Args); n > 2 && c.Args[n-3] == "help" {
				c.Args = c.Args[:n-2]
			}
		}
		with[i] = c
	}
	return with
}

// startFake serves a fake with the same images and MicroVMs each time. Its clock moves
// only before requests that change something.
func startFake(t *testing.T) (endpoint, microVM string) {
	t.Helper()
	f := fake.NewServer()
	t.Cleanup(func() { _ = f.Close() })
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: f, Credentials: aws.AnonymousCredentials{}})
	ctx := context.Background()
	for _, name := range []string{"app", "second", "third"} {
		must(t)(client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
			Name: aws.String(name), BaseImageArn: aws.String(base), BuildRoleArn: aws.String(role),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/" + name + ".zip"},
			Tags:         map[string]string{"team": "one", "a": "é日本"}, ClientToken: aws.String("image-" + name),
			EnvironmentVariables: map[string]string{"B": "2", "A": "x y", "LONG": strings.Repeat("word ", 30)},
			Hooks:                &types.Hooks{Port: aws.Int32(9000), MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled}},
		}))
	}
	f.Advance(time.Hour)
	for i, name := range []string{"app", "app", "second"} {
		out, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{
			ImageIdentifier: aws.String(strings.Replace(app, ":app", ":"+name, 1)), ClientToken: aws.String("vm-" + string(rune('a'+i))),
			IdlePolicy: &types.IdlePolicy{MaxIdleDurationSeconds: aws.Int32(600), SuspendedDurationSeconds: aws.Int32(0), AutoResumeEnabled: aws.Bool(true)},
		})
		must(t)(out, err)
		microVM = *out.MicroVMId
	}
	f.Advance(time.Minute)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			f.Advance(time.Hour) // what was started before has ended
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, microVM
}

func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func runAWS(t *testing.T, list []command) (results []result) {
	t.Helper()
	input, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/run.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &results)
	}
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func runOurs(t *testing.T, list []command) []result {
	t.Helper()
	program := filepath.Join(t.TempDir(), "lambda-microvms")
	if out, err := exec.Command("go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results := make([]result, len(list))
	for i, c := range list {
		cmd := exec.Command(program, c.Args...)
		cmd.Dir = c.Dir
		for name, v := range c.Env {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		results[i] = result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
	return results
}

// readDifferences reads the command lines that may differ: each below a line with "# "
// and the reason.
func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	reasons, reason := make(map[string]string), ""
	for _, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "":
		case strings.HasPrefix(line, "# "):
			reason = strings.TrimPrefix(line, "# ")
		default:
			reasons[line] = reason
		}
	}
	return reasons
}
