//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

const testImage = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"

// world returns a fake with an image and a MicroVM of it.
func world(t *testing.T, options ...fake.Option) (srv *fake.Server, id string) {
	t.Helper()
	srv = newWorld(options...)
	t.Cleanup(func() { _ = srv.Close() })
	id, err := populate(srv, testImage)
	if err != nil {
		t.Fatal(err)
	}
	return srv, id
}

// alive are the MicroVMs that have not been terminated.
func alive(t *testing.T, srv *fake.Server) (ids []string) {
	t.Helper()
	for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(lambdamicrovms.New(srv.Options()), nil).Items(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if vm.State != types.MicroVMStateTerminated {
			ids = append(ids, *vm.MicroVMId)
		}
	}
	return ids
}

// interceptor signals when a request has had its response, or holds it.
type interceptor struct {
	http.Handler
	method  string // of the request
	hold    bool
	arrived chan struct{}
	done    <-chan struct{}
}

func (i *interceptor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	matches := r.Method == i.method
	if matches && i.hold {
		select {
		case i.arrived <- struct{}{}:
		case <-i.done:
		}
		<-i.done
		return
	}
	i.Handler.ServeHTTP(w, r)
	if matches {
		select {
		case i.arrived <- struct{}{}:
		case <-i.done:
		}
	}
}

// pass lets further requests pass.
func (i *interceptor) pass() {
	for {
		select {
		case <-i.arrived:
		case <-i.done:
			return
		}
	}
}

// catchSignals makes a child process receive signals that the parent of the test ignores,
// as nohup does.
func catchSignals(t *testing.T) {
	t.Helper()
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
}

// endedBy reports whether a signal has ended a program, or the exit code after Ctrl-C.
func endedBy(cmd *exec.Cmd, sent os.Signal) bool {
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == sent || sent == os.Interrupt && status.ExitStatus() == 130
}

// A signal terminates what was started, and the program says how to do so by hand
// meanwhile.
func TestInterruptedRun(t *testing.T) {
	catchSignals(t)
	for _, test := range []struct {
		name   string
		delays fake.Delays
		sent   os.Signal
		args   []string
	}{
		{"while it starts", fake.Delays{Run: time.Hour}, os.Interrupt, []string{"run", testImage}},
		{"while it starts, SIGTERM", fake.Delays{Run: time.Hour}, syscall.SIGTERM, []string{"run", testImage}},
		{"curl, while it starts", fake.Delays{Run: time.Hour}, os.Interrupt, []string{"curl", testImage}},
		{"curl, while it starts, SIGHUP", fake.Delays{Run: time.Hour}, syscall.SIGHUP, []string{"curl", testImage, "-s"}},
		{"shell, while it starts, SIGTERM", fake.Delays{Run: time.Hour}, syscall.SIGTERM, []string{"shell", testImage}},
		{"while it runs", fake.Delays{}, os.Interrupt, []string{"run", testImage, "--rm", "--output", "off"}},
		{"while it runs, SIGHUP", fake.Delays{}, syscall.SIGHUP, []string{"run", testImage, "--rm", "--output", "off"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, existing := world(t, fake.WithDelays(test.delays))
			i := &interceptor{Handler: srv, method: http.MethodGet, arrived: make(chan struct{}), done: t.Context().Done()}
			cmd, _, stderr := command(t, i, test.args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-i.arrived
			if err := cmd.Process.Signal(test.sent); err != nil {
				t.Fatal(err)
			}
			go i.pass()
			err := cmd.Wait()
			if !endedBy(cmd, test.sent) || !strings.Contains(stderr.String(), "may keep running; then end it with:\n  lambda-microvms terminate-microvm --microvm-identifier microvm-") {
				t.Errorf("%v\n%s", err, stderr)
			}
			if left := alive(t, srv); len(left) != 1 || left[0] != existing {
				t.Errorf("alive: %v", left)
			}
		})
	}
}

// The second signal ends the program at once, though the MicroVM is not terminated yet,
// or nobody knows whether there is one.
func TestInterruptedTwice(t *testing.T) {
	catchSignals(t)
	for _, test := range []struct {
		name, method string // of the request that has no response
		sent         os.Signal
		want         string
	}{
		{"Ctrl-C", http.MethodDelete, os.Interrupt, "terminate-microvm --microvm-identifier microvm-"},
		{"SIGTERM", http.MethodDelete, syscall.SIGTERM, "terminate-microvm --microvm-identifier microvm-"},
		{"SIGHUP, whether it was started is unknown", http.MethodPost, syscall.SIGHUP, "look for it, and end it, with:\n  lambda-microvms ps\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv, _ := world(t, fake.WithDelays(fake.Delays{}))
			i := &interceptor{Handler: srv, method: test.method, hold: true, arrived: make(chan struct{}), done: t.Context().Done()}
			cmd, _, _ := command(t, i, "run", testImage, "--rm")
			stdout, stderr := newWatched(t), newWatched(t)
			cmd.Stdout, cmd.Stderr = stdout, stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if test.method == http.MethodDelete {
				stdout.expect("{") // it runs
			} else {
				<-i.arrived
			}
			_ = cmd.Process.Signal(test.sent)
			stderr.expect(test.want)
			_ = cmd.Process.Signal(test.sent)
			go i.pass()
			err := cmd.Wait()
			if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || !endedBy(cmd, test.sent) {
				t.Errorf("%v\n%s", err, stderr)
			}
		})
	}
}

