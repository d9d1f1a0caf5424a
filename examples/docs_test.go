package examples_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Snippets of Go in the documentation compile. Programs and tests among them also run:
// programs against the fake, tests as they are.
func TestDocumentation(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(".", "snippets-") //nolint:usetesting // snippets must be inside the module
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	var programs, tests []string
	for _, page := range append(pages, "../README.md") {
		for i, snippet := range goSnippets(t, page) {
			folder := filepath.Join(dir, fmt.Sprintf("%s_%d", strings.TrimSuffix(filepath.Base(page), ".md"), i))
			file, source := "main.go", snippet
			switch {
			case strings.HasPrefix(snippet, "package main"):
				programs = append(programs, folder)
			case strings.HasPrefix(snippet, "package "):
				file = "snippet_test.go"
				tests = append(tests, folder)
			default:
				source = wrap(snippet)
			}
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, file), []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}

	goCommand(t, nil, "vet", "./"+filepath.Base(dir)+"/...")
	for _, folder := range tests {
		goCommand(t, nil, "test", "./"+folder)
	}
	environment := fakeEnvironment(t)
	for _, folder := range programs {
		goCommand(t, environment, "run", "./"+folder)
	}
}

func goSnippets(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var snippets []string
	for _, match := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllSubmatch(text, -1) {
		snippets = append(snippets, string(match[1]))
	}
	return snippets
}

// imports are the packages that a snippet may use without an import declaration.
var imports = map[string]string{
	"aws":            "github.com/aws/aws-sdk-go-v2/aws",
	"config":         "github.com/aws/aws-sdk-go-v2/config",
	"logging":        "github.com/aws/smithy-go/logging",
	"middleware":     "github.com/aws/smithy-go/middleware",
	"smithy":         "github.com/aws/smithy-go",
	"lambdamicrovms": "github.com/microvm-go/lambdamicrovms",
	"fake":           "github.com/microvm-go/lambdamicrovms/fake",
	"microvmotel":    "github.com/microvm-go/lambdamicrovms/otel",
	"images":         "github.com/microvm-go/lambdamicrovms/images",
	"session":        "github.com/microvm-go/lambdamicrovms/session",
	"types":          "github.com/microvm-go/lambdamicrovms/types",
	"context":        "context",
	"errors":         "errors",
	"fmt":            "fmt",
	"http":           "net/http",
	"json":           "encoding/json",
	"log":            "log",
	"os":             "os",
	"slog":           "log/slog",
	"strings":        "strings",
	"time":           "time",
}

// wrap makes a program of a snippet. The snippet finds ctx, cfg, client, image and id
// declared.
func wrap(snippet string) string {
	body := `
func snippet(ctx context.Context, cfg aws.Config, client *lambdamicrovms.Client, image, id string) error {
` + snippet + `
	return nil
}

func main() {}
`
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	names := make([]string, 0, len(imports))
	for name := range imports {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(body) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "\t%s %q\n", name, imports[name])
	}
	b.WriteString(")\n")
	b.WriteString(strings.Replace(body, "client := ", "client = ", 1)) // it is declared already
	return b.String()
}

// fakeEnvironment starts a fake with the image that the programs use, and returns the
// environment that points them to it.
func fakeEnvironment(t *testing.T) []string {
	t.Helper()
	srv := fake.NewServer(fake.WithRealTime(), fake.WithDelays(fake.Delays{
		BuildQueue: time.Millisecond, Build: time.Millisecond, FailedBuild: time.Millisecond,
	}))
	client := lambdamicrovms.New(srv.Options())
	_, err := client.CreateMicroVMImage(t.Context(), &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("shop"),
		BaseImageArn: images.BaseImage(client, "al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(srv)
	t.Cleanup(server.Close)
	return []string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=not-a-secret",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

func goCommand(t *testing.T, environment []string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Env = append(os.Environ(), environment...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}
