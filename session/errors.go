package session

import (
	"errors"
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// ErrClosed is the error of requests, tokens and resumes that are asked of a session after its Close.
var ErrClosed = errors.New("session: closed")

// StartError reports that Run has no MicroVM to give: what it had started did not come up, or was not seen to.
// It has been terminated, unless CleanupErr says why not.
type StartError struct {
	// MicroVMID is empty when the answer to RunMicroVM was lost and there was no learning it.
	MicroVMID string
	// State is the last state seen, and Reason the service's for it.
	State  types.MicroVMState
	Reason string
	// Err is what ended the start: a *lambdamicrovms.WaiterFailureError when the MicroVM ended by itself, a
	// *lambdamicrovms.WaiterTimeoutError after Options.MaxWait, or the error of a call.
	Err error
	// CleanupErr is not nil if a MicroVM may be left running; it is a *TerminateError once MicroVMID is known.
	CleanupErr error
}

func (e *StartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: %s did not start", or(e.MicroVMID, "a MicroVM"))
	writeCause(&b, e.State, e.Reason, e.Err)
	if e.CleanupErr != nil {
		fmt.Fprintf(&b, "; it may be left running: %v", e.CleanupErr)
	}
	return b.String()
}

// Unwrap returns Err and CleanupErr, if there is one.
func (e *StartError) Unwrap() []error {
	if e.CleanupErr == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.CleanupErr}
}

// StateError reports that a MicroVM is in no state for what was asked for.
type StateError struct {
	// Action is "attach to", "suspend" or "resume".
	Action    string
	MicroVMID string
	// State is the last state seen, and Reason the service's for it.
	State  types.MicroVMState
	Reason string
	// Err is the error of the waiter, nil if the state alone is the matter.
	Err error
}

func (e *StateError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: cannot %s %s", e.Action, e.MicroVMID)
	writeCause(&b, e.State, e.Reason, e.Err)
	return b.String()
}

func (e *StateError) Unwrap() error { return e.Err }

// writeCause leaves out the error of a waiter that says no more than state and reason do.
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

// TerminateError reports that a MicroVM could not be terminated and may be left running.
type TerminateError struct {
	MicroVMID string
	Err       error
}

func (e *TerminateError) Error() string {
	return fmt.Sprintf("session: cannot terminate %s: %v", e.MicroVMID, e.Err)
}

func (e *TerminateError) Unwrap() error { return e.Err }

// HostError reports a request that is not for the session's MicroVM. It was not sent.
type HostError struct {
	Host string // that of the request
	Want string // the session's
}

func (e *HostError) Error() string {
	return fmt.Sprintf("session: the request is for %s, this session is with %s only", e.Host, e.Want)
}

// A Kind is why the proxy in front of a MicroVM did not let a request through.
type Kind string

// The kinds of refusals. The first three are answered with 403, the others with 502.
const (
	KindMissingAuth      Kind = "missing authentication" // the token did not arrive, or is malformed
	KindWrongToken       Kind = "authentication failed"  // the token is another MicroVM's, or has expired
	KindPortDenied       Kind = "port denied"            // the token does not open the port
	KindNothingListening Kind = "nothing listening"      // the MicroVM runs, and nothing listens on the port
	KindStarting         Kind = "starting"               // the MicroVM does not run yet
	KindSuspended        Kind = "suspended"              // or about to be
	KindTerminated       Kind = "terminated"             // or about to be
	KindUnreachable      Kind = "unreachable"            // the state, which tells why, is new or could not be read
)

// ProxyError reports that the proxy in front of a MicroVM refused a request. The application has not seen it,
// except where a MicroVM stopped in the middle of it.
type ProxyError struct {
	// Status is that of the answer, 403 or 502.
	Status int
	Kind   Kind

	MicroVMID string
	Port      int

	// State is what the MicroVM was found in after a 502, and Reason the service's for it.
	State  types.MicroVMState
	Reason string

	// Resumed tells that the MicroVM runs again, by Options.ResumeOnDemand, but the request was not sent again
	// since that might not be safe.
	Resumed bool

	// Err is why the state could not be read, or the MicroVM not be resumed.
	Err error
}

func (e *ProxyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "session: the proxy of %s answered %d for port %d: ", e.MicroVMID, e.Status, e.Port)
	switch e.Kind {
	case KindPortDenied:
		b.WriteString("the token does not open this port, see Options.AllowedPorts")
	case KindNothingListening:
		b.WriteString("nothing listens on this port")
	case KindMissingAuth, KindWrongToken:
		b.WriteString(string(e.Kind))
	default:
		fmt.Fprintf(&b, "the MicroVM is %s", or(string(e.State), string(e.Kind)))
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Resumed {
		b.WriteString("; it was resumed, but to send the request again might not be safe")
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *ProxyError) Unwrap() error { return e.Err }
