//go:build unix

package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"
	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/term"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

// shell is a fake of the shell of MicroVMs, whose messages are not documented. It repeats
// each message and its kind, until one contains "exit".
func shell(w http.ResponseWriter, r *http.Request) {
	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"lambda-microvms"}})
	if err != nil {
		return
	}
	defer func() { _ = connection.CloseNow() }()
	_ = connection.Write(r.Context(), websocket.MessageText, []byte("welcome to "+connection.Subprotocol()+"\n"))
	for {
		kind, message, err := connection.Read(r.Context())
		switch {
		case err != nil:
			return
		case strings.Contains(string(message), "exit"):
			_ = connection.Close(websocket.StatusNormalClosure, "")
			return
		case strings.Contains(string(message), "crash"):
			_ = connection.Close(websocket.StatusInternalError, "hunter2")
			return
		case strings.Contains(string(message), "lose"):
			return
		}
		text := strings.ReplaceAll(string(message), "\x03", "<Ctrl-C>")
		_ = connection.Write(r.Context(), kind, []byte("<"+kind.String()+">"+text))
	}
}

// shellWorld returns a fake with shells, and a MicroVM that has one.
func shellWorld(t *testing.T) (srv *fake.Server, id string) {
	t.Helper()
	srv, _ = world(t, fake.WithShell(http.HandlerFunc(shell)))
	started, err := lambdamicrovms.New(srv.Options()).RunMicroVM(context.Background(), &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier:          aws.String(testImage),
		IngressNetworkConnectors: []string{images.ConnectorARN("us-east-1", "SHELL_INGRESS")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, *started.MicroVMId
}

// In a terminal, all keys go to the shell until it ends or the user leaves with Ctrl-].
// Then the terminal is as it was.
func TestShellTerminal(t *testing.T) {
	srv, id := shellWorld(t)
	server := serve(t, srv)
	fresh := freshTerminal(t)
	for _, test := range []struct{ name, target, end string }{
		{"exit", id, "exit"},
		{"leave", id, "\x1d"},
		{"a new MicroVM", "app", "exit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := alive(t, srv)
			p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + server}, "shell", test.target)
			p.expect("welcome to lambda-microvms")
			p.send("ls\r")
			p.expect("<MessageBinary>ls")
			p.send("\x03")
			p.expect("<Ctrl-C>")
			p.send(test.end)
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			restored, err := term.GetState(int(p.pty.Fd()))
			if err != nil || *restored != *fresh {
				t.Errorf("the terminal is not as it was: %v", err)
			}
			if diff := cmp.Diff(before, alive(t, srv)); diff != "" {
				t.Errorf("alive, -before +after:\n%s", diff)
			}
		})
	}
}

// A signal that ends the program at once leaves the terminal as it was.
func TestShellKilled(t *testing.T) {
	srv, id := shellWorld(t)
	server := serve(t, srv)
	fresh := freshTerminal(t)
	p, cmd := start(t, []string{"AWS_ENDPOINT_URL=" + server}, "shell", id)
	p.expect("welcome to lambda-microvms")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !endedBy(cmd, syscall.SIGTERM) {
		t.Error(cmd.ProcessState)
	}
	restored, err := term.GetState(int(p.pty.Fd()))
	if err != nil || *restored != *fresh {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}

// freshTerminal returns the state of a terminal that no program has changed.
func freshTerminal(t *testing.T) *term.State {
	t.Helper()
	control, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = control.Close(), terminal.Close() }()
	state, err := term.GetState(int(control.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// Without a terminal, standard input is sent as it is. No error shows the token.
func TestShellPipe(t *testing.T) {
	srv, id := shellWorld(t)
	for _, test := range []struct {
		name, input    string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"text", "ls", []string{"--messages", "text"}, 0, "welcome to lambda-microvms\n<MessageText>ls", ""},
		{"the shell fails", "crash", nil, 255, "welcome to lambda-microvms\n", "The connection to the shell was closed with the status 1011"},
		{"the connection is lost", "lose", nil, 255, "welcome to lambda-microvms\n", "The connection to the shell was lost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd, _, stderr := command(t, srv, append([]string{"shell", id, "--debug"}, test.args...)...)
			input, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdout = nil
			output, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(input, test.input)
			shown := make([]byte, len(test.stdout))
			if _, err := io.ReadFull(output, shown); err != nil {
				t.Error(err)
			}
			if test.code == 0 {
				_, _ = io.WriteString(input, "exit")
			}
			err = cmd.Wait()
			if cmd.ProcessState.ExitCode() != test.code || string(shown) != test.stdout || !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("%v, %q, %s", err, shown, stderr)
			}
			if text := stderr.String(); strings.Contains(text, "authentication.ey") || strings.Contains(text, "hunter2") {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}

// A MicroVM without SHELL_INGRESS, and a shell that is refused.
func TestShellRefused(t *testing.T) {
	srv, id := world(t)
	cmd, _, stderr := command(t, srv, "shell", id)
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 254 || !strings.Contains(stderr.String(), "SHELL_INGRESS") {
		t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), stderr)
	}
	before := alive(t, srv)
	cmd, _, stderr = command(t, srv, "shell", "app")
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 255 || !strings.Contains(stderr.String(), "refused the shell: 501 Not Implemented") {
		t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), stderr)
	}
	if diff := cmp.Diff(before, alive(t, srv)); diff != "" {
		t.Errorf("alive, -before +after:\n%s", diff)
	}
	cmd, _, stderr = command(t, srv, "shell", id, "--messages", "morse")
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 252 || !strings.Contains(stderr.String(), "argument --messages: Found invalid choice 'morse'") {
		t.Errorf("exit code %d, %s", cmd.ProcessState.ExitCode(), stderr)
	}
}
