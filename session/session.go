package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Session is one MicroVM and the way to it. It is an [http.RoundTripper] for requests to it. It is made by Run
// and Attach, is safe for concurrent use, and must be closed.
type Session struct {
	api      API
	id       string
	endpoint *url.URL // of the MicroVM
	address  *url.URL // to connect to: the endpoint or Options.BaseEndpoint
	options  *Options
	clock    lambdamicrovms.Clock
	// values is a context that never ends, with what was in that of Run or Attach.
	values context.Context
	// secrets are those of the input, which reasons and errors can repeat.
	secrets *redact.Secrets

	transport http.RoundTripper
	own       *http.Transport // the transport, if nobody else has it
	tokens    *tokenCache
	resumes   single[struct{}]

	closing    sync.Mutex
	terminated bool
}

// Run starts a MicroVM, waits until it is RUNNING, and returns a session that terminates it when it is closed. What
// RunMicroVM refuses is returned as the client's error; after that the error is a *StartError.
//
// With a ClientToken that was used before the service gives the MicroVM of then, and Run treats it as a new one:
// it resumes it if it is suspended, and terminates it if that fails. Leave the token nil.
func Run(ctx context.Context, api RunAPI, input *lambdamicrovms.RunMicroVMInput, optFns ...func(*Options)) (_ *Session, err error) {
	options, err := newOptions(api, true, optFns)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := newSession(ctx, api, options)
	if input != nil {
		s.secrets = redact.Of(input)
	}
	defer func() { err = s.secrets.Error(err) }()
	started, err := s.start(ctx, api, input)
	if err != nil {
		return nil, err
	}
	running, err := s.awaken(ctx, started.State, startLead)
	if err == nil {
		err = s.locate(running.Endpoint)
	}
	if err != nil {
		return nil, s.abandon(ctx, running, err)
	}
	return s, nil
}

// Attach returns a session with a MicroVM that exists, waiting for it if it is just starting; it may be suspended.
// Unless Options.TerminateOnClose is set, the MicroVM stays when the session is closed. If it has ended the
// error is a *StateError.
func Attach(ctx context.Context, api API, microVMID string, optFns ...func(*Options)) (*Session, error) {
	options, err := newOptions(api, false, optFns)
	if err != nil {
		return nil, err
	}
	s := newSession(ctx, api, options)
	s.setID(microVMID)
	found, err := s.Describe(ctx)
	if err != nil {
		return nil, err
	}
	if found.State == types.MicroVMStatePending {
		found, err = s.awaken(ctx, found.State, 0)
	}
	if err != nil || ends(found.State) {
		return nil, s.stateError(ctx, "attach to", found, err)
	}
	if err := s.locate(found.Endpoint); err != nil {
		return nil, err
	}
	return s, nil
}

func newSession(ctx context.Context, api API, options *Options) *Session {
	s := &Session{
		api:       api,
		options:   options,
		clock:     clockOr(options.Clock),
		values:    context.WithoutCancel(ctx),
		transport: options.Transport,
	}
	if s.transport == nil {
		s.transport = http.DefaultTransport
		if standard, ok := http.DefaultTransport.(*http.Transport); ok {
			s.own = standard.Clone()
			s.transport = s.own
		}
	}
	s.tokens = &tokenCache{
		api:      api,
		allowed:  options.AllowedPorts,
		lifetime: options.TokenLifetime,
		clock:    s.clock,
		slots:    make(map[int]*tokenSlot),
	}
	return s
}

func (s *Session) setID(id string) { s.id, s.tokens.id = id, id }

// locate takes an endpoint as the service gives it, which is a host without a scheme.
func (s *Session) locate(endpoint *string) error {
	text := deref(endpoint)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	at, ok := parseEndpoint(text)
	if !ok {
		return workflow.Incomplete("GetMicroVM", "endpoint")
	}
	s.endpoint, s.address = at, at
	if s.options.BaseEndpoint != "" {
		s.address, _ = parseEndpoint(s.options.BaseEndpoint)
	}
	return nil
}

