package images_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestSequences runs random sequences of all workflows from several goroutines, with
// faults, and compares their results with the state of the server.
// LAMBDAMICROVMS_SEQUENCES is the number of sequences, LAMBDAMICROVMS_SEED the first
// seed. Each sequence depends only on its seed.
func TestSequences(t *testing.T) {
	count, first := fromEnv(t, "LAMBDAMICROVMS_SEQUENCES", 300), fromEnv(t, "LAMBDAMICROVMS_SEED", 1)
	if testing.Short() {
		count = min(count, 30)
	}
	before := runtime.NumGoroutine()
	var (
		total  tally
		mu     sync.Mutex
		next   = first
		failed bool
		group  sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				mu.Lock()
				seed := next
				next++
				over := failed || seed >= first+count
				mu.Unlock()
				if over {
					return
				}
				q := newSequence(seed)
				q.play()
				mu.Lock()
				total.add(q)
				if len(q.problems) > 0 {
					failed = true
					t.Errorf("seed %d (LAMBDAMICROVMS_SEED=%[1]d LAMBDAMICROVMS_SEQUENCES=1):\n%s\n\nhistory:\n%s",
						seed, strings.Join(q.problems, "\n"), strings.Join(q.log, "\n"))
				}
				mu.Unlock()
			}
		}()
	}
	group.Wait()
	if left := clienttest.Leftover(before); left != "" {
		t.Errorf("%d goroutines before; these are left:\n%s", before, left)
	}
	t.Logf("%d sequences: %v", count, total)
	// A run must have reached every kind of event, or it has not tested anything.
	for what, n := range map[string]int{"builds": total.builds, "deletions": total.deleted, "stale builds": total.stale, "lost responses": total.lost, "partial responses": total.partials} {
		if n == 0 && count >= 300 && !failed {
			t.Errorf("no %s in %d sequences", what, count)
		}
	}
}

func fromEnv(t *testing.T, name string, byDefault uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// tally counts the events of all sequences.
type tally struct {
	calls, builds, deleted, stale, lost, partials, steps int
	outcomes                                             map[string]int
}

func (a *tally) add(q *sequence) {
	a.calls += len(q.calls)
	a.builds += len(q.builds)
	a.deleted += q.deleted
	a.lost += q.lost
	a.partials += q.partials
	a.steps += q.steps
	if a.outcomes == nil {
		a.outcomes = make(map[string]int)
	}
	for _, b := range q.builds {
		if b.stale {
			a.stale++
		}
	}
	for _, c := range q.calls {
		a.outcomes[c.kind+" "+c.outcome]++
	}
}

func (a tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls, %d requests and sleeps, %d versions built, %d of them stale, %d deleted, %d responses lost, %d partial",
		a.calls, a.steps, a.builds, a.stale, a.deleted, a.lost, a.partials)
	for _, outcome := range slices.Sorted(maps.Keys(a.outcomes)) {
		fmt.Fprintf(&b, "\n%8d %s", a.outcomes[outcome], outcome)
	}
	return b.String()
}

const (
	region   = "us-east-1"
	roleARN  = "arn:aws:iam::123456789012:role/build"
	appARN   = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	artifact = "s3://bucket/app.zip"
)

// sequence is one random history of one image.
type sequence struct {
	*sim
	problems  []string
	log       []string
	calls     []*simCall
	builds    map[string]*build
	deleted   int
	lost      int
	lastID    int
	activated map[string]activation // the last one of each version
	served    bool                  // a version was active at some time
	emptied   *simCall              // the call that deactivated the last active version
}

// simCall is one call of a workflow.
type simCall struct {
	id       int
	kind     string
	change   func(*lambdamicrovms.UpdateMicroVMImageInput) error
	retries  int
	declared *lambdamicrovms.CreateMicroVMImageInput
	keep     int
	content  string // that it deploys

	builds   []*build
	from     string // the last version that it read
	mustFail string // why this call has to end with an error
	looked   int    // time of its last read of the versions, in steps
	serving  string // the latest active version at that read, for Prune
	outcome  string
}

// activation records when a call activated a version.
type activation struct {
	step int
	call *simCall
}

