package images_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// bucket is an Uploader.
type bucket struct {
	keys []string
	size int64
	err  error
	uri  string // returned instead of that of the key
}

func (s *bucket) Upload(_ context.Context, name string, archive io.ReadSeeker, size int64) (string, error) {
	content, err := io.ReadAll(archive)
	if err != nil || int64(len(content)) != size || !strings.HasPrefix(string(content), "PK") {
		return "", errors.Join(err, errors.New("this is no archive"))
	}
	s.keys, s.size = append(s.keys, name), size
	if s.uri != "" || s.err != nil {
		return s.uri, s.err
	}
	return "s3://bucket/" + name, nil
}

func (b *bench) deploy(d images.Deployment, optFns ...func(*images.DeployOptions)) (*images.Result, error) {
	b.t.Helper()
	return images.Deploy(b.ctx, b.client, d, append([]func(*images.DeployOptions){b.deploying}, optFns...)...)
}

func (b *bench) tags() map[string]string {
	b.t.Helper()
	out, err := b.client.ListTags(b.ctx, &lambdamicrovms.ListTagsInput{Resource: aws.String(appARN)})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.Tags
}

// An unchanged deployment makes at most four calls and packs nothing.
func TestDeployUnchangedIsCheap(t *testing.T) {
	for _, tags := range []map[string]string{nil, {"team": "a"}} {
		b := newBench(t)
		d := b.deployment()
		d.Image.Tags = tags
		if _, err := b.deploy(d); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
		var steps []images.Step
		before := len(b.srv.Calls())
		result, err := b.deploy(d, func(o *images.DeployOptions) {
			o.Progress = func(e images.Event) { steps = append(steps, e.Step) }
		})
		if err != nil || !result.Unchanged {
			t.Errorf("tags %v: got %+v, %v", tags, result, err)
		}
		if calls := len(b.srv.Calls()) - before; calls > 4 {
			t.Errorf("tags %v: %d calls", tags, calls)
		}
		if slices.Contains(steps, images.StepZip) || !slices.Contains(steps, images.StepHash) {
			t.Errorf("tags %v: %v", tags, steps)
		}
		t.Setenv("TMPDIR", t.TempDir())
	}
}

// The temporary directory may be inside the deployed directory.
func TestDeployTemporaryDirectoryInside(t *testing.T) {
	b := newBench(t)
	dir := directory(t, map[string]string{"Dockerfile": "FROM scratch", "tmp/": ""})
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	var names []string
	d := images.Deployment{Image: everything(), Dir: dir, Uploader: images.UploaderFunc(
		func(_ context.Context, name string, archive io.ReadSeeker, _ int64) (string, error) {
			data, err := io.ReadAll(archive)
			_, names = unzip(t, data)
			return "s3://bucket/" + name, err
		})}
	d.Image.CodeArtifact = nil
	if _, err := b.deploy(d); err != nil || !cmp.Equal(names, []string{"Dockerfile", "tmp/"}) {
		t.Errorf("packed %v, %v", names, err)
	}
	if result, err := b.deploy(d); err != nil || !result.Unchanged {
		t.Errorf("again: %+v, %v", result, err)
	}
}

