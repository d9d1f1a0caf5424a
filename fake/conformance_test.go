package fake_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestConformance runs the cases of testdata/conformance over HTTP, with requests written
// byte for byte.
func TestConformance(t *testing.T) {
	s := readScripts(t)
	for _, c := range s.cases {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			newConversation(t, c).run(c.steps, s.definitions)
		})
	}
}

// TestConformanceIsComplete checks that each measured fact of facts.txt has a case, or a
// reason why it has none.
func TestConformanceIsComplete(t *testing.T) {
	s := readScripts(t)
	covered := make(map[string]bool)
	for _, c := range s.cases {
		for _, fact := range c.facts {
			covered[fact] = true
		}
	}
	facts := readFacts(t)
	for _, f := range facts {
		switch {
		case f.reason == "" && !covered[f.id]:
			t.Errorf("fact %s has no case: %s", f.id, f.text)
		case f.reason != "" && covered[f.id]:
			t.Errorf("fact %s has a case, and a reason to have none: %s", f.id, f.reason)
		}
		delete(covered, f.id)
	}
	for id := range covered {
		t.Errorf("facts.txt has no fact %s", id)
	}
	for section := 1; section <= 15; section++ {
		prefix := fmt.Sprintf("1.%d.", section)
		if !strings.Contains(strings.Join(ids(facts), " ")+" ", " "+prefix) {
			t.Errorf("facts.txt has nothing of section 1.%d", section)
		}
	}
}

// fact is a line of facts.txt.
type fact struct{ id, text, reason string }

func ids(facts []fact) []string {
	list := []string{""}
	for _, f := range facts {
		list = append(list, f.id)
	}
	return list
}

func readFacts(t *testing.T) []fact {
	t.Helper()
	var facts []fact
	for _, line := range readLines(t, filepath.Join("testdata", "conformance", "facts.txt")) {
		text := strings.TrimSpace(line.text)
		if why, ok := strings.CutPrefix(text, "no case: "); ok {
			facts[len(facts)-1].reason = why
			continue
		}
		id, text, _ := strings.Cut(text, " ")
		facts = append(facts, fact{id: id, text: text})
	}
	return facts
}

// conversation is the run of a case.
type conversation struct {
	*testing.T
	srv       *fake.Server
	addr      string
	variables map[string]string
}

func newConversation(t *testing.T, c script) *conversation {
	srv := fake.New(t, options(t, c.options)...)
	server := httptest.NewServer(srv)
	t.Cleanup(server.Close)
	return &conversation{T: t, srv: srv, addr: server.Listener.Addr().String(), variables: map[string]string{
		"app":     imageARN,
		"images":  "/2025-09-09/microvm-images",
		"vms":     "/2025-09-09/microvms",
		"tags":    "/2017-03-31/tags",
		"managed": "/2025-09-09/managed-microvm-images",
		"base":    baseImage,
		"role":    buildRole,
		"config":  fmt.Sprintf(`"baseImageArn": %q, "buildRoleArn": %q, "codeArtifact": {"uri": "s3://bucket/app.zip"}`, baseImage, buildRole),
		"k":       strings.Repeat("k", 1024),
		"wide":    strings.Repeat("k", 4095) + "ü", // 4096 characters, 4097 bytes
	}}
}

// options reads the "with" lines of a case.
func options(t *testing.T, lines []line) []fake.Option {
	t.Helper()
	var (
		options []fake.Option
		answers fake.Answers
		quotas  fake.Quotas
	)
	outcomes := map[string]fake.Outcome{"conflict": fake.OutcomeConflict, "validation": fake.OutcomeValidation, "success": fake.OutcomeSuccess}
	for _, l := range lines {
		name, value, _ := strings.Cut(l.text, " ")
		switch name {
		case "builds":
			quotas.ConcurrentBuilds = number(t, l, value)
		case "memory":
			quotas.MemoryInMiB = number(t, l, value)
		case "busy-update":
			answers.BusyUpdate = outcomes[value]
		case "reused-token":
			answers.ReusedToken = outcomes[value]
		case "application":
			hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
			options = append(options, fake.WithApplication(hello, number(t, l, value)))
		default:
			t.Fatalf("%s: with %s?", l.where, name)
		}
	}
	return append(options, fake.WithAnswers(answers), fake.WithQuotas(quotas))
}

