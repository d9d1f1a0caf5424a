package fake

// ReasonSuspendHook is the stateReason of a MicroVM whose suspend hook failed, in the
// words of the service.
const ReasonSuspendHook = "Suspend lifecycle hook returned HTTP status 500. " +
	"Please check your hook endpoint and application logs for more details."

// FailStart terminates MicroVMs before they are RUNNING.
type FailStart struct {
	// Reason is the stateReason. None of the service is on record; the default names this
	// package.
	Reason string
}

// FailSuspend terminates MicroVMs that a call suspends.
type FailSuspend struct {
	// Reason is the stateReason. The default is ReasonSuspendHook.
	Reason string
}

func (FailStart) effect()   {}
func (FailSuspend) effect() {}

// startFault returns the fault of a start. The caller must hold the server's lock.
func (c *call) startFault() (FailStart, bool) {
	broken, ok := pick[FailStart](c)
	if broken.Reason == "" {
		broken.Reason = "fake: FailStart"
	}
	return broken, ok
}

// suspendFault returns the fault of a suspend. The caller must hold the server's lock.
func (c *call) suspendFault() (FailSuspend, bool) {
	broken, ok := pick[FailSuspend](c)
	if broken.Reason == "" {
		broken.Reason = ReasonSuspendHook
	}
	return broken, ok
}
