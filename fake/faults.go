package fake

import (
	"math/rand/v2"
	"slices"

	"github.com/microvm-go/lambdamicrovms"
)

// An Effect is what goes wrong. The effects are types of this package:
//
//   - builds: [FailBuild], [StuckBuild]; MicroVMs: [FailStart], [FailSuspend];
//   - calls that are refused and change nothing: [Throttle], [QuotaExceeded], [ServerError], [BadGateway],
//     [Reset], [SkewClock];
//   - answers of calls that have done their work: [Slow], [Hang], [CutBody], [MalformedJSON], [LoseAnswer];
//   - lists: [EmptyPages].
type Effect interface{ effect() }

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
// several faults that break a build, refuse a call or empty a page, the one injected first has its effect; an
// answer suffers from all that hold. Remove ends it. A Condition counts for one fault; it must not be given
// to two.
func (s *Server) Inject(effect Effect, conditions ...Condition) (remove func()) {
	f := &fault{scheduled{effect, slices.Clone(conditions)}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	s.faulty.Store(true)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(other *fault) bool { return other == f })
		s.faulty.Store(len(s.faults) > 0)
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

// occasion is what conditions see of a call. The caller has the server's lock.
func (c *call) occasion() Occasion {
	o := Occasion{Operation: c.operation, MicroVM: c.labels.get("microvmIdentifier")}
	arn := c.labels.get("imageIdentifier")
	switch in := c.input.(type) {
	case *lambdamicrovms.CreateMicroVMImageInput:
		o.Image = or(in.Name)
		return o
	case *lambdamicrovms.RunMicroVMInput:
		arn = or(in.ImageIdentifier)
	case *lambdamicrovms.ListMicroVMsInput:
		arn = or(in.ImageIdentifier)
	case *lambdamicrovms.TagResourceInput, *lambdamicrovms.UntagResourceInput, *lambdamicrovms.ListTagsInput:
		arn = c.labels.get("Resource")
	}
	if name, _, ok := parseImageARN(arn); ok {
		o.Image = name.name
	} else if o.MicroVM != "" {
		o.Image = c.server.world(c.scope).imageOf(o.MicroVM)
	}
	return o
}

// pick returns the first effect of a kind that befalls the call. The caller has the server's lock.
func pick[E Effect](c *call) (effect E, found bool) {
	for _, f := range c.server.faults {
		if e, ok := f.effect.(E); ok && f.holds(c.occasion()) {
			c.struck = append(c.struck, e)
			return e, true
		}
	}
	return effect, false
}

// strike lets faults refuse the call, or else notes what befalls its answer.
func (c *call) strike() error {
	s := c.server
	if !s.faulty.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := c.occasion()
	for _, f := range s.faults {
		if r, ok := f.effect.(refusal); ok && f.holds(o) {
			c.struck = append(c.struck, r)
			if err := r.refuse(c); err != nil {
				return err
			}
		}
	}
	for _, f := range s.faults {
		if d, ok := f.effect.(damage); ok && f.holds(o) {
			c.struck = append(c.struck, d)
			c.damages = append(c.damages, d)
		}
	}
	return nil
}