// TestDeploy deploys a directory several times to one image.
func TestDeploy(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	b := newBench(t)
	store := &bucket{}
	dir := directory(t, map[string]string{"Dockerfile": "FROM scratch"})
	d := images.Deployment{Image: everything(), Dir: dir, Uploader: store}
	d.Image.CodeArtifact = nil
	d.Image.Tags = map[string]string{"team": "a"}

	type outcome struct {
		Version, From                    string
		Created, Unchanged               bool
		Changes, Uploads, Builds, Images int
		Tags                             string
	}
	check := func(when string, result *images.Result, err error, want outcome) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", when, err)
			return
		}
		tags := b.tags()
		delete(tags, "lambdamicrovms:content")
		var text strings.Builder
		for _, key := range []string{"team", "other"} {
			if tags[key] != "" {
				text.WriteString(key + "=" + tags[key] + " ")
			}
		}
		got := outcome{
			Version: result.Version, From: result.From, Created: result.Created, Unchanged: result.Unchanged,
			Changes: len(result.Changes), Uploads: len(store.keys), Builds: len(b.versions()), Images: len(b.srv.Calls(fake.CreateMicroVMImage)),
			Tags: strings.TrimSpace(text.String()),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", when, diff)
		}
		if result.Image != appARN {
			t.Errorf("%s: the image is %s", when, result.Image)
		}
	}

	result, err := b.deploy(d)
	check("new", result, err, outcome{Version: "1.0", Created: true, Changes: 16, Uploads: 1, Builds: 1, Images: 1, Tags: "team=a"})
	if want := "s3://bucket/" + store.keys[0]; result.ArtifactURI != want || b.version("1.0").CodeArtifact.(*types.CodeArtifactMemberUri).Value != want {
		t.Errorf("the artifact is %s", result.ArtifactURI)
	}
	result, err = b.deploy(d)
	check("the same", result, err, outcome{Version: "1.0", From: "1.0", Unchanged: true, Uploads: 1, Builds: 1, Images: 1, Tags: "team=a"})

	d.Image.Tags = map[string]string{"other": "b"}
	result, err = b.deploy(d)
	check("other tags", result, err, outcome{Version: "1.0", From: "1.0", Unchanged: true, Uploads: 1, Builds: 1, Images: 1, Tags: "other=b"})

	d.Image.Tags, d.Image.Description = nil, nil
	result, err = b.deploy(d)
	check("another configuration", result, err, outcome{Version: "2.0", From: "1.0", Changes: 1, Uploads: 2, Builds: 2, Images: 1, Tags: "other=b"})
	if want := "- Description: \"all of it\""; result.Changes.String() != want {
		t.Errorf("changes: %v", result.Changes)
	}
	if store.keys[0] != store.keys[1] {
		t.Errorf("the same content has the keys %v", store.keys)
	}

	if err := os.WriteFile(filepath.Join(dir, "main.py"), []byte("print()"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err = b.deploy(d)
	check("another content", result, err, outcome{Version: "3.0", From: "2.0", Changes: 1, Uploads: 3, Builds: 3, Images: 1, Tags: "other=b"})

	if _, err := images.Rollback(b.ctx, b.client, appARN, "", b.clock); err != nil {
		t.Fatal(err)
	}
	result, err = b.deploy(d)
	check("after a rollback", result, err, outcome{Version: "4.0", From: "2.0", Changes: 1, Uploads: 4, Builds: 4, Images: 1, Tags: "other=b"})

	b.update("by somebody else")
	result, err = b.deploy(d)
	check("after somebody else's update", result, err, outcome{Version: "6.0", From: "5.0", Changes: 1, Uploads: 5, Builds: 6, Images: 1, Tags: "other=b"})
	result, err = b.deploy(d, func(o *images.DeployOptions) { o.Reuse = false })
	check("without reuse", result, err, outcome{Version: "7.0", From: "6.0", Uploads: 6, Builds: 7, Images: 1, Tags: "other=b"})

	for _, file := range must(os.ReadDir(temp)) {
		t.Errorf("%s is left behind", file.Name())
	}
}

// After a rollback, the content of the version that is active again needs no build.
// Deploy remembers the last three versions that it built, whatever their URIs.
func TestDeployAfterRollback(t *testing.T) {
	for _, c := range []struct {
		to        string
		deployed  int
		unchanged bool
	}{
		{"3.0", 3, true}, {"2.0", 2, true}, {"2.0", 3, false}, {"3.0", 4, false}, {"1.0", 1, false},
	} {
		t.Run(fmt.Sprintf("%d at %s", c.deployed, c.to), func(t *testing.T) {
			b := newBench(t)
			store := &bucket{uri: "s3://bucket/archive.zip"}
			content := make([]images.Deployment, 5)
			for i := 1; i < len(content); i++ {
				content[i] = images.Deployment{Image: declaration(), Dir: directory(t, map[string]string{"Dockerfile": fmt.Sprint("FROM a:", i)}), Uploader: store}
				content[i].Image.CodeArtifact = nil
				if _, err := b.deploy(content[i]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := images.Rollback(b.ctx, b.client, appARN, c.to, b.clock); err != nil {
				t.Fatal(err)
			}
			remembered := b.tags()["lambdamicrovms:content"]
			for _, dryRun := range []bool{true, false} {
				uploads := len(store.keys)
				result, err := b.deploy(content[c.deployed], func(o *images.DeployOptions) { o.DryRun = dryRun })
				if err != nil {
					t.Fatal(err)
				}
				if result.Unchanged != c.unchanged || c.unchanged && (result.Version != c.to || len(store.keys) != uploads) {
					t.Errorf("dry run %t: %+v, %d uploads", dryRun, result, len(store.keys)-uploads)
				}
			}
			if now := b.tags()["lambdamicrovms:content"]; c.unchanged && now != remembered {
				t.Errorf("the tag changed from %s to %s", remembered, now)
			}
		})
	}
}

// The version that was active before the last deployment stays remembered, however old it
// is: a rollback goes back to it.
func TestDeployRemembersActiveVersion(t *testing.T) {
	b := newBench(t)
	deploy := func(content string) *images.Result {
		return must(b.deploy(images.Deployment{Image: declaration(), ContentHash: content}))
	}
	for _, step := range []struct{ deploy, rollback string }{
		{"a", ""}, {"b", ""}, {"c", "1.0"}, {"d", "1.0"}, {"e", "1.0"},
	} {
		deploy(step.deploy)
		if step.rollback != "" {
			must(images.Rollback(b.ctx, b.client, appARN, step.rollback, b.clock))
		}
	}
	if result := deploy("a"); !result.Unchanged || result.Version != "1.0" {
		t.Errorf("got %+v", result)
	}
}

// An archive at a URI that ends with the key of the content need not have this content:
// only Deploy knows what it has built.
func TestDeployAfterUpdateToItsKey(t *testing.T) {
	b := newBench(t)
	d := b.deployment()
	if _, err := b.deploy(d); err != nil {
		t.Fatal(err)
	}
	key := d.Uploader.(*bucket).keys[0]
	_, err := images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.CodeArtifact = &types.CodeArtifactMemberUri{Value: "s3://elsewhere/" + key}
		return nil
	}, func(o *images.UpdateOptions) { b.clock(&o.Options) })
	if err != nil {
		t.Fatal(err)
	}
	if result, err := b.deploy(d); err != nil || result.Unchanged {
		t.Errorf("got %+v, %v", result, err)
	}
}

// If no response names the version, another program may have started it from other
// content at the same URI.
func TestDeployTagsOnlyItsOwnBuild(t *testing.T) {
	deployment := func(content string) images.Deployment {
		return images.Deployment{Image: declaration(), ContentHash: content}
	}
	b := newBench(t)
	must(b.deploy(deployment("first")))
	client := &overtaken{Client: b.client, lost: once(func() {
		must(b.client.UpdateMicroVMImage(b.ctx, images.InputFrom(b.version("1.0"))))
	})}
	result, err := images.Deploy(b.ctx, client, deployment("mine"), b.deploying)
	if err != nil || result.Version != "2.0" {
		t.Fatalf("got %+v, %v", result, err)
	}
	if result := must(b.deploy(deployment("mine"))); result.Unchanged {
		t.Errorf("unchanged, but %s was built by another program", result.Version)
	}
}

// overtaken loses the first update before it arrives.
type overtaken struct {
	*lambdamicrovms.Client

	lost func()
	sent bool
}

func (c *overtaken) UpdateMicroVMImage(ctx context.Context, in *lambdamicrovms.UpdateMicroVMImageInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
	if !c.sent {
		c.sent = true
		c.lost()
		return nil, &lambdamicrovms.UncertainError{Err: io.ErrUnexpectedEOF}
	}
	return c.Client.UpdateMicroVMImage(ctx, in, optFns...)
}

// An image with the same name as a deleted one does not have its versions.
func TestDeployRecreates(t *testing.T) {
	b := newBench(t)
	for i, content := range []string{"a", "b", "c"} {
		if i == 2 {
			if _, err := b.client.DeleteMicroVMImage(b.ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(appARN)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.deploy(images.Deployment{Image: declaration(), ContentHash: content}); err != nil {
			t.Fatal(err)
		}
	}
	if tag := b.tags()["lambdamicrovms:content"]; !strings.HasPrefix(tag, "1.0/") || strings.Contains(tag, " ") {
		t.Errorf("the tag is %s", tag)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Only the caller knows whether the content at a URI has changed.
func TestDeployURI(t *testing.T) {
	b := newBench(t)
	for i, c := range []struct {
		hash, version string
		unchanged     bool
	}{
		{"", "1.0", false}, {"", "2.0", false}, {"a", "3.0", false}, {"a", "3.0", true}, {"b", "4.0", false}, {"a", "5.0", false}, {"", "6.0", false}, {"a", "7.0", false},
	} {
		result, err := b.deploy(images.Deployment{Image: declaration(), ContentHash: c.hash})
		if err != nil || result.Version != c.version || result.Unchanged != c.unchanged {
			t.Errorf("%d: %+v, %v", i, result, err)
		}
	}
}

func TestDeployRepairs(t *testing.T) {
	b := newBench(t)
	b.srv.Inject(fake.FailBuild{Reason: fake.ReasonContainerBuild}, fake.Nth(1, 2, 4))
	d := images.Deployment{Image: declaration(), ContentHash: "a"}
	var failed *images.BuildFailedError
	for _, c := range []struct{ version, serving string }{{"1.0", ""}, {"2.0", ""}, {"3.0", "-"}, {"4.0", "3.0"}, {"5.0", "-"}} {
		d.Image.Description = &c.version
		result, err := b.deploy(d)
		switch {
		case c.serving == "-":
			if err != nil || result.Version != c.version {
				t.Errorf("%s: %+v, %v", c.version, result, err)
			}
		case !errors.As(err, &failed) || failed.Version != c.version || failed.Serving != c.serving || failed.Workflow != "deploy" || len(failed.Builds) != 2:
			t.Errorf("%s: %v", c.version, err)
		}
	}
	d.Image.Description = aws.String("5.0")
	if result, err := b.deploy(d); err != nil || !result.Unchanged {
		t.Errorf("the tag is not right after failures: %+v, %v", result, err)
	}
}

// Another call creates the image between look-up and creation.
func TestDeployLostRace(t *testing.T) {
	for _, c := range []struct {
		reason, others string
		version        string
		unchanged      bool
	}{
		{"somebody with the same content and configuration", "a", "1.0", true},
		{"somebody with something else", "b", "2.0", false},
	} {
		b := newBench(t)
		d := images.Deployment{Image: declaration(), ContentHash: "a"}
		other := d
		other.ContentHash = c.others
		api := &racing{Client: b.client, create: once(func() { must(b.deploy(other)) })}
		result, err := images.Deploy(b.ctx, api, d, b.deploying)
		if err != nil || result.Version != c.version || result.Unchanged != c.unchanged {
			t.Errorf("%s: %+v, %v", c.reason, result, err)
		}
	}
}

type racing struct {
	*lambdamicrovms.Client
	create func()
}

func (c *racing) CreateMicroVMImage(ctx context.Context, in *lambdamicrovms.CreateMicroVMImageInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMImageOutput, error) {
	c.create()
	return c.Client.CreateMicroVMImage(ctx, in, optFns...)
}

func TestDeployAfterDeletion(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	if _, err := b.client.DeleteMicroVMImage(b.ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(appARN)}); err != nil {
		t.Fatal(err)
	}
	result, err := b.deploy(images.Deployment{Image: declaration()})
	if err != nil || !result.Created || result.Version != "1.0" {
		t.Errorf("%+v, %v", result, err)
	}
	// Another call deletes the image between look-up and update.
	api := &interposed{Client: b.client, update: once(func() {
		if _, err := b.client.DeleteMicroVMImage(b.ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(appARN)}); err != nil {
			t.Fatal(err)
		}
		b.srv.Advance(time.Hour)
	})}
	result, err = images.Deploy(b.ctx, api, images.Deployment{Image: declaration()}, b.deploying)
	if err != nil || !result.Created || result.Version != "1.0" {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestDeployIsSentOnce(t *testing.T) {
	for _, lost := range []int{1, 3, 9, 1000} {
		b := newBench(t, fake.WithFault(fake.LoseAnswer{}, fake.On(fake.CreateMicroVMImage), fake.First(lost)),
			fake.WithFault(fake.LoseAnswer{}, fake.On(fake.UpdateMicroVMImage), fake.First(lost)))
		for _, version := range []string{"1.0", "2.0"} {
			d := images.Deployment{Image: declaration()}
			d.Image.Description = &version
			result, err := b.deploy(d)
			if err != nil || result.Version != version || len(b.versions()) != number(version) {
				t.Errorf("%d responses lost: %+v, %v, versions %v", lost, result, err, b.versions())
			}
		}
		tokens := make(map[string]bool)
		for _, in := range fake.Inputs[lambdamicrovms.CreateMicroVMImageInput](b.srv) {
			tokens[*in.ClientToken] = true
		}
		for _, in := range fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](b.srv) {
			tokens[*in.ClientToken] = true
		}
		if len(tokens) != 2 {
			t.Errorf("%d responses lost: two builds had %d tokens", lost, len(tokens))
		}
	}
}

func TestDeployChecksFirst(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": ""})
	store := &bucket{}
	for _, c := range []struct {
		reason, want string
		change       func(*images.Deployment)
	}{
		{"no name", "Name", func(d *images.Deployment) { d.Image.Name = nil }},
		{"a bad name", "Name", func(d *images.Deployment) { d.Image.Name = aws.String("my app") }},
		{"no artifact", "CodeArtifact", func(d *images.Deployment) { d.Image.CodeArtifact = nil }},
		{"two artifacts", "are mutually exclusive", func(d *images.Deployment) { d.Dir, d.Uploader = dir, store }},
		{"no uploader", "a Dir requires an Uploader", func(d *images.Deployment) { d.Dir, d.Image.CodeArtifact = dir, nil }},
		{"memory", "512, 1024, 2048, 4096, 8192", func(d *images.Deployment) {
			d.Image.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(3000)}}
		}},
		{"hooks", "Hooks.Port", func(d *images.Deployment) {
			d.Dir, d.Uploader, d.Image.CodeArtifact = dir, store, nil
			d.Image.Hooks = &types.Hooks{MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled}}
		}},
	} {
		b := newBench(t)
		d := images.Deployment{Image: declaration()}
		c.change(&d)
		_, err := b.deploy(d)
		var failed *images.Error
		if !errors.As(err, &failed) || failed.Step != images.StepCheck || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.reason, err)
		}
		if len(b.srv.Calls()) > 0 || len(store.keys) > 0 {
			t.Errorf("%s: something was sent", c.reason)
		}
	}

	// Inputs that strict validation rejects can still be sent, in case the service allows
	// them later.
	b := newBench(t)
	d := images.Deployment{Image: declaration()}
	d.Image.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(3000)}}
	var refused *types.ValidationException
	if _, err := b.deploy(d, func(o *images.DeployOptions) { o.Validation = lambdamicrovms.ValidationModel }); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	// The form of the version in responses is accepted.
	d = images.Deployment{Image: declaration()}
	d.Image.BaseImageVersion = aws.String("1.0")
	if _, err := b.deploy(d); err != nil {
		t.Error(err)
	}
}