func number(t *testing.T, l line, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", l.where, err)
	}
	return n
}

func (c *conversation) run(steps []step, definitions map[string][]step) {
	c.Helper()
	for _, s := range steps {
		if s.verb == "send" {
			c.exchange(s)
			continue
		}
		name, rest, _ := strings.Cut(s.argument, " ")
		switch s.verb {
		case "do":
			c.run(definitions[name], definitions)
		case "advance":
			d, err := time.ParseDuration(s.argument)
			if err != nil {
				c.Fatalf("%s: %v", s.where, err)
			}
			c.srv.Advance(d)
		case "repeat": // a definition
			for range number(c.T, s.line, rest) {
				c.run(definitions[name], definitions)
			}
		case "fault":
			c.srv.Inject(c.effect(name, rest), fake.First(1))
		default:
			c.Fatalf("%s: %s?", s.where, s.verb)
		}
	}
}

func (c *conversation) effect(name, rest string) fake.Effect {
	c.Helper()
	switch name {
	case "fail-build":
		return fake.FailBuild{Reason: rest}
	case "stuck-build":
		return fake.StuckBuild{}
	case "fail-suspend":
		return fake.FailSuspend{}
	case "fail-start":
		return fake.FailStart{Reason: rest}
	case "bad-gateway":
		return fake.BadGateway{}
	case "server-error":
		return fake.ServerError{RetryAfter: time.Second}
	case "throttle":
		return fake.Throttle{RetryAfter: time.Second}
	case "quota":
		return fake.QuotaExceeded{}
	}
	c.Fatalf("fault %s?", name)
	return nil
}

// exchange sends a request and compares the response.
func (c *conversation) exchange(s step) {
	c.Helper()
	status, header, body := c.send(s)
	problems := compare(s, c.variables, status, header, body)
	if len(problems) > 0 {
		c.Errorf("%s: %s: %s\ngot %d %s", s.where, s.request, strings.Join(problems, "\n\t"), status, body)
	}
}

// send writes the bytes of the request exactly as in the script.
func (c *conversation) send(s step) (status int, header http.Header, body string) {
	c.Helper()
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	payload := expand(s.body, c.variables)
	headers := map[string]string{
		"Host":           "lambda.us-east-1.amazonaws.com",
		"Connection":     "close",
		"Authorization":  "AWS4-HMAC-SHA256 Credential=AKIDFAKEFAKEFAKEFAKE/20260801/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
		"Content-Length": strconv.Itoa(len(payload)),
	}
	for _, h := range s.headers {
		headers[h.name] = expand(h.value, c.variables)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s HTTP/1.1\r\n", expand(s.request, c.variables))
	for name, value := range headers {
		fmt.Fprintf(&text, "%s: %s\r\n", name, value)
	}
	text.WriteString("\r\n" + payload)
	if _, err := io.WriteString(conn, text.String()); err != nil {
		c.Fatal(err)
	}
	method, _, _ := strings.Cut(s.request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		c.Fatalf("%s: %v", s.where, err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatalf("%s: %v", s.where, err)
	}
	return response.StatusCode, response.Header, string(content)
}

func readLines(t *testing.T, path string) []line {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for i, text := range strings.Split(string(content), "\n") {
		text = strings.TrimRight(text, " \t\r")
		if text != "" && !strings.HasPrefix(text, "#") {
			lines = append(lines, line{fmt.Sprintf("%s:%d", filepath.Base(path), i+1), text})
		}
	}
	return lines
}
