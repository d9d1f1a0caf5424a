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

// sim runs several goroutines against one fake deterministically. One goroutine runs at a
// time, up to its next request or sleep; then random numbers from the seed select the
// next one. Time passes only while all sleep, with the exception in pick.
type sim struct {
	rng    *rand.Rand
	srv    *fake.Server
	truth  *lambdamicrovms.Client // reads the state, without faults
	quiet  bool                   // no faults while it reads
	parked chan *worker
	steps  int

	// oversleep is the probability that a sleep lasts much longer than requested, as on a
	// suspended computer. Builds end meanwhile, and then a busy image no longer blocks
	// updates.
	oversleep float64
	// partial is the probability that a response to a worker lacks a member that the
	// service always sends.
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

// client returns a client without credentials, because signing is not tested here.
func (s *sim) client(transport lambdamicrovms.HTTPClient) *lambdamicrovms.Client {
	options := s.srv.Options()
	options.HTTPClient, options.Credentials = transport, nil
	return lambdamicrovms.New(options)
}

// sometimes returns a condition for a fault that spares the test's own reads of the
// state.
func (s *sim) sometimes(probability float64) fake.Condition {
	return func(fake.Occasion) bool { return !s.quiet && s.rng.Float64() < probability }
}

// look disables faults until done is called.
func (s *sim) look() (done func()) {
	before := s.quiet
	s.quiet = true
	return func() { s.quiet = before }
}

// run runs the workers until all have returned.
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

// pick returns the worker to run next: usually one that is ready. Sometimes time passes
// although a worker is ready, as on a busy machine.
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

// worker is the transport and clock of one goroutine's clients.
type worker struct {
	*sim
	turn chan struct{}
	wake time.Time
	done bool
	// observe is called before each request. after is called when the server has handled
	// it.
	observe func(*http.Request) (after func())
}

func (w *worker) park(d time.Duration) {
	w.wake = w.srv.Now().Add(d)
	w.parked <- w
	<-w.turn
}

// Do implements lambdamicrovms.HTTPClient.
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

// Now and Sleep implement lambdamicrovms.Clock.
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

// versions returns the existing versions, oldest first.
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