// start starts a MicroVM. If it is in doubt which one, or whether, start learns that by the
// client token, and terminates it.
func (s *Session) start(ctx context.Context, api RunAPI, input *lambdamicrovms.RunMicroVMInput) (*lambdamicrovms.RunMicroVMOutput, error) {
	var params lambdamicrovms.RunMicroVMInput
	if input != nil {
		params = *input
	}
	if params.ClientToken == nil {
		var err error
		if params.ClientToken, err = clienttoken.New(api); err != nil {
			return nil, err
		}
	}
	started, err := api.RunMicroVM(ctx, &params)
	var uncertain *lambdamicrovms.UncertainError
	switch id := runID(started); {
	case id != "" && err == nil:
		s.setID(id)
		return started, nil
	case id != "": // beside an error, as middleware can return it
		return nil, s.discard(started, err)
	case err == nil:
		return nil, s.disown(api, &params, workflow.Incomplete("RunMicroVM", "microvmId"))
	case errors.As(err, &uncertain):
		if uncertain.ClientToken != "" {
			params.ClientToken = &uncertain.ClientToken
		}
		return nil, s.disown(api, &params, err)
	}
	return nil, err
}

// disown terminates what a call has started whose response was lost. The same call with the
// same token returns the same MicroVM; it starts none if the lost call did.
func (s *Session) disown(api RunAPI, params *lambdamicrovms.RunMicroVMInput, lost error) error {
	ctx, cancel := context.WithTimeout(s.values, s.options.CloseTimeout)
	defer cancel()
	var started *lambdamicrovms.RunMicroVMOutput
	err := persist(ctx, s.clock, s.options.CloseTimeout, func(ctx context.Context) (err error) {
		started, err = api.RunMicroVM(ctx, params)
		switch {
		case runID(started) != "":
			return nil
		case err == nil:
			return workflow.Incomplete("RunMicroVM", "microvmId")
		}
		return err
	})
	if err != nil {
		return &StartError{Err: lost, CleanupErr: err}
	}
	return s.discard(started, lost)
}

// discard terminates a MicroVM that Run does not return.
func (s *Session) discard(started *lambdamicrovms.RunMicroVMOutput, err error) error {
	s.setID(runID(started))
	return &StartError{MicroVMID: s.id, State: started.State, Err: err, CleanupErr: s.terminate()}
}

// abandon terminates a MicroVM that did not start.
func (s *Session) abandon(ctx context.Context, last *lambdamicrovms.GetMicroVMOutput, err error) error {
	failed := &StartError{MicroVMID: s.id, Err: err}
	failed.State, failed.Reason = s.fate(ctx, last)
	if failed.State != types.MicroVMStateTerminated {
		failed.CleanupErr = s.terminate()
	}
	return failed
}

// runID returns the id in a response to RunMicroVM, "" without one.
func runID(out *lambdamicrovms.RunMicroVMOutput) string {
	if out == nil {
		return ""
	}
	return deref(out.MicroVMId)
}

// ID is the id of the MicroVM.
func (s *Session) ID() string { return s.id }

// Close ends the session and, if Run began it or Options.TerminateOnClose is set, asks for the end of the MicroVM,
// which takes some 3 seconds more: see Wait. It does so also when the context of Run has ended. If that fails
// the error is a *TerminateError, and another Close tries again; otherwise another Close does nothing.
func (s *Session) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	ctx, cancel := context.WithTimeout(s.values, s.options.CloseTimeout)
	defer cancel()
	s.tokens.stop(ctx)
	s.resumes.stop(ctx)
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	if s.terminated || !s.options.TerminateOnClose {
		return nil
	}
	if err := s.terminate(); err != nil {
		return err
	}
	s.terminated = true
	return nil
}

// terminate asks for the end of the MicroVM, whatever has become of the context.
func (s *Session) terminate() error {
	ctx, cancel := context.WithTimeout(s.values, s.options.CloseTimeout)
	defer cancel()
	return terminate(ctx, s.api, s.id, s.clock, s.options.CloseTimeout)
}

// URL returns the URL at which the session's client has a port of the MicroVM, without a slash at its end. Zero is
// for Options.Port. Other clients can make no use of it: the service has one port, and reads the other from a header.
func (s *Session) URL(port int) string {
	if port == 0 {
		return s.endpoint.String()
	}
	return s.endpoint.Scheme + "://" + net.JoinHostPort(s.endpoint.Hostname(), strconv.Itoa(port))
}

// Format prints the MicroVM and no secrets.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.text()) }

// LogValue is what Format prints.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.text()) }

func (s *Session) text() string {
	if s == nil {
		return "session.Session(nil)"
	}
	return "session.Session{" + s.id + ", tokens: [REDACTED]}"
}
