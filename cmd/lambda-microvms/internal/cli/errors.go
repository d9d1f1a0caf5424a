package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// errInterrupted ends a command after a signal.
var errInterrupted = &fault.Error{Exit: fault.ExitInterrupted}

// Interrupted reports whether a signal, such as Ctrl-C, has ended the command.
func Interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errInterrupted) }

// ErrNoCredentials is a cause of the error of CallError if no credentials were found.
var ErrNoCredentials = errors.New("no credentials")

func (s *Session) configError(err error) error {
	var profile config.SharedConfigProfileNotExistError
	if errors.As(err, &profile) {
		return fault.General("The config profile (%s) could not be found", profile.Profile)
	}
	if partial := s.settings.partialCredentials(); partial != nil {
		return partial
	}
	return fault.Configuration("Configuration", "%s", err)
}

// CallError returns the error of a call to AWS with its exit code and message.
func (s *Session) CallError(ctx context.Context, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case Interrupted(ctx):
		return errInterrupted
	}
	var credentials *credentialsError
	if errors.As(err, &credentials) {
		return credentialsFault(credentials)
	}
	var failed smithy.APIError
	if errors.As(err, &failed) {
		return serviceFault(err, failed)
	}
	return s.connectionFault(ctx, err)
}

// WorkflowError returns the error of a call that was part of a workflow. message says
// which step failed; it replaces the text of err where CallError has no better one.
func (s *Session) WorkflowError(ctx context.Context, err error, message string) error {
	e := fault.Of(s.CallError(ctx, err))
	if e.Message == err.Error() {
		e.Message = message
	}
	return e
}

func credentialsFault(err *credentialsError) error {
	var token *ssocreds.InvalidTokenError
	var process *processError
	message := "Error when retrieving credentials: " + err.Error()
	switch {
	case strings.Contains(err.Error(), "no EC2 IMDS role found"): // the last source of the chain
		e := fault.Configuration("NoCredentials", `Unable to locate credentials. You can configure credentials by running "aws login".`)
		e.Err = fmt.Errorf("%w: %w", ErrNoCredentials, err)
		return e
	case errors.As(err, &token), strings.Contains(err.Error(), "cached SSO token is expired"): // with and without sso_session
		message = "Error when retrieving token from sso: Token has expired and refresh failed"
	case errors.As(err, &process):
		message = "Error when retrieving credentials from custom-process: " + process.Error()
	}
	return &fault.Error{Exit: fault.ExitGeneral, Message: message, Err: err}
}

func serviceFault(err error, failed smithy.APIError) error {
	e := &fault.Error{Exit: fault.ExitService, Code: failed.ErrorCode(), Message: failed.ErrorMessage(), Operation: "unknown", Err: err}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		e.Operation = operation.OperationName
	}
	var attempts *retry.MaxAttemptsError
	if errors.As(err, &attempts) {
		e.Retries = attempts.Attempt - 1
	}
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		nameGateway(e, response.HTTPStatusCode())
	}
	e.Details = api.Details(err)
	return e
}

// nameGateway gives an error that is no document of the service, such as the page of a
// gateway, the code of the AWS CLI: its status.
func nameGateway(e *fault.Error, status int) {
	text := http.StatusText(status)
	if e.Message == strconv.Itoa(status)+" "+text {
		e.Code, e.Message = strconv.Itoa(status), text
	}
}

// connectionFault names the endpoint of a request that had no response.
func (s *Session) connectionFault(ctx context.Context, err error) error {
	e := &fault.Error{Exit: fault.ExitGeneral, Err: err, Message: err.Error()}
	var operation *smithy.OperationError
	if errors.As(err, &operation) && operation.ServiceID != lambdamicrovms.ServiceID {
		return e // another service has another endpoint
	}
	var authority x509.UnknownAuthorityError
	var timeout net.Error
	var dial *net.OpError
	var connected bool
	if errors.As(err, &dial) {
		connected = dial.Op != "dial"
	}
	endpoint, _ := s.Endpoint(ctx)
	switch {
	case errors.As(err, &authority):
		e.Message = "SSL validation failed for " + endpoint + " " + authority.Error()
	case errors.As(err, &timeout) && timeout.Timeout() && dial != nil && !connected:
		e.Message = `Connect timeout on endpoint URL: "` + endpoint + `"`
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Message = `Read timeout on endpoint URL: "` + endpoint + `"`
	case dial != nil && !connected:
		e.Message = `Could not connect to the endpoint URL: "` + endpoint + `"`
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = `Connection was closed before we received a valid response from endpoint URL: "` + endpoint + `".`
	}
	return e
}

// OutputError returns err, or nil for a broken pipe: a reader that has read enough is no
// error.
func OutputError(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
