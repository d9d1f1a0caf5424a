package commands

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/microvmid"
	"github.com/microvm-go/lambdamicrovms/session"
)

// What manual pages say about words that name an image.
const imageWord = "IMAGE is the ARN of an image, or its name, which is looked up in the account and region."

// imageOfWord returns the ARN of an image that a word names.
func imageOfWord(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client, text string) (string, error) {
	_, err := images.ParseARN(text)
	if err == nil {
		return text, nil
	}
	var invalid *images.ARNError
	if strings.Contains(text, ":") && errors.As(err, &invalid) {
		return "", fault.Usage("Error parsing argument IMAGE: %s is not the ARN of an image: %s", value.Quote(text), invalid.Problem)
	}
	return findImage(ctx, s, client, text, "There", func(error) error {
		return fault.Usage("Error parsing argument IMAGE: %s is neither the name nor the ARN of an image", value.Quote(text))
	})
}

// runMicroVMOperation is run-microvm without the image, which is a word of the command
// line.
func runMicroVMOperation() *api.Operation {
	op := *api.Find("run-microvm")
	op.Input = without(op.Input, imageMember)
	return &op
}

// runInput makes the input of run-microvm.
func runInput(s *cli.Session, image string) (*lambdamicrovms.RunMicroVMInput, error) {
	document, err := s.Input(runMicroVMOperation())
	if err != nil {
		return nil, err
	}
	document.Set(imageMember, image)
	if err := params.Validate(api.Find("run-microvm").Input, document); err != nil {
		return nil, err
	}
	in := new(lambdamicrovms.RunMicroVMInput)
	if err := in.UnmarshalJSON(value.Compact(document)); err != nil {
		return nil, err
	}
	return in, checkRun(s, in)
}

// checkRun validates the input except for the image, whose ARN may have to be looked up.
func checkRun(s *cli.Session, in *lambdamicrovms.RunMicroVMInput) error {
	checked := *in
	checked.ImageIdentifier = aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:checked")
	return optionError(s, runMicroVMOperation(), lambdamicrovms.Validate(&checked, lambdamicrovms.ValidationStrict))
}

// sessionOptions applies the global options to requests to MicroVMs. They go to an
// endpoint of the service on this machine, too, because a fake serves the MicroVMs.
func sessionOptions(ctx context.Context, s *cli.Session, client *lambdamicrovms.Client) (func(*session.Options), error) {
	cfg, err := s.Config(ctx)
	if err != nil {
		return nil, err
	}
	transport := transportOf(cfg)
	base := ""
	if endpoint := client.Options().BaseEndpoint; endpoint != nil && isLocal(*endpoint) {
		base = *endpoint
	}
	return func(o *session.Options) {
		o.Transport, o.BaseEndpoint = transport, base
		o.LogReader = outputLog{s} // for the reason why a MicroVM does not start
	}, nil
}

// transportOf is the transport of a configuration, with its certificates and timeouts.
func transportOf(cfg aws.Config) http.RoundTripper {
	if configured, ok := cfg.HTTPClient.(interface{ GetTransport() *http.Transport }); ok {
		return configured.GetTransport()
	}
	return nil
}

