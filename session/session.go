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

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttoken"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Session is one MicroVM, and an [http.RoundTripper] that sends requests to it. Run and
// Attach return sessions. A Session is safe for concurrent use and must be closed.
type Session struct {
	api      API
	id       string
	endpoint *url.URL // of the MicroVM
	address  *url.URL // where to connect: the endpoint or Options.BaseEndpoint
	options  *Options
	clock    lambdamicrovms.Clock
	// values has the values of the context of Run or Attach, and never ends.
	values context.Context
	// secrets are those of the input of Run. Reasons and errors may repeat them.
	secrets  *redact.Secrets
	observer *workflow.Observer

	transport http.RoundTripper
	own       *http.Transport // the transport if this session created it, or nil
	tokens    *tokenCache
	resumes   sharedCall[struct{}]

	closing    sync.Mutex
	terminated bool
}

// Run starts a MicroVM, waits until it is RUNNING, and returns a session whose Close
// terminates it. If the service rejects RunMicroVM, the error is the client's. If a
// MicroVM may have been started, the error is a *StartError.
//
// Leave ClientToken nil. For a token that was used before, the service returns the
// earlier MicroVM. Run cannot tell it from a new one: it resumes the MicroVM if it is
// suspended, and terminates it if that fails.
func Run(ctx context.Context, api RunAPI, input *lambdamicrovms.RunMicroVMInput, optFns ...func(*Options)) (*Session, error) {
	options, err := newOptions(api, true, optFns)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var secrets *redact.Secrets
	if input != nil {
		secrets = redact.Of(input)
	}
	s := newSession(ctx, api, options, secrets)
	err = s.during(ctx, "session.Run", func(ctx context.Context) error {
		caller := s.values
		s.values = context.WithoutCancel(ctx) // so that the span of a cleanup is below that of Run
		defer func() { s.values = caller }()
		return s.run(ctx, api, input)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// run starts the MicroVM and waits until it is RUNNING.
func (s *Session) run(ctx context.Context, api RunAPI, input *lambdamicrovms.RunMicroVMInput) error {
	var started *lambdamicrovms.RunMicroVMOutput
	err := s.during(ctx, "start", func(ctx context.Context) (err error) {
		started, err = s.start(ctx, api, input)
		return err
	})
	if err != nil {
		return err
	}
	running, err := s.awaken(ctx, started.State, startLead)
	if err == nil {
		err = s.locate(running.Endpoint)
	}
	if err != nil {
		return s.abandon(ctx, running, loggingOf(input), err)
	}
	return nil
}

// Attach returns a session for an existing MicroVM. It waits for a MicroVM that is
// starting, and accepts one that is suspended. If the MicroVM has ended, the error is a
// *StateError. Close leaves the MicroVM running unless Options.TerminateOnClose is set.
func Attach(ctx context.Context, api API, microVMID string, optFns ...func(*Options)) (*Session, error) {
	options, err := newOptions(api, false, optFns)
	if err != nil {
		return nil, err
	}
	s := newSession(ctx, api, options, nil)
	s.setID(microVMID)
	if err := s.during(ctx, "session.Attach", s.attach); err != nil {
		return nil, err
	}
	return s, nil
}

// attach waits for a MicroVM that is starting.
func (s *Session) attach(ctx context.Context) error {
	found, err := s.Describe(ctx)
	if err != nil {
		return err
	}
	if found.State == types.MicroVMStatePending {
		found, err = s.awaken(ctx, found.State, 0)
	}
	if err != nil || ends(found.State) {
		return s.stateError(ctx, "attach to", found, err)
	}
	return s.locate(found.Endpoint)
}

// during runs a step in its own span, and logs it. The error has no secrets.
func (s *Session) during(ctx context.Context, name string, do func(context.Context) error) (err error) {
	ctx, step := s.observer.Begin(ctx, name, "session: "+strings.ToLower(strings.TrimPrefix(name, "session.")), slog.LevelInfo)
	defer func() {
		err = s.secrets.Error(err)
		step.Set(slog.String("microvm", s.id))
		step.End(err)
	}()
	err = workflow.ErrPanicked // until do returns
	return do(ctx)
}

func newSession(ctx context.Context, api API, options *Options, secrets *redact.Secrets) *Session {
	s := &Session{
		api:       api,
		options:   options,
		clock:     clockOr(options.Clock),
		values:    context.WithoutCancel(ctx),
		secrets:   secrets,
		transport: options.Transport,
	}
	s.observer = workflow.NewObserver(api, "session", options.Logger, s.clock)
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
		observer: s.observer,
		secrets:  secrets,
		slots:    make(map[int]*tokenSlot),
	}
	return s
}

func (s *Session) setID(id string) { s.id, s.tokens.id = id, id }

// locate stores the endpoint, which is a host without a scheme in responses.
func (s *Session) locate(endpoint *string) error {
	text := aws.ToString(endpoint)
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

// start starts a MicroVM. If no response says which MicroVM was started, or whether one
// was, start finds out with the client token, and terminates it.
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
	case id != "": // middleware can return an output together with an error
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

// disown terminates the MicroVM of a call whose response was lost. It repeats the call
// with the same token: if the lost call started a MicroVM, the service returns that one
// and does not start another.
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

// abandon terminates a MicroVM that did not reach RUNNING. logging is that of the input.
func (s *Session) abandon(ctx context.Context, last *lambdamicrovms.GetMicroVMOutput, logging types.Logging, err error) error {
	last = s.fate(ctx, last)
	failed := &StartError{MicroVMID: s.id, State: last.State, Reason: aws.ToString(last.StateReason), Err: err}
	if failed.State != types.MicroVMStateTerminated {
		failed.CleanupErr = s.terminate()
	}
	source, ok := LogSource(last, logging)
	failed.LogGroup = source.Group
	if ok && s.options.LogReader != nil {
		failed.LinesErr = s.during(ctx, "read", func(ctx context.Context) (err error) {
			failed.Lines, err = workflow.LastLines(ctx, s.options.LogReader, source, s.options.LogLines, s.secrets)
			return err
		})
	}
	return failed
}

// runID returns the id in a response to RunMicroVM, or "".
func runID(out *lambdamicrovms.RunMicroVMOutput) string {
	if out == nil {
		return ""
	}
	return aws.ToString(out.MicroVMId)
}

// ID returns the id of the MicroVM.
func (s *Session) ID() string { return s.id }

// Close ends the session. If Options.TerminateOnClose is set, as it is by default for
// Run, it also requests the termination of the MicroVM, even if the context of Run has
// ended. The MicroVM takes about 3 more seconds to terminate; see Wait.
//
// If the request fails, the error is a *TerminateError, and the next Close tries again.
// Otherwise the next Close does nothing.
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

// terminate requests the termination of the MicroVM, even if the context has ended.
func (s *Session) terminate() error {
	ctx, cancel := context.WithTimeout(s.values, s.options.CloseTimeout)
	defer cancel()
	return s.during(ctx, "terminate", func(ctx context.Context) error {
		return terminate(ctx, s.api, s.id, s.clock, s.options.CloseTimeout)
	})
}

// URL returns the URL of a port of the MicroVM for the session's client, without a
// trailing slash. Zero means Options.Port. The URL does not work with other clients: the
// service listens on one port only and reads the MicroVM's port from a header.
func (s *Session) URL(port int) string {
	if port == 0 {
		return s.endpoint.String()
	}
	return s.endpoint.Scheme + "://" + net.JoinHostPort(s.endpoint.Hostname(), strconv.Itoa(port))
}

// Format prints the id of the MicroVM and no secrets.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.text()) }

// LogValue returns the text that Format prints.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.text()) }

func (s *Session) text() string {
	if s == nil {
		return "session.Session(nil)"
	}
	return "session.Session{" + s.id + ", tokens: [REDACTED]}"
}
