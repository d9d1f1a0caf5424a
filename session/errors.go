package session

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

// ErrClosed is returned by methods that need a token or a resume after Session.Close.
var ErrClosed = errors.New("session: closed")

// StartError reports that Run could not start a MicroVM, or could not confirm that it is
// RUNNING. Run has terminated it, unless CleanupErr is set.
type StartError struct {
	// MicroVMID is empty if the response to RunMicroVM was lost and the id could not be
	// determined.
	MicroVMID string
	// State is the last state seen, and Reason is the service's reason for it.
	State  types.MicroVMState
	Reason string
	// Err is the cause: a *lambdamicrovms.WaiterFailureError if the MicroVM ended on its
	// own, a *lambdamicrovms.WaiterTimeoutError after Options.MaxWait, or the error of a
	// call.
	Err error
	// CleanupErr is set if a MicroVM may still be running. It is a *TerminateError if
	// MicroVMID is known.
	CleanupErr error

	// LogGroup is the log group in CloudWatch Logs of the MicroVM. It is empty if logging
	// is disabled or the MicroVM is unknown. Nobody has measured whether a MicroVM without
	// an execution role writes to it.
	LogGroup string
	// Lines are the last lines of its output, oldest first, if Options.LogReader is set.
	// Each has at most 2 KiB, without control characters and secrets of the input. The
	// very last lines may be missing, because nobody has measured how long it takes until
	// they can be read.
	Lines []logs.Line
	// LinesErr is the error of reading Lines, such as a *logs.NotFoundError. It says
	// nothing about the start, so errors.As does not find it.
	LinesErr error
}

func (e *StartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: %s did not start", cmp.Or(e.MicroVMID, "a MicroVM"))
	writeCause(&b, e.State, e.Reason, e.Err)
	if e.CleanupErr != nil {
		fmt.Fprintf(&b, "; it may still be running: %v", e.CleanupErr)
	}
	if e.LogGroup != "" {
		b.WriteString("; log group " + e.LogGroup)
	}
	if e.LinesErr != nil {
		fmt.Fprintf(&b, ", which could not be read: %v", e.LinesErr)
	}
	return b.String()
}

// Unwrap returns Err and, if set, CleanupErr.
func (e *StartError) Unwrap() []error {
	if e.CleanupErr == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.CleanupErr}
}

// StateError reports that a MicroVM is in the wrong state for an action.
type StateError struct {
	// Action is "attach to", "suspend" or "resume".
	Action    string
	MicroVMID string
	// State is the last state seen, and Reason is the service's reason for it.
	State  types.MicroVMState
	Reason string
	// Err is the error of the waiter, or nil if the state itself is the problem.
	Err error
}

func (e *StateError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: cannot %s %s", e.Action, e.MicroVMID)
	writeCause(&b, e.State, e.Reason, e.Err)
	return b.String()
}

func (e *StateError) Unwrap() error { return e.Err }

// writeCause writes state, reason and error. It omits a
// *lambdamicrovms.WaiterFailureError, which would repeat the state and the reason.
func writeCause(b *strings.Builder, state types.MicroVMState, reason string, err error) {
	if state != "" {
		fmt.Fprintf(b, ": it is %s", state)
	}
	if reason != "" {
		fmt.Fprintf(b, ": %s", reason)
	}
	var failed *lambdamicrovms.WaiterFailureError
	if err != nil && (state == "" || !errors.As(err, &failed)) {
		fmt.Fprintf(b, ": %v", err)
	}
}

// TerminateError reports that a MicroVM could not be terminated and may still be running.
type TerminateError struct {
	MicroVMID string
	Err       error
}

func (e *TerminateError) Error() string {
	return fmt.Sprintf("session: cannot terminate %s: %v", e.MicroVMID, e.Err)
}

func (e *TerminateError) Unwrap() error { return e.Err }

// HostError reports a request for a host other than the session's. It was not sent.
type HostError struct {
	Host string // the host of the request
	Want string // the host of the session
}

func (e *HostError) Error() string {
	return fmt.Sprintf("session: the request is for host %s, but this session sends only to %s", redact.Clean(e.Host, maxName), e.Want)
}

// maxName limits how much of a name from a request goes into an error.
const maxName = 256

// Kind is the reason why the proxy in front of a MicroVM rejected a request.
type Kind string

// The kinds of rejections. The status is 403 for the first three and 502 for the others.
const (
	KindMissingAuth      Kind = "missing authentication" // the token is missing or malformed
	KindWrongToken       Kind = "authentication failed"  // the token is for another MicroVM, or has expired
	KindPortDenied       Kind = "port denied"            // the token does not open the port
	KindNothingListening Kind = "nothing listening"      // the MicroVM is RUNNING, but nothing listens on the port
	KindStarting         Kind = "starting"               // the MicroVM is PENDING
	KindSuspended        Kind = "suspended"              // the MicroVM is SUSPENDING or SUSPENDED
	KindTerminated       Kind = "terminated"             // the MicroVM is TERMINATING or TERMINATED
	KindUnreachable      Kind = "unreachable"            // the state is unknown to this module or could not be read
)

// ProxyError reports that the proxy in front of a MicroVM rejected a request. The
// application has not seen the request, unless the MicroVM stopped while handling it.
type ProxyError struct {
	// Status is the status of the response, 403 or 502.
	Status int
	Kind   Kind

	MicroVMID string
	Port      int

	// State is the state of the MicroVM after a 502, and Reason is the service's reason
	// for it.
	State  types.MicroVMState
	Reason string

	// Resumed is true if Options.ResumeOnDemand has resumed the MicroVM, but the request
	// was not sent again because it is not safe to repeat.
	Resumed bool

	// Err is the error of reading the state or of resuming the MicroVM.
	Err error
}

func (e *ProxyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: the proxy of %s returned %d for port %d: ", e.MicroVMID, e.Status, e.Port)
	switch e.Kind {
	case KindPortDenied:
		b.WriteString("the token does not open this port, see Options.AllowedPorts")
	case KindNothingListening:
		b.WriteString("nothing listens on this port")
	case KindMissingAuth, KindWrongToken:
		b.WriteString(string(e.Kind))
	default:
		fmt.Fprintf(&b, "the MicroVM is %s", cmp.Or(string(e.State), string(e.Kind)))
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Resumed {
		b.WriteString("; it was resumed, but the request is not safe to send again")
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *ProxyError) Unwrap() error { return e.Err }