// build is a version that a call started, whether or not the call received its response.
type build struct {
	version string
	parent  *lambdamicrovms.UpdateMicroVMImageInput // configuration of the latest active version just before, nil if none
	config  *lambdamicrovms.UpdateMicroVMImageInput
	call    *simCall
	stale   bool // it lacks a setting of parent
	// overtaken is true if parent does not have the configuration that the call had read,
	// or if the call may think so, because an older version was activated or deactivated
	// before it compared.
	overtaken bool
	compared  bool // the call has compared, and waits for the build
}

func newSequence(seed uint64) *sequence {
	s := newSim(seed, fake.WithAnswers(fake.Answers{
		BusyUpdate:     []fake.Outcome{fake.OutcomeConflict, fake.OutcomeValidation}[seed%2],
		RepeatedDelete: []fake.Outcome{fake.OutcomeSuccess, fake.OutcomeNotFound, fake.OutcomeUnknown}[seed/2%3],
		VersionInUse:   fake.OutcomeSuccess, // so that only Prune protects versions in use
	}))
	q := &sequence{sim: s, builds: make(map[string]*build), activated: make(map[string]activation)}

	level := []float64{0, 0.01, 0.03, 0.08}[s.rng.IntN(4)]
	s.oversleep, s.partial = level, level
	for _, effect := range []fake.Effect{
		fake.Throttle{}, fake.ServerError{}, fake.BadGateway{}, fake.Reset{}, fake.CutBody{},
		fake.MalformedJSON{}, fake.EmptyPages{},
	} {
		s.srv.Inject(effect, s.sometimes(level))
	}
	lose := s.sometimes(2 * level)
	s.srv.Inject(fake.LoseAnswer{}, func(o fake.Occasion) bool {
		hit := lose(o)
		if hit {
			q.lost++
		}
		return hit
	})
	s.srv.Inject(fake.QuotaExceeded{}, fake.On(fake.CreateMicroVMImage, fake.UpdateMicroVMImage), s.sometimes(level))
	s.srv.Inject(fake.FailBuild{Reason: fake.ReasonReadyTimeout}, s.sometimes([]float64{0, 0.15, 0.4}[s.rng.IntN(3)]))
	return q
}

func (q *sequence) note(format string, args ...any) {
	q.log = append(q.log, fmt.Sprintf("%5d %s ", q.steps, q.srv.Now().Format("15:04:05"))+fmt.Sprintf(format, args...))
}

func (q *sequence) problem(c *simCall, format string, args ...any) {
	text := fmt.Sprintf("%s #%d: ", c.kind, c.id) + fmt.Sprintf(format, args...)
	q.problems = append(q.problems, text)
	q.note("PROBLEM %s", text)
}

// play has several goroutines make a few calls each.
func (q *sequence) play() {
	if q.rng.IntN(4) > 0 { // start with an image that has some versions
		for range 1 + q.rng.IntN(4) {
			q.seedVersion()
		}
	}
	var works []func(*worker)
	for range 2 + q.rng.IntN(3) {
		works = append(works, func(w *worker) {
			client := w.client(w)
			for range 1 + q.rng.IntN(4) {
				q.step(w, client)
			}
		})
	}
	q.run(works...)
	if q.served && latest(q.versions(appARN)) == "" && (q.emptied == nil || q.emptied.outcome == "ok") {
		q.problems = append(q.problems, "the image is left without an active version, and nobody was told")
	}
}

// seedVersion builds a version before the sequence begins.
func (q *sequence) seedVersion() {
	defer q.look()()
	ctx := context.Background()
	declared := q.declare(q.newCall("seed"))
	in := updateInput(declared)
	_, err := q.truth.CreateMicroVMImage(ctx, declared)
	if lambdamicrovms.IsAlreadyExists(err) {
		_, err = q.truth.UpdateMicroVMImage(ctx, in)
	}
	if err != nil {
		panic(err)
	}
	q.srv.Advance(10 * time.Minute)
	q.served = true
}

func (q *sequence) newCall(kind string) *simCall {
	q.lastID++
	c := &simCall{id: q.lastID, kind: kind}
	q.calls = append(q.calls, c)
	return c
}

