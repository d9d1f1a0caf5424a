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
