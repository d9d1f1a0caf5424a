//go:build unix

package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// terminal runs the program in a terminal and collects what it shows.
type terminal struct {
	*testing.T
	pty  *os.File
	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{}
}

// A terminal answers the question where its cursor is.
const (
	askPosition = "\x1b[6n"
	position    = "\x1b[1;1R"
)

func (p *terminal) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := p.pty.Read(buffer)
		if bytes.Contains(buffer[:n], []byte(askPosition)) {
			p.send(position)
		}
		p.mu.Lock()
		p.seen.Write(buffer[:n])
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
		if err != nil {
			close(p.more)
			return
		}
	}
}

// expect waits until the terminal has shown the text, and forgets what came before it.
func (p *terminal) expect(text string) {
	p.Helper()
	for open := true; ; _, open = <-p.more {
		p.mu.Lock()
		shown := p.seen.String()
		at := strings.Index(shown, text)
		if at >= 0 {
			p.seen.Reset()
			p.seen.WriteString(shown[at+len(text):])
		}
		p.mu.Unlock()
		switch {
		case at >= 0:
			return
		case !open:
			p.Fatalf("the program ended without %q: %q", text, shown)
		}
	}
}

func (p *terminal) send(text string) {
	if _, err := io.WriteString(p.pty, text); err != nil {
		p.Error(err)
	}
}

// start runs the test binary as the program: TestMain sees to it by the name.
func start(t *testing.T, env []string, args ...string) (*terminal, *exec.Cmd) {
	t.Helper()
	program, err := exec.LookPath("lambda-microvms")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), append([]string{
		"TERM=xterm", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDFAKEFAKEFAKEFAKE", "AWS_SECRET_ACCESS_KEY=fake-secret-access-key",
		"HOME=" + t.TempDir(), "AWS_PAGER=", "NO_COLOR=1",
	}, env...)...)
	file, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{T: t, pty: file, more: make(chan struct{}, 1)}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = file.Close()
	})
	go p.read()
	return p, cmd
}

func TestPrompt(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"state": "RUNNING", "microvmId": "`+strings.TrimPrefix(r.URL.Path, "/2025-09-09/microvms/")+`"}`)
	}))
	t.Cleanup(server.Close)

	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + server.URL}, "--output", "text", "--cli-auto-prompt")
	p.expect("> lambda-microvms ")
	p.expect("--output text ")
	p.send("susp\t")
	p.expect("suspend-microvm ")
	p.send("--mic\tmvm-7\r")
	p.expect("mvm-7")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}

	p, cmd = start(t, []string{"AWS_CLI_AUTO_PROMPT=on-partial", "AWS_ENDPOINT_URL=" + server.URL}, "get-microvm", "--query", "state")
	p.expect("> lambda-microvms ")
	p.expect("get-microvm --query state ")
	p.send("--microvm-identifier x\r")
	p.expect(`"RUNNING"`)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}

	p, cmd = start(t, nil, "--cli-auto-prompt")
	p.expect("> lambda-microvms ")
	p.send("\x03")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Error(err)
	}
}

// Ctrl-C is for the pager, however often.
func TestInterruptedPager(t *testing.T) {
	server := serve(t, fake.New(t))
	pager := filepath.Join(t.TempDir(), "pager")
	if err := os.WriteFile(pager, []byte("#!/bin/sh\ntrap '' INT\ncat\necho ready\nread line </dev/tty\n"), 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + server, "AWS_PAGER=" + pager}, "list-managed-microvm-images", "--query", "length(items)")
	p.expect("ready")
	for range 3 {
		p.send("\x03")
		p.expect("^C") // the terminal has sent the signal
	}
	p.send("\r")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