// step makes one random call and judges it.
func (q *sequence) step(w *worker, client *lambdamicrovms.Client) {
	options := func(o *images.Options) {
		o.Clock = w
		o.MinDelay, o.MaxDelay = 25*time.Second, 25*time.Second // without jitter, which does not depend on the seed
	}
	ctx := context.Background()
	var err error
	switch n := q.rng.IntN(20); {
	case n < 8:
		c := q.newCall("update")
		c.change = q.randomChange(c)
		c.retries = 2 * q.rng.IntN(2)
		q.attribute(w, c)
		q.note("%s #%d begins (retries %d)", c.kind, c.id, c.retries)
		var result *images.Result
		result, err = images.Update(ctx, client, appARN, c.change, func(o *images.UpdateOptions) {
			options(&o.Options)
			o.Retries = c.retries
		})
		q.judgeUpdate(c, result, err)
	case n < 12:
		c := q.newCall("deploy")
		c.declared = q.declare(c)
		c.content = fmt.Sprint("content", q.rng.IntN(2))
		q.attribute(w, c)
		q.note("%s #%d begins", c.kind, c.id)
		var result *images.Result
		result, err = images.Deploy(ctx, client, images.Deployment{Image: *c.declared, ContentHash: c.content},
			func(o *images.DeployOptions) { options(&o.Options) })
		q.judgeDeploy(c, result, err)
	case n < 15:
		c := q.newCall("prune")
		c.keep = 1 + q.rng.IntN(3)
		q.attribute(w, c)
		q.note("%s #%d begins (keep %d)", c.kind, c.id, c.keep)
		var result *images.PruneResult
		result, err = images.Prune(ctx, client, appARN, c.keep, func(o *images.PruneOptions) { options(&o.Options) })
		q.judgePrune(c, result, err)
	case n < 18:
		c := q.newCall("rollback")
		to := ""
		if versions := q.versions(appARN); len(versions) > 0 && q.rng.IntN(2) == 0 {
			to = *versions[q.rng.IntN(len(versions))].ImageVersion
		}
		q.attribute(w, c)
		q.note("%s #%d begins (to %q)", c.kind, c.id, to)
		var result *images.RollbackResult
		result, err = images.Rollback(ctx, client, appARN, to, options)
		q.judgeRollback(c, result, err)
	default:
		q.traffic(w)
	}
}

// randomChange returns a change that sets a mark, unique to the call, and another member.
func (q *sequence) randomChange(c *simCall) func(*lambdamicrovms.UpdateMicroVMImageInput) error {
	mark, field, n := fmt.Sprintf("U%d", c.id), q.rng.IntN(6), int32(q.rng.IntN(3))
	return func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		if in.EnvironmentVariables == nil {
			in.EnvironmentVariables = make(map[string]string)
		}
		in.EnvironmentVariables[mark] = mark
		switch field {
		case 0:
			in.Description = aws.String(mark)
		case 1:
			in.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(1024 << n)}}
		case 2:
			in.Hooks = &types.Hooks{Port: aws.Int32(9000 + n), MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled}}
		case 3:
			in.Logging = &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("group-" + mark)}}
		case 4:
			in.AdditionalOsCapabilities = []types.Capability{types.CapabilityAll}
		}
		return nil
	}
}

// declare returns one of a few complete configurations.
func (q *sequence) declare(c *simCall) *lambdamicrovms.CreateMicroVMImageInput {
	in := &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String(images.BaseImageARN(region, "al2023-1")),
		BuildRoleArn: aws.String(roleARN),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: artifact},
	}
	switch q.rng.IntN(8) {
	case 0:
		in.EnvironmentVariables = map[string]string{fmt.Sprintf("D%d", c.id): "x"}
	case 1:
		in.Description = aws.String(fmt.Sprintf("D%d", c.id))
		in.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(4096)}}
	case 2:
		in.Hooks = &types.Hooks{Port: aws.Int32(9000), MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled}}
	}
	return in
}

// updateInput returns an update with the same configuration.
func updateInput(in *lambdamicrovms.CreateMicroVMImageInput) *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      aws.String(appARN),
		BaseImageArn:         in.BaseImageArn,
		BuildRoleArn:         in.BuildRoleArn,
		CodeArtifact:         in.CodeArtifact,
		Description:          in.Description,
		EnvironmentVariables: in.EnvironmentVariables,
		Hooks:                in.Hooks,
		Resources:            in.Resources,
	}
}

// traffic starts a MicroVM on a random version, or terminates all.
func (q *sequence) traffic(w *worker) {
	defer q.look()()
	ctx := context.Background()
	if q.rng.IntN(3) > 0 {
		in := &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(appARN)}
		if versions := q.versions(appARN); len(versions) > 0 && q.rng.IntN(2) == 0 {
			in.ImageVersion = versions[q.rng.IntN(len(versions))].ImageVersion
		}
		if out, err := q.truth.RunMicroVM(ctx, in); err == nil {
			q.note("traffic: %s runs on %s", *out.MicroVMId, *out.ImageVersion)
		}
		return
	}
	for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(q.truth, nil).Items(ctx) {
		if err != nil {
			panic(err)
		}
		if _, err := q.truth.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: vm.MicroVMId}); err != nil {
			panic(err)
		}
	}
	q.note("traffic: all MicroVMs are terminated")
	_ = w
}

