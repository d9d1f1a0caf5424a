package examples_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	_ "github.com/aws/aws-sdk-go-v2/credentials/stscreds" // for snippets, like all without a name
	_ "github.com/aws/aws-sdk-go-v2/service/sts"
	_ "go.opentelemetry.io/otel"
	_ "go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	_ "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	_ "go.opentelemetry.io/otel/propagation"
	_ "go.opentelemetry.io/otel/sdk/metric"
	_ "go.opentelemetry.io/otel/sdk/trace"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	_ "gopkg.in/yaml.v3"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	_ "github.com/microvm-go/lambdamicrovms/otel"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Snippets of Go in the documentation compile and run: programs against a fake behind a
// URL, tests as they are, and other snippets as functions, each with a fake of its own.
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

	var programs []string
	for _, page := range append(pages, "../README.md") {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		var functions []string
		for _, snippet := range goSnippets(t, page) {
			within := fmt.Sprintf("%s_line%d", name, snippet.line)
			switch {
			case snippet.file != "":
				writeFile(t, filepath.Join(dir, name+"_files", snippet.file), snippet.text)
			case strings.HasPrefix(snippet.text, "package main"):
				programs = append(programs, filepath.Join(dir, within))
				writeFile(t, filepath.Join(dir, within, "main.go"), snippet.text)
			case strings.HasPrefix(snippet.text, "package "):
				writeFile(t, filepath.Join(dir, within, "snippet_test.go"), snippet.text)
			default:
				function := fmt.Sprintf("line%d", snippet.line)
				functions = append(functions, function)
				writeFile(t, filepath.Join(dir, name, function+"_test.go"), wrap(function, snippet.text))
			}
		}
		if len(functions) > 0 {
			writeFile(t, filepath.Join(dir, name, "run_test.go"), runner(t, functions))
		}
	}

	goCommand(t, nil, "vet", "./"+filepath.Base(dir)+"/...")
	goCommand(t, nil, "test", "./"+filepath.Base(dir)+"/...")
	received := &collector{t: t}
	environment := append(fakeEnvironment(t), received.environment()...)
	for _, program := range programs {
		goCommand(t, environment, "run", "./"+program)
	}
	for _, name := range []string{"Lambda Microvms.ListMicrovmImages", "images.SyncTags", "client.call.duration"} {
		if !slices.Contains(received.names, name) {
			t.Errorf("the collector has received %q, and no %s", received.names, name)
		}
	}
}

// A collector receives traces and metrics over HTTP, as a backend of OpenTelemetry does,
// and keeps the names of spans and instruments.
type collector struct {
	t *testing.T

	mu    sync.Mutex
	names []string
}

// environment starts the collector and returns the environment of programs that export to
// it.
func (c *collector) environment() []string {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(_ http.ResponseWriter, r *http.Request) {
		var request tracepb.ExportTraceServiceRequest
		c.read(r, &request)
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					c.add(span.GetName())
				}
			}
		}
	})
	mux.HandleFunc("POST /v1/metrics", func(_ http.ResponseWriter, r *http.Request) {
		var request metricspb.ExportMetricsServiceRequest
		c.read(r, &request)
		for _, resource := range request.GetResourceMetrics() {
			for _, scope := range resource.GetScopeMetrics() {
				for _, metric := range scope.GetMetrics() {
					c.add(metric.GetName())
				}
			}
		}
	})
	server := httptest.NewServer(mux)
	c.t.Cleanup(server.Close)
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL}
}

func (c *collector) read(r *http.Request, request proto.Message) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, request)
	}
	if err != nil {
		c.t.Errorf("%s: %v", r.URL.Path, err)
	}
}

func (c *collector) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, name)
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A snippet is a block of Go in a page, and the line of the page on which it begins.
type snippet struct {
	line int
	file string // from a comment before the block: the files of a page are one package
	text string
}

func goSnippets(t *testing.T, page string) []snippet {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var snippets []snippet
	for _, match := range regexp.MustCompile("(?ms)(^<!-- \\S+ -->\n)?^```go\n(.*?)^```$").FindAllSubmatchIndex(text, -1) {
		block := snippet{line: 1 + bytes.Count(text[:match[4]], []byte("\n")), text: string(text[match[4]:match[5]])}
		if match[2] >= 0 {
			block.file = strings.Fields(string(text[match[2]:match[3]]))[1]
		}
		snippets = append(snippets, block)
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
	"iam":            "github.com/microvm-go/lambdamicrovms/iam",
	"images":         "github.com/microvm-go/lambdamicrovms/images",
	"session":        "github.com/microvm-go/lambdamicrovms/session",
	"types":          "github.com/microvm-go/lambdamicrovms/types",
	"context":        "context",
	"errors":         "errors",
	"fmt":            "fmt",
	"http":           "net/http",
	"httptest":       "net/http/httptest",
	"io":             "io",
	"httputil":       "net/http/httputil",
	"json":           "encoding/json",
	"propagation":    "go.opentelemetry.io/otel/propagation",
	"retry":          "github.com/aws/aws-sdk-go-v2/aws/retry",
	"smithyhttp":     "github.com/aws/smithy-go/transport/http",
	"stscreds":       "github.com/aws/aws-sdk-go-v2/credentials/stscreds",
	"sts":            "github.com/aws/aws-sdk-go-v2/service/sts",
	"url":            "net/url",
	"yaml":           "gopkg.in/yaml.v3",
	"log":            "log",
	"os":             "os",
	"slog":           "log/slog",
	"strings":        "strings",
	"time":           "time",
}

// wrap makes a function of a snippet. The snippet finds ctx, cfg, client, image and id
// declared.
func wrap(name, snippet string) string {
	body := "func " + name + "(ctx context.Context, cfg aws.Config, client *lambdamicrovms.Client, image, id string) error {\n" +
		strings.Replace(snippet, "client := ", "client = ", 1) + // it is declared already
		"\treturn nil\n}\n"
	code := regexp.MustCompile(`//.*`).ReplaceAllString(body, "")
	var b strings.Builder
	b.WriteString("package snippets\n\nimport (\n")
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(code) {
			fmt.Fprintf(&b, "\t%s %q\n", name, imports[name])
		}
	}
	b.WriteString(")\n\n" + body)
	return b.String()
}

// runner is the test that runs the functions of a page.
func runner(t *testing.T, functions []string) string {
	t.Helper()
	source, err := os.ReadFile("testdata/run_test.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, name := range functions {
		fmt.Fprintf(&table, "\t%q: %s,\n", name, name)
	}
	return strings.Replace(string(source), "\t// snippets\n", table.String(), 1)
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
		Name:         aws.String("web"),
		BaseImageArn: images.BaseImage(client, "al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/web.zip"},
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