// isLocal reports whether a URL without a path names this machine.
func isLocal(text string) bool {
	at, err := url.Parse(text)
	if err != nil || at.User != nil || strings.Trim(at.Path, "/") != "" {
		return false
	}
	ip := net.ParseIP(at.Hostname())
	return at.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// target is the MicroVM of a command: one that exists, or a new one of an image.
type target struct {
	s      *cli.Session
	client *lambdamicrovms.Client

	id    string                          // of a MicroVM that exists
	input *lambdamicrovms.RunMicroVMInput // of a new one
	keep  bool                            // leave it running
	quiet bool

	warning sync.Once // what may keep running, and how to end it
	release func()    // of what is called if a signal ends the program
}

// newTarget returns a new MicroVM of an image.
func newTarget(ctx context.Context, s *cli.Session, image string) (*target, error) {
	t := &target{s: s}
	var err error
	if t.input, err = runInput(s, image); err != nil { // before anything is sent
		return nil, err
	}
	if t.client, err = s.Client(ctx); err != nil {
		return nil, err
	}
	arn, err := imageOfWord(ctx, s, t.client, image)
	t.input.ImageIdentifier = &arn
	return t, err
}

// findTarget returns the MicroVM that a word names, or a new one of the image that it
// names.
func findTarget(ctx context.Context, s *cli.Session, word string) (*target, error) {
	if !microvmid.Valid(word) {
		return newTarget(ctx, s, word)
	}
	ofNew := []string{keepOption, "cli-input-json", "cli-input-yaml"}
	for _, m := range runMicroVMOperation().Input.Members {
		ofNew = append(ofNew, m.Option)
	}
	for _, name := range ofNew {
		if s.Args.Has(name) {
			return nil, fault.Parameter(name, "it is for new MicroVMs, and %s exists", word)
		}
	}
	client, err := s.Client(ctx)
	return &target{s: s, client: client, id: word}, err
}

// with starts the MicroVM, or attaches to it, uses it, and ends it if it is not kept.
func (t *target) with(ctx context.Context, use func(context.Context, *session.Session) error, configure ...func(*session.Options)) error {
	opened, err := t.open(ctx, configure...)
	if err != nil {
		return err
	}
	defer t.onInterrupt(ctx, opened)()
	return t.close(ctx, opened, use(ctx, opened))
}

// open starts the MicroVM, or attaches to it. The caller must call close.
func (t *target) open(ctx context.Context, configure ...func(*session.Options)) (*session.Session, error) {
	follow, err := sessionOptions(ctx, t.s, t.client)
	if err != nil {
		return nil, err
	}
	configure = append([]func(*session.Options){follow}, configure...)
	if t.id != "" {
		opened, err := session.Attach(ctx, t.client, t.id, configure...)
		return opened, sessionError(ctx, t.s, err)
	}
	watched := &watchedClient{Client: t.client, t: t}
	t.release = t.s.OnKill(watched.killed)
	stop := context.AfterFunc(ctx, watched.interrupted)
	defer stop()
	opened, err := session.Run(ctx, watched, t.input, append(configure, func(o *session.Options) { o.TerminateOnClose = !t.keep })...)
	if err != nil {
		t.release()
		return nil, startError(ctx, t.s, err)
	}
	t.tell("%s is running.", opened.ID())
	return opened, nil
}

// close ends the session, and says what is left running.
func (t *target) close(ctx context.Context, opened *session.Session, err error) error {
	if t.id != "" {
		_ = opened.Close() // does nothing in AWS
		return err
	}
	defer t.release()
	if t.keep {
		_ = opened.Close()
		t.tell("It keeps running. End it with:\n  %s", endCommand(t.s, opened.ID()))
		return err
	}
	if ctx.Err() != nil {
		t.warn(opened) // before the termination is sent
	}
	if failed := opened.Close(); failed != nil {
		leftRunning(t.s, opened.ID())
		return errors.Join(err, failed)
	}
	t.tell("%s is being terminated.", opened.ID())
	return err
}

func (t *target) tell(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.s.Stderr, format+"\n", args...)
	}
}

// onInterrupt warns after a signal that the MicroVM is being terminated, because a second
// one would end this program at once and leave it running.
func (t *target) onInterrupt(ctx context.Context, opened *session.Session) (stop func() bool) {
	if t.id != "" || t.keep {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { t.warn(opened) })
}

func (t *target) warn(opened *session.Session) {
	t.warning.Do(func() { interruptedWhile(t.s, opened.ID()) })
}