// A response that is refused or incomplete leaves no file, and an old one as it was.
func TestCurlFile(t *testing.T) {
	application := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.Error(w, "secret page", http.StatusNotFound)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "only a part")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/away":
			http.Redirect(w, r, "/", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "new")
		}
	})
	srv, id := world(t, fake.WithApplication(application))
	for _, test := range []struct {
		args   string
		code   int
		stderr string
		file   string
	}{
		{"/", 0, "", "new"},
		{"/missing --fail", 255, "The application returned 404 Not Found", "old"},
		{"/missing", 0, "", "secret page\n"},
		{"/cut", 255, "The response ended before it was complete", "old"},
		{"/away", 0, "", "<a href=\"/\">Found</a>.\n\n"},
		{"/away -L", 0, "", "new"},
	} {
		t.Run(test.args, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd, _, stderr := command(t, srv, append([]string{"curl", id, "-o", path}, strings.Fields(test.args)...)...)
			err := cmd.Run()
			content, _ := os.ReadFile(path)
			entries, _ := os.ReadDir(dir)
			if cmd.ProcessState.ExitCode() != test.code || !strings.Contains(stderr.String(), test.stderr) || string(content) != test.file || len(entries) != 1 {
				t.Errorf("%v, %s, the file has %q, %d files", err, stderr, content, len(entries))
			}
		})
	}
}

// A file that is standard output is written from where it is: the caller has it open, and
// may have written to it.
func TestCurlToStandardOutput(t *testing.T) {
	srv, id := world(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "response\n")
	})))
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	cmd, _, stderr := command(t, srv, "curl", id, "-o", "/dev/stdout")
	cmd.Stdout = file
	_, _ = io.WriteString(file, "before\n")
	err = cmd.Run()
	_, _ = io.WriteString(file, "after\n")
	content, _ := os.ReadFile(file.Name())
	if string(content) != "before\nresponse\nafter\n" || err != nil {
		t.Errorf("%v, %s, the file has %q", err, stderr, content)
	}
}

// A file that cannot be written is found out before a MicroVM is started.
func TestCurlFileRefused(t *testing.T) {
	srv, _ := world(t)
	cmd, _, stderr := command(t, srv, "curl", testImage, "-o", filepath.Join(t.TempDir(), "nothing", "file"))
	before := len(srv.Calls(fake.RunMicroVM))
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 252 || !strings.Contains(stderr.String(), "Error parsing parameter '--output-file': ") {
		t.Errorf("%v, %s", err, stderr)
	}
	if started := len(srv.Calls(fake.RunMicroVM)) - before; started != 0 {
		t.Errorf("%d MicroVMs were started", started)
	}
}

// Nobody reads the response any more: no message.
func TestCurlBrokenPipe(t *testing.T) {
	srv, id := world(t)
	for _, args := range [][]string{{"curl", id}, {"curl", "-i", id}, {"ps"}, {"ps", "-q"}, {"sweep", "app", "--yes"}} {
		expectSilence(t, srv, args...)
	}
}

