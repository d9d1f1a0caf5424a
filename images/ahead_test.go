package images_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/tracing"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// stalls is how long a test waits for a signal before it fails.
const stalls = 30 * time.Second

// await waits for a signal from something that must run at the same time.
func await(t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(stalls):
		t.Errorf("%s does not happen meanwhile", what)
	}
}

// paused is a tracer provider whose context of the step "hash" calls a function before
// the last file is read.
type paused struct {
	*clienttest.Trace
	checks int // of the context's error until then
	last   func()
}

func (p *paused) Tracer(scope string, opts ...tracing.TracerOption) tracing.Tracer {
	p.Trace.Tracer(scope, opts...)
	return p
}

func (p *paused) StartSpan(ctx context.Context, name string, opts ...tracing.SpanOption) (context.Context, tracing.Span) {
	ctx, span := p.Trace.StartSpan(ctx, name, opts...)
	if name == string(images.StepHash) {
		ctx = hooked{ctx, func(call int) {
			if call == p.checks {
				p.last()
			}
		}, new(int)}
	}
	return ctx, span
}

// hashing is a bench whose deployments call a function before they read the last file of
// the directory, which is called "z".
func hashing(t *testing.T, last func(dir string)) (*bench, *interposed, *clienttest.Trace, images.Deployment) {
	b := newBench(t)
	d := b.deployment()
	d.Dir = directory(t, map[string]string{"Dockerfile": "FROM scratch", "z": ""})
	checks := hook(func(int) {})
	if _, err := images.HashDir(checks, d.Dir); err != nil {
		t.Fatal(err)
	}
	trace := &clienttest.Trace{}
	options := b.srv.Options()
	options.TracerProvider = &paused{trace, *checks.call, func() { last(d.Dir) }}
	return b, &interposed{Client: lambdamicrovms.New(options)}, trace, d
}

// The directory is hashed during the calls that find the image and its versions: here it
// waits for the last of them.
func TestDeployHashesDuringCalls(t *testing.T) {
	for _, exists := range []bool{false, true} {
		called := make(chan struct{})
		b, client, trace, d := hashing(t, func(string) { await(t, called, "the call") })
		signal := once(func() { close(called) })
		if exists {
			b.create(everything())
			client.list = signal
		} else {
			client.find = func(context.Context) error { signal(); return nil }
		}
		result, err := images.Deploy(b.ctx, client, d, b.deploying)
		if err != nil || result.Created == exists {
			t.Errorf("exists %v: %+v, %v", exists, result, err)
		}
		if hash := trace.Named("hash"); hash.Ends != 1 {
			t.Errorf("exists %v: hashed %d times", exists, hash.Ends)
		}
	}
}

// An error of the directory ends the calls. If both fail, it is returned, whichever was
// first. Nothing runs when Deploy returns.
func TestDeployHashFails(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	for _, test := range []struct {
		name    string
		find    func(ctx context.Context) error
		remove  bool // a file that was listed
		ordered bool // the call ends first
		want    error
	}{
		{"the directory", func(ctx context.Context) error {
			await(t, ctx.Done(), "the end of the call")
			return ctx.Err()
		}, true, false, os.ErrNotExist},
		{"both", func(context.Context) error { return denied }, true, true, os.ErrNotExist},
		{"the service", func(context.Context) error { return denied }, false, true, denied},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := make(chan struct{})
			b, client, trace, d := hashing(t, func(dir string) {
				await(t, found, "the call")
				if test.remove {
					if err := os.Remove(filepath.Join(dir, "z")); err != nil {
						t.Error(err)
					}
				}
			})
			signal := once(func() { close(found) })
			client.find = func(ctx context.Context) error {
				if !test.ordered {
					signal()
				}
				err := test.find(ctx)
				signal()
				return err
			}
			_, err := images.Deploy(b.ctx, client, d, b.deploying)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			for _, s := range trace.Spans {
				if s.Ends != 1 {
					t.Errorf("%s has ended %d times", s.Name(), s.Ends)
				}
			}
		})
	}
}