// watchedClient notes the MicroVM that a session starts.
type watchedClient struct {
	*lambdamicrovms.Client
	t  *target
	id atomic.Pointer[string] // nil until a response has it
	// sent reports that a request was made, whose response may have been lost.
	sent atomic.Bool
}

// RunMicroVM implements session.RunAPI.
func (c *watchedClient) RunMicroVM(
	ctx context.Context, in *lambdamicrovms.RunMicroVMInput, optFns ...func(*lambdamicrovms.Options),
) (*lambdamicrovms.RunMicroVMOutput, error) {
	c.sent.Store(true)
	out, err := c.Client.RunMicroVM(ctx, in, optFns...)
	if out != nil && out.MicroVMId != nil {
		c.id.Store(out.MicroVMId)
	}
	return out, err
}

// interrupted says what may be running in AWS, while the session terminates it.
func (c *watchedClient) interrupted() {
	c.t.warning.Do(func() {
		if id := c.id.Load(); id != nil {
			interruptedWhile(c.t.s, *id)
			return
		}
		fmt.Fprintf(c.t.s.Stderr, "\nIf a MicroVM was started, it is being terminated. If this program ends before, as at another Ctrl-C, look for it, and end it, with:\n  %s\n  %s\n",
			commandLine(c.t.s, "ps"), endCommand(c.t.s, "ID"))
	})
}

// killed says what may keep running when a signal ends the program before the MicroVM is
// terminated, unless interrupted has said so.
func (c *watchedClient) killed() {
	if !c.sent.Load() {
		return
	}
	c.t.warning.Do(func() {
		fmt.Fprintln(c.t.s.Stderr) // the signal can come in the middle of a line
		if id := c.id.Load(); id != nil {
			leftRunning(c.t.s, *id)
			return
		}
		mayRun(c.t.s)
	})
}

func interruptedWhile(s *cli.Session, id string) {
	fmt.Fprintf(s.Stderr, "\n%s is being terminated. If this program ends before, as at another Ctrl-C, it may keep running; then end it with:\n  %s\n", id, endCommand(s, id))
}

func leftRunning(s *cli.Session, id string) {
	fmt.Fprintf(s.Stderr, "%s may still be running. End it with:\n  %s\n", id, endCommand(s, id))
}

func mayRun(s *cli.Session) {
	fmt.Fprintf(s.Stderr, "A MicroVM may be running. Look for it, and end it, with:\n  %s\n  %s\n", commandLine(s, "ps"), endCommand(s, "ID"))
}

// startError is the error of a MicroVM that did not start.
func startError(ctx context.Context, s *cli.Session, err error) error {
	var failed *session.StartError
	switch {
	case !errors.As(err, &failed):
	case failed.CleanupErr != nil && failed.MicroVMID != "":
		leftRunning(s, failed.MicroVMID)
	case failed.CleanupErr != nil:
		mayRun(s)
	case ctx.Err() != nil:
		fmt.Fprintf(s.Stderr, "%s is being terminated.\n", failed.MicroVMID)
	}
	return sessionError(ctx, s, err)
}

// sessionError is the error of a session with its exit code.
func sessionError(ctx context.Context, s *cli.Session, err error) error {
	var started *session.StartError
	var state *session.StateError
	var proxy *session.ProxyError
	var call *smithy.OperationError
	switch {
	case err == nil || ctx.Err() != nil:
		return s.CallError(ctx, err)
	case errors.As(err, &started) && started.State != "", errors.As(err, &state), errors.As(err, &proxy), !errors.As(err, &call):
		var b strings.Builder
		b.WriteString(withoutPackage(err))
		if started != nil {
			writeLines(&b, started.LogGroup, started.Lines)
		}
		return &fault.Error{Exit: fault.ExitGeneral, Message: b.String(), Err: err}
	}
	return s.CallError(ctx, err)
}

// withoutPackage is the message of an error without the URL and the package in front.
func withoutPackage(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return strings.TrimPrefix(err.Error(), "session: ")
}
