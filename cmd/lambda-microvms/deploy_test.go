//go:build unix

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/storage"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

// directory is a directory to deploy.
func directory(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// watched is output that a test waits for.
type watched struct {
	t    *testing.T
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	return &watched{t: t, more: make(chan struct{}, 1)}
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// expect waits until the output has the text. A program that ended without it fails the
// test after a while.
func (w *watched) expect(text string) {
	w.t.Helper()
	late := time.After(2 * time.Minute)
	for !strings.Contains(w.String(), text) {
		select {
		case <-w.more:
		case <-late:
			w.t.Fatalf("no %q in %q", text, w)
		}
	}
}

// deploying returns a deployment to a fake whose time stands still, so that the build
// does not end, and to a bucket.
func deploying(t *testing.T, b http.Handler, args ...string) (cmd *exec.Cmd, stdout *bytes.Buffer, stderr *watched) {
	t.Helper()
	store := serve(t, b)
	cmd, stdout, _ = command(t, fake.NewServer(), append([]string{
		"deploy", directory(t), "--name", "app", "--build-role-arn", "arn:aws:iam::123456789012:role/build", "--bucket", "bucket",
	}, args...)...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_S3="+store, "AWS_EC2_METADATA_DISABLED=true")
	stderr = newWatched(t)
	cmd.Stderr = stderr
	return cmd, stdout, stderr
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("%v", err)
	}
}

func TestDeployInterrupted(t *testing.T) {
	cmd, stdout, stderr := deploying(t, &bucket{region: "us-east-1"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.expect("wait for build 1.0: ")
	interrupt(t, cmd)
	const want = `Interrupted: the build of version 1.0 of arn:aws:lambda:us-east-1:123456789012:microvm-image:app continues in AWS and cannot be canceled.
To see it:
  lambda-microvms wait microvm-image-version-successful --image-identifier arn:aws:lambda:us-east-1:123456789012:microvm-image:app --image-version 1.0
To end or undo it, once it has ended:
  lambda-microvms delete-microvm-image --image-identifier arn:aws:lambda:us-east-1:123456789012:microvm-image:app
`
	if !strings.HasSuffix(stderr.String(), want) || stdout.String() != "\n" {
		t.Errorf("stdout %q, stderr:\n%s", stdout, stderr)
	}
}

// A signal that ends the program, such as that of a build server, does not end the build:
// the program says so.
func TestDeployKilled(t *testing.T) {
	for _, option := range []string{"--debug", "--json"} {
		t.Run(option, func(t *testing.T) {
			cmd, _, stderr := deploying(t, &bucket{region: "us-east-1"}, option)
			stdout := newWatched(t)
			cmd.Stdout = stdout
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			output, want := stderr, "Interrupted: the build of version 1.0 of "
			if option == "--json" {
				output, want = stdout, `"type":"interrupted"`
			}
			output.expect("wait for build")
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := output.String(); !endedBy(cmd, syscall.SIGTERM) || strings.Count(got, want) != 1 ||
				!strings.Contains(got, "lambda-microvms delete-microvm-image --image-identifier ") {
				t.Errorf("%v\n%s", cmd.ProcessState, got)
			}
		})
	}
}

// The command lines act where the deployment did.
func TestDeployInterruptedElsewhere(t *testing.T) {
	cmd, _, stderr := deploying(t, &bucket{region: "eu-west-1"}, "--region", "eu-west-1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.expect("wait for build 1.0: ")
	interrupt(t, cmd)
	const want = `To see it:
  lambda-microvms wait microvm-image-version-successful --image-identifier arn:aws:lambda:eu-west-1:123456789012:microvm-image:app --image-version 1.0 --region eu-west-1
To end or undo it, once it has ended:
  lambda-microvms delete-microvm-image --image-identifier arn:aws:lambda:eu-west-1:123456789012:microvm-image:app --region eu-west-1
`
	if !strings.HasSuffix(stderr.String(), want) {
		t.Error(stderr)
	}
}

func TestDeployInterruptedEvents(t *testing.T) {
	cmd, _, stderr := deploying(t, &bucket{region: "us-east-1"}, "--json")
	stdout := newWatched(t)
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stdout.expect(`"step":"wait for build"`)
	interrupt(t, cmd)
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	last := lines[len(lines)-1]
	if !strings.Contains(last, `"type":"interrupted"`) || !strings.Contains(last, `"running":"the build of version 1.0 of `) ||
		!strings.Contains(last, `"end":"lambda-microvms delete-microvm-image --image-identifier `) || stderr.String() != "" {
		t.Errorf("%s\nstderr: %s", last, stderr)
	}
}

func TestDeployInterruptedDuringUpload(t *testing.T) {
	b := &bucket{region: "us-east-1", arrived: make(chan struct{}, 1), hold: make(chan struct{})}
	cmd, _, stderr := deploying(t, b)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-b.arrived
	interrupt(t, cmd)
	if !strings.HasSuffix(stderr.String(), "Interrupted. Nothing is still running in AWS.\n") || b.uploads.Load() != 0 {
		t.Errorf("uploads %d, stderr:\n%s", b.uploads.Load(), stderr)
	}
}

// heldParts is a fake S3 for uploads in parts. No part is ever complete, and an upload
// is aborted only with aborts.
type heldParts struct {
	http.Handler
	aborts         bool
	part, aborting chan struct{} // receive when a request has arrived
}

func (h *heldParts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	arrived, hold := h.part, true
	switch r.Method {
	case http.MethodPut:
		_, _ = io.Copy(io.Discard, r.Body) // only then does the context end with the connection
	case http.MethodDelete:
		arrived, hold = h.aborting, !h.aborts
	default:
		h.Handler.ServeHTTP(w, r)
		return
	}
	select {
	case arrived <- struct{}{}:
	default: // another part
	}
	if hold {
		<-r.Context().Done()
		return
	}
	h.Handler.ServeHTTP(w, r)
}

// A signal during an upload in parts aborts it. A second one ends the program at once,
// which then says how to find and remove the parts.
func TestDeployKilledDuringUpload(t *testing.T) {
	catchSignals(t)
	for _, test := range []struct {
		name string
		sent []os.Signal
		want string
	}{
		{"Ctrl-C", []os.Signal{os.Interrupt}, "Interrupted. Nothing is still running in AWS.\n"},
		{"SIGTERM", []os.Signal{syscall.SIGTERM}, "Interrupted. Nothing is still running in AWS.\n"},
		{"SIGHUP", []os.Signal{syscall.SIGHUP}, "Interrupted. Nothing is still running in AWS.\n"},
		{"Ctrl-C twice", []os.Signal{os.Interrupt, os.Interrupt}, partsLeft},
		{"SIGTERM twice", []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, partsLeft},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &heldParts{
				Handler: storage.Handler(http.NotFoundHandler()), aborts: len(test.sent) == 1,
				part: make(chan struct{}, 1), aborting: make(chan struct{}, 1),
			}
			cmd, _, stderr := deploying(t, h)
			content := make([]byte, 17<<20)
			_, _ = rand.NewChaCha8([32]byte{}).Read(content) // cannot be compressed
			if err := os.WriteFile(filepath.Join(cmd.Args[2], "content"), content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			arrived := h.part
			for _, sent := range test.sent {
				<-arrived
				_ = cmd.Process.Signal(sent)
				arrived = h.aborting
			}
			_ = cmd.Wait()
			key := regexp.MustCompile(`[0-9a-f]{64}\.zip`)
			if got := key.ReplaceAllString(stderr.String(), "KEY"); !endedBy(cmd, test.sent[0]) || !strings.HasSuffix(got, "\n"+test.want) {
				t.Errorf("%v\n%s", cmd.ProcessState, got)
			}
			if len(test.sent) == 1 && len(h.aborting) == 0 {
				t.Error("the upload was not aborted")
			}
		})
	}
}

const partsLeft = `Interrupted: parts of the archive may remain in the bucket bucket.
To see it:
  aws s3api list-parts --bucket bucket --key KEY --upload-id 1
To end or undo it:
  aws s3api abort-multipart-upload --bucket bucket --key KEY --upload-id 1
`

// A deletion takes until the clock of the fake moves.
func TestPruneInterrupted(t *testing.T) {
	srv := fake.New(t)
	err := createImage(srv, testImage)
	for range 2 {
		if err == nil {
			_, err = images.Update(t.Context(), lambdamicrovms.New(srv.Options()), testImage, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd, _, _ := command(t, srv, "prune", "--image-identifier", testImage, "--keep", "1")
	stderr := newWatched(t)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.expect("wait for deletion 1.0")
	interrupt(t, cmd)
	const want = `Interrupted: version 1.0 of ` + testImage + ` is being deleted in AWS, which cannot be canceled.
To see it:
  lambda-microvms wait microvm-image-version-deleted --image-identifier ` + testImage + ` --image-version 1.0
`
	if !strings.HasSuffix(stderr.String(), want) {
		t.Error(stderr)
	}
}

// Ctrl-C ends a command that waits for standard input.
func TestInterruptedInput(t *testing.T) {
	for _, command := range []string{"deploy", "diff"} {
		t.Run(command, func(t *testing.T) {
			cmd, _, stderr := deploying(t, &bucket{region: "us-east-1"}, "--debug", "--config", "-")
			if command == "diff" {
				cmd.Args = []string{cmd.Args[0], "diff", "--image-identifier", "app", "--debug", "--config", "-"}
			}
			input, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = input.Close() }()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stderr.expect("command " + command)
			interrupt(t, cmd)
		})
	}
}

// The first Ctrl-C cannot end the opening of a pipe, the second one does.
func TestDeployInterruptedTwice(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, _, stderr := deploying(t, &bucket{region: "us-east-1"}, "--debug", "--config", pipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stderr.expect("command deploy")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for signals := range 1000 {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if signals == 0 || cmd.ProcessState.ExitCode() != -1 {
				t.Errorf("after %d signals: %v", signals+1, err)
			}
			return
		case <-time.After(10 * time.Millisecond): // the program may not have seen the signal yet
		}
	}
	t.Error("it goes on after 1000 signals")
}

// On a terminal there is a bar during the upload, and a line that moves. Steps that are
// over stay.
func TestDeployOnTerminal(t *testing.T) {
	srv := fake.NewServer()
	service := serve(t, srv)
	b := &bucket{region: "us-east-1", arrived: make(chan struct{}, 1), hold: make(chan struct{})}
	store := serve(t, b)
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + service, "AWS_ENDPOINT_URL_S3=" + store, "AWS_EC2_METADATA_DISABLED=true"},
		"deploy", directory(t), "--name", "app", "--build-role-arn", "arn:aws:iam::123456789012:role/build", "--bucket", "bucket",
		"--poll-interval", "0.01", "--query", "imageVersion")
	p.expect("find")
	p.expect("0 %")
	p.expect("upload")
	close(b.hold)
	p.expect("create")
	p.expect("wait for build 1.0: PENDING")
	srv.Advance(time.Hour)
	p.expect("wait for build 1.0: SUCCESSFUL")
	p.expect(`"1.0"`)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, p.pty)
}

// A dumb terminal cannot move a line.
func TestWaitOnDumbTerminal(t *testing.T) {
	srv := fake.NewServer()
	t.Cleanup(func() { _ = srv.Close() })
	if err := createImage(srv, testImage); err != nil {
		t.Fatal(err)
	}
	srv.Advance(time.Hour)
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + serve(t, srv), "TERM=dumb"}, "wait", "microvm-image-created", "--image-identifier", testImage)
	err := cmd.Wait()
	for range p.more { // until the terminal is closed
	}
	if got := p.seen.String(); got != "" || err != nil {
		t.Errorf("%v, %q", err, got)
	}
}

// On a terminal, wait shows what it sees.
func TestWaitOnTerminal(t *testing.T) {
	srv := fake.NewServer()
	t.Cleanup(func() { _ = srv.Close() })
	if err := createImage(srv, testImage); err != nil {
		t.Fatal(err)
	}
	service := serve(t, srv)
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + service},
		"wait", "microvm-image-created", "--image-identifier", testImage, "--poll-interval", "0.01")
	p.expect("wait microvm-image-created: CREATING")
	srv.Advance(time.Hour)
	p.expect("wait microvm-image-created: CREATED")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
