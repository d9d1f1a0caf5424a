package fake

import (
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
)

// An Effect is the effect of a fault. The effects are types of this package:
//
//   - builds: [FailBuild], [StuckBuild]; MicroVMs: [FailStart], [FailSuspend];
//   - calls that fail without a change: [Throttle], [QuotaExceeded], [ServerError],
//     [BadGateway], [Reset], [SkewClock];
//   - responses of calls that have made their change: [Slow], [Hang], [CutBody],
//     [MalformedJSON], [LoseAnswer];
//   - lists: [EmptyPages].
type Effect interface{ effect() }

// A Condition limits a fault to some calls. Conditions are evaluated in order until one
// is false, so that Nth and First count only what the conditions before them let through.
type Condition func(Occasion) bool

// An Occasion is a call that a fault may apply to.
type Occasion struct {
	Operation Operation
	Image     string // name of the image, if the call concerns one
	MicroVM   string // id of the MicroVM, if the call concerns one
}

// On is true for the given operations.
func On(operations ...Operation) Condition {
	return func(o Occasion) bool { return slices.Contains(operations, o.Operation) }
}

// Image is true for calls that concern an image of these names.
func Image(names ...string) Condition {
	return func(o Occasion) bool { return slices.Contains(names, o.Image) }
}

// Nth is true for the calls with these numbers, counted from 1.
func Nth(numbers ...int) Condition {
	count := 0
	return func(Occasion) bool {
		count++
		return slices.Contains(numbers, count)
	}
}

// First is true for the first n calls.
func First(n int) Condition {
	count := 0
	return func(Occasion) bool {
		count++
		return count <= n
	}
}

// Chance is true with a probability between 0 and 1. The same seed gives the same
// sequence.
func Chance(probability float64, seed uint64) Condition {
	random := rand.New(rand.NewPCG(seed, 0))
	return func(Occasion) bool { return random.Float64() < probability }
}

type fault struct {
	effect     Effect
	conditions []Condition
}

// Inject adds a fault, which applies to every call for which all conditions are true. The
// function that it returns removes the fault.
//
// If several faults apply to the same call:
//
//  1. Of those that fail a call, break a build or empty a page, only the one injected
//     first applies.
//  2. Those that concern the response all apply.
//
// Conditions that count must not be shared by two faults.
func (s *Server) Inject(effect Effect, conditions ...Condition) (remove func()) {
	f := &fault{effect, slices.Clone(conditions)}
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

// occasion returns what conditions can see of a call. The caller must hold the server's
// lock.
func (c *call) occasion() Occasion {
	o := Occasion{Operation: c.operation, MicroVM: c.labels.get("microvmIdentifier")}
	arn := c.labels.get("imageIdentifier")
	switch in := c.input.(type) {
	case *lambdamicrovms.CreateMicroVMImageInput:
		o.Image = aws.ToString(in.Name)
		return o
	case *lambdamicrovms.RunMicroVMInput:
		arn = aws.ToString(in.ImageIdentifier)
	case *lambdamicrovms.ListMicroVMsInput:
		arn = aws.ToString(in.ImageIdentifier)
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

// pick returns the first fault of a kind that applies. The caller must hold the server's
// lock.
func pick[E Effect](c *call) (effect E, found bool) {
	for _, f := range c.server.faults {
		if e, ok := f.effect.(E); ok && f.holds(c.occasion()) {
			c.struck = append(c.struck, e)
			return e, true
		}
	}
	return effect, false
}

// strike returns the error of a fault that fails the call, or records those of its
// response.
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