// hearing is a log handler that calls a function with each message.
type hearing struct {
	slog.Handler
	hear func(string)
}

// Enabled leaves out the events at the beginning of steps, which have the same message.
func (h hearing) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h hearing) Handle(_ context.Context, r slog.Record) error {
	h.hear(r.Message)
	return nil
}

// busy is a deployment while another update is being built. The second poll waits until
// the directory has been packed, whether that fails or not.
func busy(t *testing.T) (b *bench, client *interposed, deploy func(images.Deployment) (*images.Result, []images.Step, error)) {
	b = newBench(t)
	b.create(everything())
	b.begin("somebody else's")
	packed, polls := make(chan struct{}), 0
	client = &interposed{Client: b.client, get: func() {
		if polls++; polls == 2 {
			await(t, packed, "packing")
		}
	}}
	heard := sync.OnceFunc(func() { close(packed) })
	return b, client, func(d images.Deployment) (*images.Result, []images.Step, error) {
		var steps []images.Step
		result, err := images.Deploy(b.ctx, client, d, b.deploying, func(o *images.DeployOptions) {
			o.Progress = func(e images.Event) {
				if len(steps) == 0 || steps[len(steps)-1] != e.Step {
					steps = append(steps, e.Step)
				}
			}
			o.Logger = slog.New(hearing{slog.DiscardHandler, func(message string) {
				if message == "deploy: zip" {
					heard()
				}
			}})
		})
		return result, steps, err
	}
}

// temporary makes an empty directory the one for temporary files.
func temporary(t *testing.T) (dir string) {
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// checkEmpty finds files that are left in a directory. On Linux it also finds open files
// that were removed.
func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	const all = "/proc/self/fd"
	descriptors, _ := os.ReadDir(all) // other systems have none
	for _, fd := range descriptors {
		if file, err := os.Readlink(filepath.Join(all, fd.Name())); err == nil && strings.HasPrefix(file, dir) {
			t.Errorf("open: %s", file)
		}
	}
}