func TestDeployUploadFails(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": ""})
	full := errors.New("no such bucket")
	for _, store := range []*bucket{{err: full}, {uri: "not a uri"}} {
		b := newBench(t)
		d := images.Deployment{Image: declaration(), Dir: dir, Uploader: store}
		d.Image.CodeArtifact = nil
		_, err := b.deploy(d)
		var failed *images.Error
		var invalid smithy.InvalidParamsError
		if !errors.As(err, &failed) || failed.Step != images.StepUpload || errors.Is(err, full) == errors.As(err, &invalid) {
			t.Errorf("got %v", err)
		}
		if len(b.srv.Calls(fake.CreateMicroVMImage)) > 0 {
			t.Error("an image was created")
		}
	}
	b := newBench(t)
	var refused *images.ArtifactError
	d := images.Deployment{Image: declaration(), Dir: t.TempDir(), Uploader: &bucket{}}
	d.Image.CodeArtifact = nil
	if _, err := b.deploy(d); !errors.As(err, &refused) || len(b.srv.Calls()) > 0 {
		t.Errorf("no Dockerfile: %v", err)
	}
	d.Dir = dir
	if _, err := b.deploy(d, func(o *images.DeployOptions) { o.Zip.MaxFiles = 1; o.Zip.MaxBytes = 1 }); err != nil {
		t.Errorf("within the limits: %v", err)
	}
}

