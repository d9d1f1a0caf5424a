package commands

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/coder/websocket"
	"golang.org/x/term"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/session"
)

const messagesOption = "messages"

func shellCommand() *cli.Command {
	return &cli.Command{
		Summary:   "Opens a shell in a MicroVM",
		Words:     []string{"TARGET"},
		Operation: runMicroVMOperation(),
		Options: []argparse.Option{
			{
				Name: messagesOption, Choices: []string{"binary", "text"},
				Doc: "The kind of WebSocket message in which keys are sent. Try the other one if the shell does not respond. The default is binary.",
			},
			{Name: resumeOption, Arity: argparse.Flag, Doc: "Resume the MicroVM if it is suspended."},
			{Name: keepOption, Arity: argparse.Flag, Doc: "Do not terminate the MicroVM that was started for this shell."},
		},
		Unpaged: true,
		Page: cli.Page{
			Description: `Opens a shell in a MicroVM, with the terminal in raw mode: all keys, Ctrl-C too, go to the shell. Press Ctrl-] to leave, even if the shell does not respond.

` + targetWords + `

The MicroVM must have the network connector SHELL_INGRESS; ALL_INGRESS does not include it. A new MicroVM gets it unless --ingress-network-connectors is given.

AWS does not document the messages of the connection. This command sends keys as they are typed and prints what it receives. It has not been tried with the service, and these things are unknown:

- how to tell the shell the size of the terminal: neither the size nor its changes are sent. In the shell, "stty rows 40 cols 120" sets it.
- whether messages are binary or text, see --messages. Both are accepted.
- how to tell the shell that standard input has ended, if that is not a terminal: nothing is sent then. End your input with "exit".`,
			Output: "What the shell prints.",
			Examples: `A shell in a MicroVM that exists:

  lambda-microvms shell microvm-cc2f4380-bfc7-4660-9d3f-166fb81d1369

A shell in a new MicroVM of an image:

  lambda-microvms shell web`,
		},
		Run: runShell,
	}
}

func runShell(ctx context.Context, s *cli.Session) error {
	t, err := findTarget(ctx, s, s.Words[0])
	if err != nil {
		return err
	}
	t.keep = s.Args.Has(keepOption)
	if t.input != nil && t.input.IngressNetworkConnectors == nil {
		t.input.IngressNetworkConnectors = []string{images.ConnectorARN(t.client.Options().Region, "SHELL_INGRESS")}
	}
	return t.with(ctx, t.shell)
}

// shell connects the terminal with the MicroVM until one of them ends it.
func (t *target) shell(ctx context.Context, opened *session.Session) error {
	if t.s.Args.Has(resumeOption) {
		if err := opened.Resume(ctx); err != nil {
			return sessionError(ctx, t.s, err)
		}
	}
	connection, err := t.dialShell(ctx, opened)
	if err != nil {
		return err
	}
	defer func() { _ = connection.CloseNow() }()
	if cli.IsTerminal(t.s.Stdin) {
		t.tell("Press Ctrl-] to leave.")
		input := int(t.s.Stdin.(*os.File).Fd()) //nolint:forcetypeassert // a terminal is a file
		before, err := term.MakeRaw(input)
		if err != nil {
			return fault.General("Cannot set the terminal to raw mode: %s", err)
		}
		restore := func() { _ = term.Restore(input, before) }
		defer restore()
		defer t.s.OnKill(restore)()
	}
	return t.relay(ctx, connection)
}

// maxMessage is the size of the largest message that is accepted.
const maxMessage = 1 << 20

// dialShell opens the connection. Errors do not contain its token.
func (t *target) dialShell(ctx context.Context, opened *session.Session) (*websocket.Conn, error) {
	handshake, err := opened.Shell(ctx)
	if err != nil {
		return nil, sessionError(ctx, t.s, err)
	}
	client := &http.Client{}
	if cfg, err := t.s.Config(ctx); err == nil {
		client.Transport = transportOf(cfg)
	}
	var secrets []string
	for _, values := range handshake.Header {
		secrets = append(secrets, values...)
	}
	connection, response, err := websocket.Dial(ctx, handshake.URL, &websocket.DialOptions{ //nolint:bodyclose // the library has read it
		HTTPClient: client, Host: handshake.Host, Subprotocols: handshake.Subprotocols,
	})
	switch {
	case ctx.Err() != nil:
		return nil, t.s.CallError(ctx, ctx.Err())
	case err != nil && response != nil:
		return nil, fault.General("%s refused the shell: %s", opened.ID(), response.Status)
	case err != nil:
		return nil, fault.General("Cannot connect to the shell of %s: %s", opened.ID(), redact.New(secrets).Error(err))
	}
	connection.SetReadLimit(maxMessage)
	return connection, nil
}

var errLeft = errors.New("the user has left")

// relay copies in both directions.
func (t *target) relay(ctx context.Context, connection *websocket.Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	kind := websocket.MessageBinary
	if t.s.Args.Value(messagesOption) == "text" {
		kind = websocket.MessageText
	}
	go func() {
		err := sendKeys(ctx, connection, kind, t.s.Stdin, cli.IsTerminal(t.s.Stdin))
		if errors.Is(err, errLeft) { // the reader gets the other errors, too
			cancel(err)
		}
	}()
	for {
		_, message, err := connection.Read(ctx)
		if err != nil {
			return t.shellEnd(ctx, err)
		}
		if _, err := t.s.Stdout.Write(message); err != nil {
			return cli.OutputError(err)
		}
	}
}

// shellEnd returns the error of a connection that has ended, or nil if it was closed in
// order.
func (t *target) shellEnd(ctx context.Context, err error) error {
	var closed websocket.CloseError
	switch {
	case errors.Is(context.Cause(ctx), errLeft):
		return nil
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.Canceled):
		return t.s.CallError(ctx, context.Cause(ctx))
	case errors.As(err, &closed) && (closed.Code == websocket.StatusNormalClosure || closed.Code == websocket.StatusGoingAway || closed.Code == websocket.StatusNoStatusRcvd):
		return nil
	case errors.As(err, &closed):
		return fault.General("The connection to the shell was closed with the status %d", closed.Code)
	}
	return fault.General("The connection to the shell was lost")
}

// leaveKey is Ctrl-].
const leaveKey = 0x1d

// sendKeys sends what is typed. The error is errLeft if the user leaves, and io.EOF at
// the end of the input.
func sendKeys(ctx context.Context, connection *websocket.Conn, kind websocket.MessageType, keys io.Reader, leaves bool) error {
	buffer := make([]byte, 4<<10)
	for {
		n, err := keys.Read(buffer)
		typed := buffer[:n]
		at := bytes.IndexByte(typed, leaveKey)
		if leaves && at >= 0 {
			typed = typed[:at]
		}
		if len(typed) > 0 {
			if err := connection.Write(ctx, kind, typed); err != nil {
				return err
			}
		}
		switch {
		case leaves && at >= 0:
			return errLeft
		case err != nil:
			return err
		}
	}
}
