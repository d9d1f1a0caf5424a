package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func (w *worker) imageOptions(o *images.Options) { o.Clock = w.srv.Clock() }

// admits reports whether err says that the workflow may have started a build of the
// version.
func admits(err error, version string) bool {
	var (
		failed    *images.BuildFailedError
		unknown   *images.UnknownOutcomeError
		overtaken *images.ConcurrentUpdateError
		step      *images.Error
	)
	return errors.As(err, &failed) && failed.Version == version ||
		errors.As(err, &unknown) ||
		errors.As(err, &overtaken) && overtaken.Version == version ||
		errors.As(err, &step) && step.Version == version ||
		uncertainty(err) != nil
}

// judgeBuild checks a workflow that builds one version or none.
func (w *worker) judgeBuild(d delta, result *images.Result, err error) {
	switch {
	case err == nil && result.Unchanged:
		if len(d.versions) > 0 {
			w.wrong("unchanged, and yet built %v", d.versions)
		}
	case err == nil:
		if !slices.Equal(d.versions, []string{result.Version}) {
			w.wrong("says version %s, built were %v", result.Version, d.versions)
		}
	case len(d.versions) > 0:
		w.tally.doubts.Add(1)
		if result == nil && !admits(err, d.versions[0]) {
			w.wrong("built %s, and the error does not say so: %v", d.versions[0], err)
		}
	}
}

func (w *worker) imagesUpdate() {
	img := w.anyImage()
	if img == nil {
		return
	}
	value := fmt.Sprint(w.rng.Uint64())
	var result *images.Result
	d, err := w.call("images.Update", func(ctx context.Context) (err error) {
		result, err = images.Update(ctx, w.client, img.ARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
			in.Description = &value
			return nil
		}, func(o *images.UpdateOptions) { w.imageOptions(&o.Options) })
		return err
	})
	w.judgeDelta(d, 0, 1, 0)
	w.judgeBuild(d, result, err)
}

func (w *worker) imagesDeploy() {
	in := w.newImage()
	if img := w.anyImage(); img != nil && w.pick(2) {
		in.Name = &img.Name
	}
	if w.pick(2) {
		in.Tags = map[string]string{"team": fmt.Sprint(w.rng.IntN(3))}
	}
	in.Description = []*string{nil, in.Name}[w.rng.IntN(2)]
	deployment := images.Deployment{Image: *in, ContentHash: fmt.Sprint("content", w.rng.IntN(2))}
	var result *images.Result
	d, err := w.call("images.Deploy", func(ctx context.Context) (err error) {
		result, err = images.Deploy(ctx, w.client, deployment, func(o *images.DeployOptions) { w.imageOptions(&o.Options) })
		return err
	})
	w.judgeDelta(d, 1, 1, 0)
	w.judgeBuild(d, result, err)
}