// attribute records which versions a call reads and which changes it makes, by its
// requests.
func (q *sequence) attribute(w *worker, c *simCall) {
	w.observe = func(r *http.Request) func() {
		path := r.URL.Path
		version := path[strings.LastIndexByte(path, '/')+1:]
		if r.Method == http.MethodGet {
			if version == "versions" {
				c.looked = q.steps
				if c.kind == "prune" {
					c.serving = latest(q.versions(appARN))
				}
			} else if strings.HasSuffix(path, "/versions/"+version) {
				c.from = version
				for _, b := range c.builds {
					b.compared = true
				}
			}
			return func() {}
		}
		before := q.versions(appARN)
		if r.Method == http.MethodDelete && strings.Contains(path, "/versions/") {
			vms := q.liveOn(version)
			return func() { q.judgeDeletion(c, version, before, q.versions(appARN), vms) }
		}
		return func() {
			after := q.versions(appARN)
			if len(after) > 0 && newest(after) != newest(before) {
				q.noteBuild(c, before, after[len(after)-1])
			}
			if r.Method == http.MethodPatch {
				q.notePatch(c, version, before, after)
			}
		}
	}
}

func (q *sequence) liveOn(version string) int {
	defer q.look()()
	live := 0
	for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(q.truth, nil).Items(context.Background()) {
		if err != nil {
			panic(err)
		}
		if *vm.ImageVersion == version && vm.State != types.MicroVMStateTerminated {
			live++
		}
	}
	return live
}

func (q *sequence) noteBuild(c *simCall, before []types.MicroVMImageVersionSummary, built types.MicroVMImageVersionSummary) {
	b := &build{version: *built.ImageVersion, config: input(&built), call: c}
	if parent := find(before, latest(before)); parent != nil {
		b.parent = input(parent)
		from := find(before, c.from)
		b.overtaken = from == nil || !cmp.Equal(input(from), b.parent)
	}
	if c.change != nil && b.parent != nil {
		want := *b.parent
		want.EnvironmentVariables = maps.Clone(want.EnvironmentVariables)
		if err := c.change(&want); err != nil {
			panic(err)
		}
		b.stale = !cmp.Equal(&want, b.config)
	}
	c.builds = append(c.builds, b)
	q.builds[b.version] = b
	q.note("%s #%d has %s built; %s was the latest active (stale: %v)", c.kind, c.id, b.version, latest(before), b.stale)
}

func (q *sequence) notePatch(c *simCall, version string, before, after []types.MicroVMImageVersionSummary) {
	was, is := find(before, version), find(after, version)
	if was == nil || is == nil || was.Status == is.Status {
		return
	}
	q.note("%s #%d makes %s %s; the latest active is %s", c.kind, c.id, version, is.Status, latest(after))
	for _, b := range q.builds {
		b.overtaken = b.overtaken || !b.compared && number(version) < number(b.version)
	}
	if latest(before) != "" && latest(after) == "" {
		q.emptied = c
	}
	if c.kind == "prune" && is.Status == types.MicroVMImageVersionStatusInactive && c.serving == version {
		q.problem(c, "%s was deactivated, and had been seen to be the latest active version", version)
	}
	if is.Status == types.MicroVMImageVersionStatusActive {
		q.activated[version] = activation{q.steps, c}
	}
}