// A signal that ends the program at once leaves no partial file, and an old one as it
// was.
func TestCurlFileKilled(t *testing.T) {
	arrived := make(chan struct{})
	srv, id := world(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// More than the sockets hold, so that the program has begun to write the file.
		_, _ = w.Write(make([]byte, 32<<20))
		arrived <- struct{}{}
		<-r.Context().Done()
	})))
	catchSignals(t)
	for name, signals := range map[string][]os.Signal{
		"SIGTERM": {syscall.SIGTERM},
		"SIGHUP":  {syscall.SIGHUP},
		"Ctrl-C":  {os.Interrupt, os.Interrupt},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd, _, stderr := command(t, srv, "curl", id, "-o", path)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			for _, sent := range signals {
				_ = cmd.Process.Signal(sent)
			}
			_ = cmd.Wait()
			if !endedBy(cmd, signals[0]) {
				t.Errorf("%v, %s", cmd.ProcessState, stderr)
			}
			content, _ := os.ReadFile(path)
			if entries, _ := os.ReadDir(dir); string(content) != "old" || len(entries) != 1 {
				t.Errorf("the file has %q, entries: %v", content, entries)
			}
		})
	}
}

// Standard input and pipes are sent while they are read. Files and short inputs have a
// length, for applications that need one.
func TestCurlBody(t *testing.T) {
	const large = 4 << 20
	arrived := make(chan struct{}, 1)
	srv, id := world(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, min(2<<20, max(r.ContentLength, 0))))
		if r.ContentLength < 0 {
			_, _ = io.ReadFull(r.Body, make([]byte, 2<<20))
			arrived <- struct{}{}
		}
		rest, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, r.ContentLength, " ", rest)
	})))
	dir := t.TempDir()
	file, empty, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "empty"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, large), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, body string
		input      string // written in two halves, the second one after the first has arrived
		want       string
	}{
		{"file", "@" + file, "", "4194304 2097152"},
		{"empty file", "@" + empty, "", "0 0"},
		{"short input", "@-", "short", "5 0"},
		{"long input", "@-", strings.Repeat("x", large), "-1 2097152"},
		{"pipe", "@" + pipe, strings.Repeat("x", large), "-1 2097152"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd, stdout, stderr := command(t, srv, "curl", id, "--data-binary", test.body)
			input, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			to := input
			if test.name == "pipe" {
				if to, err = os.OpenFile(pipe, os.O_WRONLY, 0); err != nil {
					t.Fatal(err)
				}
			}
			half := len(test.input) / 2
			_, _ = io.WriteString(to, test.input[:half])
			if len(test.input) == large {
				<-arrived
			}
			_, _ = io.WriteString(to, test.input[half:])
			_ = to.Close()
			if err := cmd.Wait(); err != nil || stdout.String() != test.want {
				t.Errorf("%v, %q, %s", err, stdout, stderr)
			}
		})
	}
}

// A partial file that SIGKILL has left does not disturb a later process with the same
// number, as all have in a container.
func TestCurlFileLeft(t *testing.T) {
	srv, id := world(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "new")
	})))
	program, _, stderr := command(t, srv)
	cmd := exec.Command("sh", "-c", `echo part >".file.$$.part" && exec lambda-microvms curl "$0" -o file`, id)
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), program.Env, stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%v, %s", err, stderr)
	}
	if content, err := os.ReadFile(filepath.Join(cmd.Dir, "file")); string(content) != "new" {
		t.Errorf("%q, %v", content, err)
	}
}

// On a terminal, sweep shows what it would terminate, and asks.
func TestSweepAsks(t *testing.T) {
	srv, id := world(t)
	server := serve(t, srv)
	sweep := func(answer string) *exec.Cmd {
		t.Helper()
		p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + server}, "sweep", "app")
		p.expect(id)
		p.expect("Terminate this MicroVM? [y/N] ")
		p.send(answer)
		if answer != "\x03" {
			_ = cmd.Wait()
		} else if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
			t.Error(err)
		}
		return cmd
	}
	for _, no := range []string{"\r", "no\r", "\x03"} {
		sweep(no)
		if left := alive(t, srv); len(left) != 1 {
			t.Errorf("%q: alive: %v", no, left)
		}
	}
	if cmd := sweep("y\r"); cmd.ProcessState.ExitCode() != 0 || len(alive(t, srv)) != 0 {
		t.Errorf("exit code %d, alive: %v", cmd.ProcessState.ExitCode(), alive(t, srv))
	}
}
