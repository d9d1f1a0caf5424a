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