// judgeDeletion checks a version at the moment of its deletion.
func (q *sequence) judgeDeletion(c *simCall, version string, before, after []types.MicroVMImageVersionSummary, vms int) {
	was, is := find(before, version), find(after, version)
	if was == nil || is == nil || was.State == is.State {
		return
	}
	q.deleted++
	q.note("%s #%d deletes %s", c.kind, c.id, version)
	newer := 0
	for _, v := range before {
		if v.State == types.MicroVMImageVersionStateSuccessful && number(*v.ImageVersion) > number(version) {
			newer++
		}
	}
	switch {
	case vms > 0:
		q.problem(c, "%s was deleted, and %d MicroVMs run on it", version, vms)
	case was.State == types.MicroVMImageVersionStateSuccessful && newer < c.keep:
		q.problem(c, "%s was deleted, and only %d newer ones are left", version, newer)
	case was.State == types.MicroVMImageVersionStateSuccessful && was.Status == types.MicroVMImageVersionStatusActive:
		// No call can see changes between its last read and the deletion. But a call that
		// made one must report it.
		last := q.activated[version]
		if last.step <= c.looked {
			q.problem(c, "%s was deleted while it was active", version)
		} else if last.call.kind == "rollback" && last.call.outcome == "" {
			last.call.mustFail = version + " was deleted under its hands"
		}
	}
}

// judge checks what must hold for every call, and returns the kind of outcome.
func (q *sequence) judge(c *simCall, err error) {
	q.note("%s #%d ends: %v", c.kind, c.id, err)
	if err == nil {
		c.outcome = "ok"
		if c.mustFail != "" {
			q.problem(c, "it succeeded, but %s", c.mustFail)
		}
	} else if c.outcome = typeOf(err); c.outcome == "" {
		q.problem(c, "an error without a type: %T %[1]v", err)
	} else if _, reason, found := strings.Cut(err.Error(), "app: "); !found || reason == "" {
		q.problem(c, "an error that does not say where or why: %v", err)
	}
	if latest(q.versions(appARN)) != "" {
		q.served = true
	}
}

func typeOf(err error) string {
	var (
		concurrent *images.ConcurrentUpdateError
		failed     *images.BuildFailedError
		unknown    *images.UnknownOutcomeError
		busy       *images.BusyError
		version    *images.VersionError
		general    *images.Error
	)
	switch {
	case errors.As(err, &concurrent):
		if concurrent.Version != "" {
			return "replaced somebody's update"
		}
		return "overtaken"
	case errors.As(err, &failed):
		return "build failed"
	case errors.As(err, &unknown):
		return "unknown outcome"
	case errors.As(err, &busy):
		return "busy"
	case errors.As(err, &version):
		return "no version"
	case errors.As(err, &general):
		return "failed at " + string(general.Step)
	}
	return ""
}

func (q *sequence) judgeUpdate(c *simCall, result *images.Result, err error) {
	q.judge(c, err)
	for i, b := range c.builds {
		state := find(q.versions(appARN), b.version)
		lost := b.stale && state != nil && state.State == types.MicroVMImageVersionStateSuccessful
		reported := tells(err, b.version) || result != nil && slices.Contains(result.Replaced, b.version)
		last := i == len(c.builds)-1
		switch {
		case b.stale && !last && err == nil && !q.mended(c, c.builds[len(c.builds)-1]):
			q.problem(c, "%s did not make up for %s:\n%s", result.Version, b.version, cmp.Diff(b.parent, lastConfig(c)))
		case lost && !reported && !q.mended(c, b):
			q.problem(c, "%s silently lost something:\n%s", b.version, cmp.Diff(b.parent, b.config))
		case !last && !b.overtaken:
			q.problem(c, "%s was built although %s was good", c.builds[i+1].version, b.version)
		case !last && c.retries == 0:
			q.problem(c, "it built %s and %s", b.version, c.builds[i+1].version)
		}
	}
	if err != nil {
		return
	}
	built := find(q.versions(appARN), result.Version)
	switch own := q.builds[result.Version]; {
	case own != nil && own.call != c && !cmp.Equal(own.config, lastConfig(c)):
		q.problem(c, "%s is of %s #%d", result.Version, own.call.kind, own.call.id)
	case built != nil && built.State != types.MicroVMImageVersionStateSuccessful && built.State != types.MicroVMImageVersionStateDeleting:
		q.problem(c, "%s is %s", result.Version, built.State)
	}
}

// tells reports whether err says that the version may lack a setting.
func tells(err error, version string) bool {
	switch e := err.(type) {
	case nil:
		return false
	case *images.ConcurrentUpdateError:
		if e.Version == version {
			return true
		}
	case *images.Error:
		if e.Step == images.StepCompare && e.Version == version {
			return true
		}
	case *images.UnknownOutcomeError:
		return true
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return tells(err, version) })
	}
	return tells(errors.Unwrap(err), version)
}

func lastConfig(c *simCall) *lambdamicrovms.UpdateMicroVMImageInput {
	if len(c.builds) == 0 {
		return nil
	}
	return c.builds[len(c.builds)-1].config
}

