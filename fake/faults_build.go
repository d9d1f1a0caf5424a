package fake

import "slices"

// buildEffect is an effect on the builds of a version.
type buildEffect interface {
	Effect
	spoil(v *version)
}

// FailBuild fails the builds of a version, and with them the version and the image: its
// state is CREATE_FAILED or UPDATE_FAILED.
type FailBuild struct {
	// Reason is the stateReason of the builds. The default is ReasonContainerBuild.
	Reason string
	// Generations are the chipset generations whose builds fail, "4" or "3". The default
	// is both.
	Generations []string
}

func (FailBuild) effect() {}

func (e FailBuild) spoil(v *version) {
	if e.Reason == "" {
		e.Reason = ReasonContainerBuild
	}
	for i := range v.builds {
		if b := &v.builds[i]; len(e.Generations) == 0 || slices.Contains(e.Generations, b.generation) {
			b.failure = ptr(e.Reason)
		}
	}
}

// StuckBuild keeps the builds of a version PENDING permanently. The image stays CREATING
// or UPDATING, and can be neither updated nor deleted.
type StuckBuild struct{}

func (StuckBuild) effect() {}

func (StuckBuild) spoil(v *version) { v.stick() }

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
