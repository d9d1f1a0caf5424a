package fake

import "slices"

// buildEffect is what can happen to the builds of a version.
type buildEffect interface {
	Effect
	spoil(v *version)
}

// FailBuild makes the builds of a version fail, and with them the version and the create or update that
// began it.
type FailBuild struct {
	// Reason is what the builds tell; the default is ReasonContainerBuild.
	Reason string
	// Generations are the chipset generations whose builds fail: "4", "3". The default is both.
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

// StuckBuild keeps the builds of a version PENDING for good. Its image stays CREATING or UPDATING, and can be
// neither updated nor deleted.
type StuckBuild struct{}

func (StuckBuild) effect() {}

func (StuckBuild) spoil(v *version) { v.stick() }

// ReasonSuspendHook is the reason of a MicroVM that has ended because its suspend hook failed, as the
// service words it.
const ReasonSuspendHook = "Suspend lifecycle hook returned HTTP status 500. " +
	"Please check your hook endpoint and application logs for more details."

// FailStart makes MicroVMs end before they are RUNNING.
type FailStart struct {
	// Reason is what the MicroVM tells. None is on record; the default says that it comes from this package.
	Reason string
}

// FailSuspend makes a MicroVM that is suspended by a call end in place of being SUSPENDED.
type FailSuspend struct {
	// Reason is what the MicroVM tells; the default is ReasonSuspendHook.
	Reason string
}

func (FailStart) effect()   {}
func (FailSuspend) effect() {}

// startFault returns how the start of a MicroVM fails. The caller has the lock.
func (c *call) startFault() (FailStart, bool) {
	broken, ok := pick[FailStart](c)
	if broken.Reason == "" {
		broken.Reason = "fake: the start was made to fail"
	}
	return broken, ok
}

// suspendFault returns how a suspend fails. The caller has the lock.
func (c *call) suspendFault() (FailSuspend, bool) {
	broken, ok := pick[FailSuspend](c)
	if broken.Reason == "" {
		broken.Reason = ReasonSuspendHook
	}
	return broken, ok
}
