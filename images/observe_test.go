package images_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// observed replaces the client by one that records spans in trace. With option, a
// workflow logs to text.
func (b *bench) observed() (trace *clienttest.Trace, text *strings.Builder, option func(*images.DeployOptions)) {
	trace, text = &clienttest.Trace{}, &strings.Builder{}
	options := b.srv.Options()
	options.TracerProvider = trace
	b.client = lambdamicrovms.New(options)
	return trace, text, func(o *images.DeployOptions) { o.Logger = clienttest.Logger(text, slog.LevelInfo) }
}

// ofWorkflow returns a function that reports whether a span is that of a workflow, a step
// or a call. It leaves out repeated polls, because their number depends on the jitter.
func ofWorkflow() func(*clienttest.Span) bool {
	polled := map[*clienttest.Span]bool{}
	return func(s *clienttest.Span) bool {
		isCall := strings.HasPrefix(s.Name(), lambdamicrovms.ServiceID+".")
		for p := s.Parent; p != nil; p = p.Parent {
			if strings.HasPrefix(p.Name(), lambdamicrovms.ServiceID+".") {
				return false
			}
		}
		repeated := isCall && polled[s.Parent]
		polled[s.Parent] = polled[s.Parent] || isCall
		return !repeated
	}
}

// A deployment is one trace, and each step is a record.
func TestDeployObserved(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	trace, text, observed := b.observed()
	if _, err := b.deploy(b.deployment(), observed); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"images.Deploy",
		"  hash",
		"  find",
		"    Lambda Microvms.ListMicrovmImages",
		"  wait for image",
		"    Lambda Microvms.GetMicrovmImage",
		"  read",
		"    Lambda Microvms.ListMicrovmImageVersions",
		"  zip",
		"  upload",
		"  read",
		"    Lambda Microvms.ListMicrovmImageVersions",
		"  update",
		"    Lambda Microvms.UpdateMicrovmImage",
		"  wait for build",
		"    Lambda Microvms.GetMicrovmImageVersion",
		"  tag",
		"    Lambda Microvms.TagResource",
	}
	if diff := cmp.Diff(want, trace.Tree(ofWorkflow())); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	whole := map[string]string{"error": "false", "lambdamicrovms.image": appARN, "lambdamicrovms.version": "2.0"}
	if diff := cmp.Diff(whole, trace.Named("images.Deploy").Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	const image = " image=" + appARN
	records := []string{ // sorted, because "hash" may end at any time before "zip"
		`level=INFO msg="deploy: hash" image=app`,
		`level=INFO msg="deploy: find" image=app`,
		`level=INFO msg="deploy: wait for image"` + image,
		`level=INFO msg="deploy: zip"` + image,
		`level=INFO msg="deploy: upload"` + image,
		`level=INFO msg="deploy: update"` + image,
		`level=INFO msg="deploy: wait for build"` + image + " version=2.0",
		`level=INFO msg="deploy: tag"` + image,
		`level=INFO msg=deploy` + image + " version=2.0",
	}
	got := strings.Split(strings.TrimSpace(text.String()), "\n")
	slices.Sort(records)
	slices.Sort(got)
	if diff := cmp.Diff(records, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// The first deployment of an image finds none, which is not a failure.
func TestNewImageObserved(t *testing.T) {
	b := newBench(t)
	trace, text, observed := b.observed()
	if _, err := b.deploy(b.deployment(), observed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"error": "false", "lambdamicrovms.image": "app"}, trace.Named("find").Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	if strings.Contains(text.String(), "WARN") {
		t.Errorf("a warning:\n%s", text)
	}
}

// A failed build is the failure of its step and of the workflow, without secrets.
func TestFailedDeployObserved(t *testing.T) {
	const secret = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	b := newBench(t)
	b.srv.Inject(fake.FailBuild{Reason: "cannot reach " + secret})
	trace, text, observed := b.observed()
	d := b.deployment()
	d.Image.EnvironmentVariables["PASSWORD"] = secret
	if _, err := b.deploy(d, observed); err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"images.Deploy", "wait for build"} {
		s := trace.Named(name)
		if message := s.Properties["exception.message"]; !strings.Contains(message, "[REDACTED]") || s.Ends != 1 {
			t.Errorf("span %s: %q, ended %d times", name, message, s.Ends)
		}
	}
	for _, message := range []string{`level=WARN msg="deploy: wait for build"`, "level=WARN msg=deploy"} {
		if !strings.Contains(text.String(), message) {
			t.Errorf("no %q in the log:\n%s", message, text)
		}
	}
	spans := strings.Join(trace.Tree(func(s *clienttest.Span) bool { return s.Parent == nil || s.Parent.Parent == nil }), "\n")
	if all := text.String() + spans; strings.Contains(all, secret[:20]) {
		t.Errorf("the secret is in\n%s", all)
	}
}

// Each workflow has a span of its own.
func TestWorkflowsObserved(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	b.update("second")
	trace, _, _ := b.observed()
	if _, err := images.Update(b.ctx, b.client, appARN, nil); err != nil {
		t.Error(err)
	}
	if _, err := images.Rollback(b.ctx, b.client, appARN, ""); err != nil {
		t.Error(err)
	}
	if _, err := images.SyncTags(b.ctx, b.client, appARN, map[string]string{"team": "a"}); err != nil {
		t.Error(err)
	}
	if _, err := images.Prune(b.ctx, b.client, appARN, 1); err != nil {
		t.Error(err)
	}
	got := trace.Tree(func(s *clienttest.Span) bool { return s.Parent == nil })
	want := []string{"images.Update", "images.Rollback", "images.SyncTags", "images.Prune"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A step that panics is not recorded as one that succeeded.
func TestPanicRecorded(t *testing.T) {
	b := newBench(t)
	d := b.deployment()
	d.Uploader = images.UploaderFunc(func(context.Context, string, io.ReadSeeker, int64) (string, error) { panic("no luck") })
	var text strings.Builder
	func() {
		defer func() { _ = recover() }()
		_, _ = b.deploy(d, func(o *images.DeployOptions) { o.Logger = clienttest.Logger(&text, slog.LevelInfo) })
	}()
	for _, want := range []string{`level=WARN msg="deploy: upload"`, `level=WARN msg=deploy`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}
