package chaos

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

var (
	calls   = flag.Int("chaos.calls", 2000, "how many calls to make")
	seed    = flag.Uint64("chaos.seed", 1, "what decides about everything")
	only    = flag.Int("chaos.episode", -1, "the only episode to play")
	perRun  = 60 // calls of a worker in an episode
	kindsOf = []string{"memory", "memory", "memory", "HTTP/1.1", "memory", "memory", "memory", "HTTP/2"}
)

func TestChaos(t *testing.T) {
	sum := &tally{faults: make(map[string]int), problems: make(map[string]*problem)}
	before := runtime.NumGoroutine()
	began := time.Now()
	play := func(id int) {
		newEpisode(*seed, id, sum).play()
		if left := clienttest.Leftover(before); left != "" {
			sum.problem("goroutines", fmt.Sprintf("seed %d, episode %d: goroutines left:\n%s", *seed, id, left))
		}
	}
	if *only >= 0 {
		play(*only)
	} else {
		for id := 0; !sum.complete() && len(sum.problems) < 20; id++ {
			sum.episodes++
			play(id)
		}
	}
	for _, problem := range sum.problems {
		t.Errorf("%d times; %s", problem.count, problem.text)
	}
	t.Logf("seed %d: %v in %v", *seed, sum, time.Since(began).Round(100*time.Millisecond))
	if *only < 0 && *calls >= mustReachAll && !t.Failed() {
		for _, name := range sum.missing() {
			t.Errorf("%s never happened", name)
		}
		if sum.doubts.Load() == 0 || sum.repeats.Load() == 0 || sum.ends.Load() == 0 {
			t.Errorf("too little went wrong: %v", sum)
		}
	}
}

// tally counts what happened in all episodes.
type tally struct {
	calls, attempts, bodies, failed, doubts, repeats, ends atomic.Int64
	episodes                                               int

	mu       sync.Mutex
	faults   map[string]int // by name; 0 for a fault that never happened
	latest   time.Duration  // the longest time from the end of a context to the return of its call
	cleanup  time.Duration  // the same for calls that first clean up what they started
	problems map[string]*problem
}

// mustReachAll is the number of calls from which a run must reach every kind of fault,
// or it has not tested anything. Some kinds are rare, and the scheduler decides about
// them: such a run goes on, to ten times its calls, until each has happened.
const mustReachAll = 2000

// complete reports whether the run has made its calls and reached what it must reach.
func (a *tally) complete() bool {
	made, wanted := a.calls.Load(), int64(*calls)
	if made < wanted {
		return false
	}
	return wanted < mustReachAll || made >= 10*wanted || len(a.missing()) == 0
}

// missing returns the names of the faults that have not happened.
func (a *tally) missing() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for name, n := range a.faults {
		if n == 0 {
			names = append(names, name)
		}
	}
	return slices.Sorted(slices.Values(names))
}

func (a *tally) fault(name string) { a.countFault(name, 1) }

func (a *tally) countFault(name string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults[name] += n
}

func (a *tally) late(kind string, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if strings.HasPrefix(kind, "session.") {
		a.cleanup = max(a.cleanup, d)
	} else {
		a.latest = max(a.latest, d)
	}
}

// problem is a broken promise; only its first case is reported.
type problem struct {
	text  string
	count int
}

func (a *tally) problem(kind, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.problems[kind] == nil {
		a.problems[kind] = &problem{text: text}
	}
	a.problems[kind].count++
}

func (a *tally) String() string {
	var b strings.Builder
	total := 0
	for _, n := range a.faults {
		total += n
	}
	fmt.Fprintf(&b, "%d calls in %d episodes, %d attempts, %d bodies; %d faults; %d calls failed, %d of them after an effect; "+
		"%d repeated by their token; %d contexts ended, calls %v after at most (sessions %v); %d problems",
		a.calls.Load(), a.episodes, a.attempts.Load(), a.bodies.Load(), total, a.failed.Load(), a.doubts.Load(),
		a.repeats.Load(), a.ends.Load(), a.latest.Round(10*time.Microsecond), a.cleanup.Round(10*time.Microsecond), len(a.problems))
	for _, name := range slices.Sorted(maps.Keys(a.faults)) {
		fmt.Fprintf(&b, "\n%8d %s", a.faults[name], name)
	}
	return b.String()
}

