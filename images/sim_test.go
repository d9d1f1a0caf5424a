package images_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/tamper"
	"github.com/microvm-go/lambdamicrovms/types"
)

// sim runs several goroutines against one fake so that a seed decides everything: one of them runs at a time,
// up to its next request or sleep, and then the seed says who goes on. Time passes only when somebody sleeps.
type sim struct {
	rng    *rand.Rand
	srv    *fake.Server
	truth  *lambdamicrovms.Client // sees what is, without faults
	quiet  bool                   // while it looks
	parked chan *worker
	steps  int

	// oversleep is how likely a sleep is to last much longer than asked for, as it does on a computer that is
	// suspended. Builds end meanwhile, and so does the safety that a busy image gives.
	oversleep float64
	// partial is how likely a response to a worker is to lack what the service always sends.
	partial  float64
	partials int
}

func newSim(seed uint64, opts ...fake.Option) *sim {
	s := &sim{
		rng:    rand.New(rand.NewPCG(seed, 1)),
		srv:    fake.NewServer(append(opts, fake.WithSeed(seed), fake.WithCallLog(0))...),
		parked: make(chan *worker),
	}
	s.truth = s.client(s.srv)
	return s
}

// client does not sign its requests, which is none of what is tested here.
func (s *sim) client(transport lambdamicrovms.HTTPClient) *lambdamicrovms.Client {
	options := s.srv.Options()
	options.HTTPClient, options.Credentials = transport, nil
	return lambdamicrovms.New(options)
}

// sometimes is a condition for a fault that does not hit the looks at the truth.
func (s *sim) sometimes(probability float64) fake.Condition {
	return func(fake.Occasion) bool { return !s.quiet && s.rng.Float64() < probability }
}

// look keeps faults away until the function returned is called.
func (s *sim) look() (done func()) {
	before := s.quiet
	s.quiet = true
	return func() { s.quiet = before }
}

// run runs the workers to their ends.
func (s *sim) run(works ...func(*worker)) {
	var live []*worker
	var ended sync.WaitGroup
	defer ended.Wait()
	for _, work := range works {
		w := &worker{sim: s, turn: make(chan struct{}), wake: s.srv.Now()}
		live = append(live, w)
		ended.Add(1)
		go func() {
			defer ended.Done()
			<-w.turn
			work(w)
			w.done = true
			s.parked <- w
		}()
	}
	for len(live) > 0 {
		i := s.pick(live)
		if ahead := live[i].wake.Sub(s.srv.Now()); ahead > 0 {
			s.srv.Advance(ahead)
		}
		s.steps++
		live[i].turn <- struct{}{}
		if w := <-s.parked; w.done {
			live = append(live[:i], live[i+1:]...)
		}
	}
}

// pick returns who goes on: mostly somebody who is ready, but now and then time passes although somebody is, as
// if the machine had been busy.
func (s *sim) pick(live []*worker) int {
	var ready []int
	first := 0
	for i, w := range live {
		if !w.wake.After(s.srv.Now()) {
			ready = append(ready, i)
		}
		if w.wake.Before(live[first].wake) {
			first = i
		}
	}
	if len(ready) == 0 {
		return first
	}
	if s.rng.Float64() < 0.08 {
		return s.rng.IntN(len(live))
	}
	return ready[s.rng.IntN(len(ready))]
}

// worker is one of the goroutines: its clients' transport and clock.
type worker struct {
	*sim
	turn chan struct{}
	wake time.Time
	done bool
	// observe is told of each request, with the server's answer still unknown, and returns what to do after it.
	observe func(*http.Request) (after func())
}

func (w *worker) park(d time.Duration) {
	w.wake = w.srv.Now().Add(d)
	w.parked <- w
	<-w.turn
}

// Do is the transport.
func (w *worker) Do(r *http.Request) (*http.Response, error) {
	w.park(0)
	if w.observe != nil {
		after := w.observe(r)
		defer after()
	}
	resp, err := w.srv.Do(r)
	if err == nil && resp.StatusCode/100 == 2 && w.rng.Float64() < w.partial {
		w.partials++
		err = tamper.Response(w.rng, resp)
	}
	return resp, err
}

// Now and Sleep are the clock.
func (w *worker) Now() time.Time { return w.srv.Now() }

func (w *worker) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.rng.Float64() < w.oversleep {
		d += time.Duration(1+w.rng.IntN(20)) * time.Minute
	}
	w.park(d)
	return ctx.Err()
}

// versions returns the versions there are, oldest first.
func (s *sim) versions(image string) []types.MicroVMImageVersionSummary {
	defer s.look()()
	pages := lambdamicrovms.NewListMicroVMImageVersionsPaginator(s.truth, &lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: &image})
	var found []types.MicroVMImageVersionSummary
	for version, err := range pages.Items(context.Background()) {
		if lambdamicrovms.IsNotFound(err) {
			return nil
		}
		if err != nil {
			panic(err)
		}
		found = append(found, version)
	}
	return found
}
