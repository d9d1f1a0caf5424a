package fake

import (
	"math/rand/v2"
	"slices"
)

// An Effect is what goes wrong. The effects are types of this package: [FailBuild].
type Effect interface{ effect() }

// FailBuild makes the builds of a version fail, and with them the version and the create or update that
// began it.
type FailBuild struct {
	// Reason is what the builds tell; the default is ReasonContainerBuild.
	Reason string
	// Generations are the chipset generations whose builds fail: "4", "3". The default is both.
	Generations []string
}

func (FailBuild) effect() {}

// A Condition says on which occasions a fault has its effect. The conditions of a fault are asked in their
// order until one does not hold, so that one that counts sees those only that the ones before let pass.
type Condition func(Occasion) bool

// An Occasion is a call in which something may go wrong.
type Occasion struct {
	Operation Operation
	Image     string // name of the image that the call is about, if it is about one
	MicroVM   string // id of the MicroVM that the call is about, if it is about one
}

// On holds for the operations given.
func On(operations ...Operation) Condition {
	return func(o Occasion) bool { return slices.Contains(operations, o.Operation) }
}

// Image holds for calls about the images with the names given.
func Image(names ...string) Condition {
	return func(o Occasion) bool { return slices.Contains(names, o.Image) }
}

// Nth holds for the occasions with the numbers given, counted from one.
func Nth(numbers ...int) Condition {
	count := 0
	return func(Occasion) bool {
		count++
		return slices.Contains(numbers, count)
	}
}

// First holds for the first n occasions.
func First(n int) Condition {
	count := 0
	return func(Occasion) bool {
		count++
		return count <= n
	}
}

// Chance holds with a probability between 0 and 1; the same seed gives the same sequence.
func Chance(probability float64, seed uint64) Condition {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(Occasion) bool { return random.Float64() < probability }
}

type scheduled struct {
	effect     Effect
	conditions []Condition
}

type fault struct{ scheduled }

// Inject makes things go wrong from now on: whenever all conditions hold, or always if there are none. Of
// several faults that fit, the one injected first has its effect. Remove ends it. A Condition counts for
// one fault; it must not be given to two.
func (s *Server) Inject(effect Effect, conditions ...Condition) (remove func()) {
	f := &fault{scheduled{effect, slices.Clone(conditions)}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(other *fault) bool { return other == f })
	}
}

func (f *fault) holds(o Occasion) bool {
	for _, condition := range f.conditions {
		if !condition(o) {
			return false
		}
	}
	return true
}

// buildFault returns how the builds that a call begins fail. The caller has the lock.
func (s *Server) buildFault(c *call, image string) (FailBuild, bool) {
	for _, f := range s.faults {
		if broken, ok := f.effect.(FailBuild); ok && f.holds(Occasion{Operation: c.operation, Image: image}) {
			if broken.Reason == "" {
				broken.Reason = ReasonContainerBuild
			}
			return broken, true
		}
	}
	return FailBuild{}, false
}