func (w *worker) imagesPrune() {
	img := w.anyImage()
	if img == nil {
		return
	}
	var result *images.PruneResult
	d, err := w.call("images.Prune", func(ctx context.Context) (err error) {
		result, err = images.Prune(ctx, w.client, img.ARN, 1+w.rng.IntN(2), func(o *images.PruneOptions) { w.imageOptions(&o.Options) })
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	now := w.look().image(img.ID)
	if deleted(now) {
		return
	}
	if now.LatestActiveVersion == "" && img.LatestActiveVersion != "" {
		w.wrong("the image is left without an active version: %v", err)
	}
	for _, v := range img.Versions {
		gone := versionDeleted(versionOf(now, v.Version)) && !versionDeleted(&v)
		said := result != nil && slices.Contains(result.Deleted, v.Version)
		switch {
		case said && !gone && !versionDeleted(&v):
			w.wrong("says that it has deleted %s: %v", v.Version, err)
		case gone && !said && !admits(err, v.Version):
			w.wrong("has deleted %s without a word: %v", v.Version, err)
		}
	}
}

func (w *worker) imagesRollback() {
	img := w.anyImage()
	if img == nil {
		return
	}
	var result *images.RollbackResult
	d, err := w.call("images.Rollback", func(ctx context.Context) (err error) {
		result, err = images.Rollback(ctx, w.client, img.ARN, "", w.imageOptions)
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	now := w.look().image(img.ID)
	if err == nil && (now == nil || now.LatestActiveVersion != result.To) {
		w.wrong("says that %s serves: %+v", result.To, now)
	}
	if now != nil && img.LatestActiveVersion != "" && now.LatestActiveVersion == "" {
		w.wrong("the image is left without an active version: %v", err)
	}
}

func (w *worker) imagesTags() {
	img := w.anyImage()
	if img == nil {
		return
	}
	want := map[string]string{"a": fmt.Sprint(w.rng.IntN(3)), fmt.Sprint("k", w.rng.IntN(3)): "v"}
	d, err := w.call("images.SyncTags", func(ctx context.Context) error {
		_, err := images.SyncTags(ctx, w.client, img.ARN, want, w.imageOptions)
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	if now := w.look().image(img.ID); err == nil && now != nil {
		for key, value := range now.Tags {
			if want[key] != value && !strings.Contains(key, ":") {
				w.wrong("tag %s is %q", key, value)
			}
		}
		for key, value := range want {
			if now.Tags[key] != value {
				w.wrong("tag %s is not %q", key, value)
			}
		}
	}
}

func (w *worker) imagesFind() {
	name, there := w.prefix+"nobody", false
	if img := w.anyImage(); img != nil && !deleted(img) {
		name, there = img.Name, true
	}
	d, err := w.call("images.Find", func(ctx context.Context) error {
		_, err := images.Find(ctx, w.client, name)
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	if err == nil && !there || there && lambdamicrovms.IsNotFound(err) {
		w.wrong("the image is there: %t; error %v", there, err)
	}
}

// application counts the requests that reach it, by their X-Chaos header.
func (e *episode) application(rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	e.served.Lock()
	e.requests[r.Header.Get("X-Chaos")]++
	e.served.Unlock()
	_, _ = io.WriteString(rw, "served by the application")
}

// session runs a whole session, from start to Close.
func (w *worker) session() {
	img := w.anyImage()
	for range 3 { // a session needs an active version
		if img != nil && img.LatestActiveVersion == "" {
			img = w.anyImage()
		}
	}
	if img == nil {
		return
	}
	options := func(o *session.Options) {
		o.Clock = w.srv.Clock()
		o.Transport = &endpoint{w, w.srv}
		o.CloseTimeout = 20 * time.Millisecond
		o.ResumeOnDemand = w.pick(2)
	}
	var s *session.Session
	d, err := w.call("session.Run", func(ctx context.Context) (err error) {
		s, err = session.Run(ctx, w.client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &img.ARN}, options)
		return err
	})
	w.judgeDelta(d, 0, 0, 1)
	after := w.look()
	switch {
	case err == nil && !slices.Equal(d.vms, []string{s.ID()}):
		w.wrong("says %s, started were %v", s.ID(), d.vms)
	case err != nil && len(d.vms) > 0 && !ended(after.vm(d.vms[0])):
		w.tally.doubts.Add(1)
		var failed *session.StartError
		if !errors.As(err, &failed) || failed.CleanupErr == nil {
			w.wrong("%s runs, and the error does not say so: %v", d.vms[0], err)
		}
	}
	if err != nil {
		return
	}
	w.next()
	for range w.rng.IntN(12) {
		w.useSession(s)
		w.next()
	}
	_, err = w.call("session.Close", func(context.Context) error { return s.Close() })
	for range 3 { // the client may have used up its retry quota, or measured a wrong clock skew
		if err != nil {
			w.calm(func() { _, err = w.call("session.Close again", func(context.Context) error { return s.Close() }) })
		}
	}
	if now := w.look().vm(s.ID()); err != nil || !ended(now) {
		w.wrong("closed (%v), and the MicroVM is %s", err, now.State)
	}
}

func (w *worker) useSession(s *session.Session) {
	switch w.rng.IntN(8) {
	case 0:
		_, err := w.call("session.Suspend", s.Suspend)
		if now := w.look().vm(s.ID()); err == nil && now.State != types.MicroVMStateSuspended {
			w.wrong("suspended, and the MicroVM is %s", now.State)
		}
	case 1:
		_, err := w.call("session.Resume", s.Resume)
		if now := w.look().vm(s.ID()); err == nil && now.State != types.MicroVMStateRunning {
			w.wrong("resumed, and the MicroVM is %s", now.State)
		}
	case 2:
		d, err := w.call("session.Attach", func(ctx context.Context) error {
			other, err := session.Attach(ctx, w.client, s.ID(), func(o *session.Options) {
				o.Clock, o.Transport = w.srv.Clock(), &endpoint{w, w.srv}
			})
			if err == nil {
				err = other.Close()
			}
			return err
		})
		w.judgeDelta(d, 0, 0, 0)
		if err == nil && ended(w.look().vm(s.ID())) {
			w.wrong("attached to a MicroVM that has ended")
		}
	case 3:
		w.srv.Advance(13 * time.Minute) // makes tokens expire
		fallthrough
	default:
		w.request(s)
	}
}

func (w *worker) request(s *session.Session) {
	method := []string{http.MethodGet, http.MethodPost}[w.rng.IntN(2)]
	w.names++
	id := fmt.Sprint(w.prefix, w.names)
	status := 0
	d, err := w.call("session."+method, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, method, "/hello", strings.NewReader("a body"))
		if err != nil {
			return err
		}
		r.Header.Set("X-Chaos", id)
		resp, err := s.Client().Do(r)
		if err != nil {
			return err
		}
		status = resp.StatusCode
		_, err = io.ReadAll(resp.Body)
		return errors.Join(err, resp.Body.Close())
	})
	w.judgeDelta(d, 0, 0, 0)
	w.served.Lock()
	count := w.requests[id]
	w.served.Unlock()
	if count > 1 && method == http.MethodPost || count > 3 || err == nil && status == http.StatusOK && count == 0 {
		w.wrong("%d requests got to the application; status %d, error %v", count, status, err)
	}
}

func (w *worker) sweep() {
	img := w.anyImage()
	if img == nil {
		return
	}
	var result *session.SweepResult
	d, err := w.call("session.Sweep", func(ctx context.Context) (err error) {
		result, err = session.Sweep(ctx, w.client, func(o *session.SweepOptions) {
			o.Clock, o.ImageIdentifier = w.srv.Clock(), img.ARN
		})
		return err
	})
	w.judgeDelta(d, 0, 0, 0)
	now := w.look()
	for _, item := range result.Terminated {
		if !ended(now.vm(*item.MicroVMId)) {
			w.wrong("says that it has terminated %s", *item.MicroVMId)
		}
	}
	for _, vm := range now.vms {
		if vm.ImageARN == img.ARN && !ended(&vm) && err == nil {
			w.wrong("%s is left", vm.ID)
		}
	}
}

var _ fake.TB = (*stage)(nil)

// stage stands in for the test that an episode's server wants, and collects its cleanups.
type stage struct{ cleanups []func() }

func (*stage) Helper()             {}
func (*stage) Failed() bool        { return false }
func (*stage) Logf(string, ...any) {}

func (s *stage) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *stage) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}