// The directory is packed while the image is busy, and once only.
func TestDeployPacksWhileBusy(t *testing.T) {
	b, _, deploy := busy(t)
	d := b.deployment()
	temp := temporary(t)
	result, steps, err := deploy(d)
	if err != nil || result.Version != "3.0" {
		t.Errorf("got %+v, %v", result, err)
	}
	want := []images.Step{
		images.StepHash, images.StepFind, images.StepWaitForImage, images.StepZip, images.StepWaitForImage,
		images.StepUpload, images.StepUpdate, images.StepWaitForBuild, images.StepTag,
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if key := "app/" + strings.TrimPrefix(hash(t, d.Dir), "sha256:") + ".zip"; !cmp.Equal(d.Uploader.(*bucket).keys, []string{key}) {
		t.Errorf("uploaded %v, not %s", d.Uploader.(*bucket).keys, key)
	}
	checkEmpty(t, temp)
	if again, err := b.deploy(d); err != nil || !again.Unchanged {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// If packing fails while the image is busy, Deploy packs again at the usual time. Only if
// that fails as well does Deploy return an error.
func TestDeployPacksAgain(t *testing.T) {
	for _, repaired := range []bool{true, false} {
		b, client, deploy := busy(t)
		d := b.deployment()
		temp := temporary(t)
		t.Setenv("TMPDIR", filepath.Join(temp, "nowhere"))
		client.list = once(func() {
			if repaired {
				t.Setenv("TMPDIR", temp)
			}
		})
		result, steps, err := deploy(d)
		if repaired && (err != nil || result.Version != "3.0") {
			t.Errorf("got %+v, %v", result, err)
		}
		var failed *images.Error
		if !repaired && (!errors.As(err, &failed) || failed.Step != images.StepZip || !errors.Is(err, os.ErrNotExist)) {
			t.Errorf("got %v", err)
		}
		zips := 0
		for _, step := range steps {
			if step == images.StepZip {
				zips++
			}
		}
		if zips != 2 {
			t.Errorf("packed %d times: %v", zips, steps)
		}
		checkEmpty(t, temp)
	}
}

// An archive that was packed ahead and is not uploaded is removed.
func TestDeployRefusedAfterWait(t *testing.T) {
	temp := temporary(t)
	b, _, deploy := busy(t)
	d := b.deployment()
	full := errors.New("full")
	d.Uploader = &preparer{refusal: full}
	if _, _, err := deploy(d); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	checkEmpty(t, temp)
}

// The update that Deploy waits for may be the same deployment by somebody else.
func TestDeployUnchangedAfterWait(t *testing.T) {
	temp := temporary(t)
	b, client, deploy := busy(t)
	d := b.deployment()
	poll, polls := client.get, 0
	client.get = func() {
		poll()
		if polls++; polls == 2 {
			if _, err := b.deploy(d); err != nil {
				t.Error(err)
			}
		}
	}
	if result, _, err := deploy(d); err != nil || !result.Unchanged {
		t.Errorf("got %+v, %v", result, err)
	}
	checkEmpty(t, temp)
}

// unending is a tracer provider whose step "zip" does not end before its context.
type unending struct{ *clienttest.Trace }

func (e unending) Tracer(scope string, opts ...tracing.TracerOption) tracing.Tracer {
	e.Trace.Tracer(scope, opts...)
	return e
}

func (e unending) StartSpan(ctx context.Context, name string, opts ...tracing.SpanOption) (context.Context, tracing.Span) {
	ctx, span := e.Trace.StartSpan(ctx, name, opts...)
	if name == string(images.StepZip) {
		ctx = ending{ctx}
	}
	return ctx, span
}

// ending is a context that waits for its end when its error is checked.
type ending struct{ context.Context }

func (e ending) Err() error {
	<-e.Done()
	return e.Context.Err()
}

// If an archive that is packed ahead is not needed, its step ends early. That is not a
// failure.
func TestDeployStopsPacking(t *testing.T) {
	temp := temporary(t)
	b := newBench(t)
	b.create(everything())
	b.begin("somebody else's")
	trace, text := &clienttest.Trace{}, &strings.Builder{}
	options := b.srv.Options()
	options.TracerProvider = unending{trace}
	full := errors.New("full")
	d := b.deployment()
	d.Uploader = &preparer{refusal: full}
	_, err := images.Deploy(b.ctx, lambdamicrovms.New(options), d, b.deploying, func(o *images.DeployOptions) {
		o.Logger = clienttest.Logger(text, slog.LevelInfo)
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if zip := trace.Named("zip"); zip.Ends != 1 || zip.Status != tracing.SpanStatusOK {
		t.Errorf("the span has ended %d times, with status %v", zip.Ends, zip.Status)
	}
	if !strings.Contains(text.String(), `level=INFO msg="deploy: zip"`) {
		t.Errorf("records:\n%s", text)
	}
	checkEmpty(t, temp)
}

// A panic of the caller's code in a goroutine of Deploy becomes a panic of Deploy, which
// the caller can recover. Goexit becomes an error, or Deploy packs again.
func TestDeployPanics(t *testing.T) {
	for _, message := range []string{"deploy: hash", "deploy: zip"} {
		for name, end := range map[string]func(){"panic": func() { panic("no luck") }, "Goexit": runtime.Goexit} {
			t.Run(message+" "+name, func(t *testing.T) {
				temp := temporary(t)
				b := newBench(t)
				b.create(everything())
				b.begin("somebody else's")
				d := b.deployment()
				var err error
				var panicked any
				first := once(end)
				func() {
					defer func() { panicked = recover() }()
					_, err = images.Deploy(b.ctx, b.client, d, b.deploying, func(o *images.DeployOptions) {
						o.Logger = slog.New(hearing{slog.DiscardHandler, func(m string) {
							if m == message {
								first()
							}
						}})
					})
				}()
				if name == "panic" && panicked != "no luck" {
					t.Errorf("the panic is %v", panicked)
				}
				if name == "Goexit" && (panicked != nil || (err == nil) != (message == "deploy: zip")) {
					t.Errorf("got %v, the panic is %v", err, panicked)
				}
				checkEmpty(t, temp)
			})
		}
	}
}