// episode is one server with its clients.
type episode struct {
	seed    uint64
	id      int
	level   float64 // of faults
	srv     *fake.Server
	client  *lambdamicrovms.Client // of all workers
	network *network
	workers []*worker
	tally   *tally
	stage   stage

	served   sync.Mutex
	requests map[string]int // that reached the application
}

func newEpisode(seed uint64, id int, sum *tally) *episode {
	e := &episode{seed: seed, id: id, tally: sum, requests: make(map[string]int)}
	rng := rand.New(rand.NewPCG(seed, uint64(id)))
	e.level = []float64{0.005, 0.02, 0.06, 0.15}[rng.IntN(4)]
	outcomes := []fake.Outcome{fake.OutcomeSuccess, fake.OutcomeConflict, fake.OutcomeValidation}
	options := []fake.Option{
		fake.WithSeed(rng.Uint64()), fake.WithCallLog(0), fake.WithApplication(http.HandlerFunc(e.application)),
		fake.WithAnswers(fake.Answers{
			OutOfTurn: outcomes[rng.IntN(3)], TerminatedToken: fake.OutcomeValidation, VersionInUse: fake.OutcomeConflict,
			RepeatedDelete: []fake.Outcome{fake.OutcomeSuccess, fake.OutcomeNotFound}[rng.IntN(2)],
			BusyUpdate:     outcomes[1+rng.IntN(2)],
		}),
	}
	if rng.IntN(4) == 0 {
		options = append(options, fake.WithStrictSigning())
	}
	e.srv = fake.New(&e.stage, options...)
	e.network = newNetwork(kindsOf[id%len(kindsOf)], e.srv)
	clientOptions := e.srv.Options()
	clientOptions.HTTPClient = e.network
	if e.network.url != "" {
		clientOptions.BaseEndpoint = &e.network.url
	}
	e.client = lambdamicrovms.New(clientOptions)

	count := 1
	if id%4 == 1 {
		count = 4
	}
	for i := range count {
		w := &worker{
			episode: e, prefix: fmt.Sprintf("w%d-", i),
			rng: rand.New(rand.NewPCG(rng.Uint64(), 0)), luck: rand.New(rand.NewPCG(rng.Uint64(), 1)),
		}
		e.workers = append(e.workers, w)
	}
	e.inject()
	for _, name := range append(fateNames[1:], contextEnded, deadlinePassed, partialResponse, emptySuccess) {
		e.tally.countFault(name, 0)
	}
	return e
}

// play runs the workers, and fails the test if one of them hangs.
func (e *episode) play() {
	defer e.stage.end()
	defer e.network.close()
	var group sync.WaitGroup
	for _, w := range e.workers {
		group.Add(1)
		go func() {
			defer group.Done()
			w.work()
		}()
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Second):
			for _, w := range e.workers {
				if began := w.began.Load(); began > 0 && time.Since(time.Unix(0, began)) > 30*time.Second {
					panic(fmt.Sprintf("seed %d, episode %d: a call of %s hangs:\n%s", e.seed, e.id, w.prefix, clienttest.Stacks()))
				}
			}
		}
	}
}

func (w *worker) work() {
	w.next()
	for range perRun {
		if *only < 0 && w.tally.complete() {
			return
		}
		switch n := w.rng.IntN(100); {
		case n < 10 && len(w.before.images) < 4 || len(w.before.images) == 0:
			w.create()
		case n < 22:
			w.update()
		case n < 32:
			w.run()
		case n < 35:
			w.deleteImage()
		case n < 42:
			w.changeVersion()
		case n < 48:
			w.tag()
		case n < 58:
			w.changeVM()
		case n < 61:
			w.mint()
		case n < 62:
			w.invalid()
		case n < 70:
			w.read()
		case n < 76:
			w.imagesUpdate()
		case n < 80 && len(w.before.images) < 4:
			w.imagesDeploy()
		case n < 82:
			w.imagesPrune()
		case n < 84:
			w.imagesRollback()
		case n < 86:
			w.imagesTags()
		case n < 87:
			w.imagesFind()
		case n < 97:
			w.session()
		case n < 98:
			w.sweep()
		default:
			w.srv.Advance(5 * time.Minute) // builds end
		}
		if w.pick(2) {
			w.srv.Advance(time.Minute)
		}
		w.next()
	}
}