// preparer is an Uploader that records the targets that it is asked about.
type preparer struct {
	bucket
	targets []images.UploadTarget
	refusal error
}

func (p *preparer) PrepareUpload(_ context.Context, target images.UploadTarget) error {
	p.targets = append(p.targets, target)
	return p.refusal
}

// Deploy calls PrepareUpload before it packs the directory, and only if it has to upload.
func TestDeployPreparesUpload(t *testing.T) {
	b := newBench(t)
	store := &preparer{}
	d := b.deployment()
	d.Uploader = store
	var steps []images.Step
	record := func(o *images.DeployOptions) { o.Progress = func(e images.Event) { steps = append(steps, e.Step) } }
	want := []images.UploadTarget{{Image: "app", Region: region}}
	for _, unchanged := range []bool{false, true} {
		if result, err := b.deploy(d, record); err != nil || result.Unchanged != unchanged {
			t.Fatalf("got %+v, %v", result, err)
		}
		if diff := cmp.Diff(want, store.targets); diff != "" {
			t.Errorf("targets (-want +got):\n%s", diff)
		}
	}

	store.refusal, steps = errors.New("the bucket is elsewhere"), nil
	d.Image.Description = aws.String("changed")
	_, err := b.deploy(d, record)
	var failed *images.Error
	if !errors.As(err, &failed) || failed.Step != images.StepUpload || !errors.Is(err, store.refusal) {
		t.Errorf("got %v", err)
	}
	if slices.Contains(steps, images.StepZip) || len(store.keys) != 1 {
		t.Errorf("steps %v, uploads %v", steps, store.keys)
	}
	if diff := cmp.Diff(append(want, want...), store.targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

// The region of an existing image is that of its ARN, and of a new image that of the
// client, without a FIPS mark: buckets have none. A stub may not know it.
func TestDeployUploadRegion(t *testing.T) {
	for _, test := range []struct {
		name   string
		api    func(*bench) images.DeployAPI
		exists bool
		want   string
	}{
		{"new image", func(b *bench) images.DeployAPI { return b.client }, false, region},
		{"new image, FIPS", func(b *bench) images.DeployAPI {
			options := b.srv.Options()
			options.Region = "fips-" + region
			return lambdamicrovms.New(options)
		}, false, region},
		{"stub, new image", func(b *bench) images.DeployAPI { return struct{ images.DeployAPI }{b.client} }, false, ""},
		{"stub, existing image", func(b *bench) images.DeployAPI { return struct{ images.DeployAPI }{b.client} }, true, region},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			if test.exists {
				b.create(everything())
			}
			store := &preparer{}
			d := b.deployment()
			d.Uploader = store
			if _, err := images.Deploy(b.ctx, test.api(b), d, b.deploying); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]images.UploadTarget{{Image: "app", Region: test.want}}, store.targets); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// The image is up to date, but its tags are not.
func TestDeployTagsFail(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.ServerError{}, fake.On(fake.TagResource)))
	b.create(declaration())
	result, err := b.deploy(images.Deployment{Image: declaration(), ContentHash: "a"})
	var failed *images.Error
	if !errors.As(err, &failed) || failed.Step != images.StepTag || result == nil || result.Version != "2.0" {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestDeployContext(t *testing.T) {
	for steps := range 12 {
		b := newBench(t)
		ctx, cancel := context.WithCancel(b.ctx)
		d := images.Deployment{Image: declaration(), Dir: directory(t, map[string]string{"Dockerfile": ""}), Uploader: &bucket{}}
		d.Image.CodeArtifact = nil
		if steps%2 == 0 {
			b.create(declaration())
			b.begin("somebody else's")
		}
		var last images.Event
		calls, over := 0, false
		_, err := images.Deploy(ctx, b.client, d, b.deploying, func(o *images.DeployOptions) {
			left := steps / 2
			o.Progress = func(e images.Event) {
				if left == 0 {
					cancel()
					last, calls, over = e, len(b.srv.Calls()), true
				}
				left--
			}
		})
		cancel()
		if over && !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", last, err)
		}
		if more := len(b.srv.Calls()) - calls; over && more > 0 {
			t.Errorf("after %v: %d more calls", last, more)
		}
	}
}