// mended reports whether a stale build repairs an earlier stale build: it has the
// configuration that the earlier one replaced, with the call's change.
func (q *sequence) mended(c *simCall, b *build) bool {
	for _, earlier := range c.builds {
		if earlier != b && earlier.stale && earlier.parent != nil {
			want := *earlier.parent
			want.EnvironmentVariables = maps.Clone(want.EnvironmentVariables)
			if c.change(&want) == nil && cmp.Equal(&want, b.config) {
				return true
			}
		}
	}
	return false
}

// builder returns the call that started the build of a version, or nil.
func (q *sequence) builder(version string) *simCall {
	for _, c := range q.calls {
		if slices.ContainsFunc(c.builds, func(b *build) bool { return b.version == version }) {
			return c
		}
	}
	return nil
}

func (q *sequence) judgeDeploy(c *simCall, result *images.Result, err error) {
	q.judge(c, err)
	if len(c.builds) > 1 {
		q.problem(c, "it built %s and %s", c.builds[0].version, c.builds[1].version)
	}
	want := updateInput(c.declared)
	want.ImageIdentifier = nil
	if want.Resources == nil {
		want.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(2048)}}
	}
	want.EgressNetworkConnectors = []string{images.ConnectorARN(region, "INTERNET_EGRESS")}
	for _, b := range c.builds {
		if diff := cmp.Diff(want, b.config); diff != "" {
			q.problem(c, "%s is not what was declared:\n%s", b.version, diff)
		}
	}
	if err != nil {
		return
	}
	if result.Unchanged {
		if by := q.builder(result.Version); by == nil || by.content != c.content {
			q.problem(c, "unchanged, but %s has not the content %s", result.Version, c.content)
		}
	}
	switch built := find(q.versions(appARN), result.Version); {
	case result.Unchanged && len(c.builds) > 0:
		q.problem(c, "unchanged, but %s was built", c.builds[0].version)
	case built != nil && !cmp.Equal(want, input(built)):
		q.problem(c, "%s is not what was declared:\n%s", result.Version, cmp.Diff(want, input(built)))
	}
}

func (q *sequence) judgePrune(c *simCall, result *images.PruneResult, err error) {
	q.judge(c, err)
	if len(c.builds) > 0 {
		q.problem(c, "it built %s", c.builds[0].version)
	}
	if err != nil {
		return
	}
	for _, version := range result.Deleted {
		if find(q.versions(appARN), version) != nil {
			q.problem(c, "%s is still there", version)
		}
	}
}

func (q *sequence) judgeRollback(c *simCall, result *images.RollbackResult, err error) {
	if len(c.builds) > 0 {
		q.problem(c, "it built %s", c.builds[0].version)
	}
	if now := latest(q.versions(appARN)); err == nil && now != result.To {
		q.problem(c, "it went back to %s, but %q is the latest active version", result.To, now)
	}
	q.judge(c, err)
}

func input(v *types.MicroVMImageVersionSummary) *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		BaseImageArn:             v.BaseImageArn,
		BuildRoleArn:             v.BuildRoleArn,
		CodeArtifact:             v.CodeArtifact,
		AdditionalOsCapabilities: v.AdditionalOsCapabilities,
		CpuConfigurations:        v.CpuConfigurations,
		Description:              v.Description,
		EgressNetworkConnectors:  v.EgressNetworkConnectors,
		EnvironmentVariables:     v.EnvironmentVariables,
		Hooks:                    v.Hooks,
		Logging:                  v.Logging,
		Resources:                v.Resources,
	}
}

func find(versions []types.MicroVMImageVersionSummary, version string) *types.MicroVMImageVersionSummary {
	for i := range versions {
		if *versions[i].ImageVersion == version {
			return &versions[i]
		}
	}
	return nil
}

func latest(versions []types.MicroVMImageVersionSummary) string {
	for _, v := range slices.Backward(versions) {
		if v.State == types.MicroVMImageVersionStateSuccessful && v.Status == types.MicroVMImageVersionStatusActive {
			return *v.ImageVersion
		}
	}
	return ""
}

func newest(versions []types.MicroVMImageVersionSummary) string {
	if len(versions) == 0 {
		return ""
	}
	return *versions[len(versions)-1].ImageVersion
}

func number(version string) int {
	n, _ := strconv.Atoi(strings.TrimSuffix(version, ".0"))
	return n
}
