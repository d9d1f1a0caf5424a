package images_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// changing lists the operations that a dry run must not call.
var changing = []fake.Operation{
	fake.CreateMicroVMImage, fake.UpdateMicroVMImage, fake.UpdateMicroVMImageVersion, fake.TagResource, fake.UntagResource,
}

func TestUpdateDryRun(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	before := len(b.srv.Calls(changing...))
	result, err := images.Update(b.ctx, b.client, appARN, describe("changed"), b.updating, func(o *images.UpdateOptions) { o.DryRun = true })
	if err != nil {
		t.Fatal(err)
	}
	want := &images.Result{
		Image: appARN, From: "1.0",
		Changes: images.Changes{{Path: "Description", Kind: images.Changed, Old: `"all of it"`, New: `"changed"`}},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("result, -want +got:\n%s", diff)
	}
	if calls := b.srv.Calls(changing...)[before:]; len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
}

// Update returns while the version is being built, and does not report a build that fails
// later.
func TestUpdateNoWait(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	b.srv.Inject(fake.FailBuild{}, fake.On(fake.UpdateMicroVMImage))
	result, err := images.Update(b.ctx, b.client, appARN, describe("changed"), b.updating, func(o *images.UpdateOptions) { o.NoWait = true })
	if err != nil || result.Version != "2.0" || b.latest() != "1.0" {
		t.Errorf("%+v, %v, latest %s", result, err, b.latest())
	}
	if state := b.version("2.0").State; state != types.MicroVMImageVersionStatePending {
		t.Errorf("state %s", state)
	}
}

func TestDeployDryRun(t *testing.T) {
	dir := directory(t, map[string]string{"Dockerfile": "FROM scratch"})
	other := directory(t, map[string]string{"Dockerfile": "FROM other"})
	b := newBench(t)
	d := images.Deployment{Image: declaration(), Dir: dir, Uploader: &bucket{}}
	d.Image.CodeArtifact = nil
	if _, err := b.deploy(d); err != nil {
		t.Fatal(err)
	}
	uri := d.Uploader.(*bucket).keys[0]

	for _, test := range []struct {
		name string
		edit func(*images.Deployment)
		want images.Result
	}{
		{"unchanged", func(*images.Deployment) {}, images.Result{Image: appARN, Version: "1.0", From: "1.0", Unchanged: true}},
		{"configuration", func(d *images.Deployment) { d.Image.Description = aws.String("new") }, images.Result{
			Image: appARN, From: "1.0",
			Changes: images.Changes{{Path: "Description", Kind: images.Added, New: `"new"`}},
		}},
		{"content", func(d *images.Deployment) { d.Dir = other }, images.Result{
			Image: appARN, From: "1.0",
			Changes: images.Changes{{Path: "CodeArtifact.Uri", Kind: images.Changed, Old: `"s3://bucket/` + uri + `"`, New: `"` + hash(t, other) + `"`}},
		}},
		{"tags", func(d *images.Deployment) { d.Image.Tags = map[string]string{"team": "a"} },
			images.Result{
				Image: appARN, Version: "1.0", From: "1.0", Unchanged: true,
				Tags: images.Changes{{Path: `Tags["team"]`, Kind: images.Added, New: `"a"`}},
			}},
		{"new image", func(d *images.Deployment) {
			d.Image.Name, d.Image.Tags = aws.String("new"), map[string]string{"team": "b"}
		}, images.Result{
			Created: true,
			Tags:    images.Changes{{Path: `Tags["team"]`, Kind: images.Added, New: `"b"`}},
			Changes: images.Changes{
				{Path: "BaseImageArn", Kind: images.Added, New: `"` + *declaration().BaseImageArn + `"`},
				{Path: "BuildRoleArn", Kind: images.Added, New: `"` + roleARN + `"`},
				{Path: "CodeArtifact.Uri", Kind: images.Added, New: `"` + hash(t, dir) + `"`},
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted := d
			wanted.Uploader = nil // it is not needed
			test.edit(&wanted)
			before := len(b.srv.Calls(changing...))
			got, err := b.deploy(wanted, func(o *images.DeployOptions) { o.DryRun = true })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if calls := b.srv.Calls(changing...)[before:]; len(calls) > 0 {
				t.Errorf("calls: %v", calls)
			}
		})
	}
}

func hash(t *testing.T, dir string) string {
	t.Helper()
	a, err := images.HashDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return a.Hash
}

// keep is a Configure that keeps settings of an existing image.
func keep(image *lambdamicrovms.CreateMicroVMImageInput, live *lambdamicrovms.UpdateMicroVMImageInput) error {
	if live == nil {
		image.BaseImageArn, image.BuildRoleArn = declaration().BaseImageArn, declaration().BuildRoleArn
		return nil
	}
	image.BaseImageArn, image.BuildRoleArn = live.BaseImageArn, live.BuildRoleArn
	image.EnvironmentVariables, image.Hooks = live.EnvironmentVariables, live.Hooks
	return nil
}

func TestDeployConfigure(t *testing.T) {
	b := newBench(t)
	d := images.Deployment{
		Image:     lambdamicrovms.CreateMicroVMImageInput{Name: aws.String("app")},
		Dir:       directory(t, map[string]string{"Dockerfile": "FROM scratch"}),
		Uploader:  &bucket{},
		Configure: keep,
	}
	if result, err := b.deploy(d); err != nil || !result.Created {
		t.Fatalf("%+v, %v", result, err)
	}
	if _, err := images.Update(b.ctx, b.client, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.EnvironmentVariables, in.Hooks = everything().EnvironmentVariables, everything().Hooks
		in.Description = aws.String("lost, since Configure does not keep it")
		return nil
	}, b.updating); err != nil {
		t.Fatal(err)
	}
	result, err := b.deploy(d)
	if err != nil {
		t.Fatal(err)
	}
	if kinds := result.Changes.Wiped(); len(kinds) != 1 || kinds[0].Path != "Description" {
		t.Errorf("changes:\n%v", result.Changes)
	}
	got := b.version(result.Version)
	if diff := cmp.Diff(everything().EnvironmentVariables, got.EnvironmentVariables); diff != "" {
		t.Error(diff)
	}
	if d.Image.BaseImageArn != nil {
		t.Error("Deploy has changed the caller's Image")
	}

	before := len(b.srv.Calls())
	if result, err := b.deploy(d); err != nil || !result.Unchanged {
		t.Errorf("again: %+v, %v", result, err)
	}
	if calls := len(b.srv.Calls()) - before; calls > 4 {
		t.Errorf("%d calls", calls)
	}
}

func TestDeployConfigureFails(t *testing.T) {
	refused := errors.New("refused")
	const secret = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	existing := everything()
	existing.EnvironmentVariables["PASSWORD"] = secret
	dir := directory(t, map[string]string{"Dockerfile": "FROM scratch"})
	for _, test := range []struct {
		name      string
		configure func(*lambdamicrovms.CreateMicroVMImageInput, *lambdamicrovms.UpdateMicroVMImageInput) error
		want      string
	}{
		{"error", func(*lambdamicrovms.CreateMicroVMImageInput, *lambdamicrovms.UpdateMicroVMImageInput) error {
			return refused
		}, "change: refused"},
		{"incomplete", func(*lambdamicrovms.CreateMicroVMImageInput, *lambdamicrovms.UpdateMicroVMImageInput) error {
			return nil
		}, "BaseImageArn"},
		{"secret", func(*lambdamicrovms.CreateMicroVMImageInput, *lambdamicrovms.UpdateMicroVMImageInput) error {
			return errors.New("cannot use " + secret)
		}, "cannot use [REDACTED]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.create(existing)
			before := len(b.srv.Calls(changing...))
			_, err := b.deploy(images.Deployment{
				Image: lambdamicrovms.CreateMicroVMImageInput{Name: aws.String("app")}, Dir: dir, Uploader: &bucket{}, Configure: test.configure,
			})
			var failed *images.Error
			if !errors.As(err, &failed) || failed.Step != images.StepChange || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if calls := b.srv.Calls(changing...)[before:]; len(calls) > 0 {
				t.Errorf("calls: %v", calls)
			}
		})
	}
}

// Deploy cannot keep a setting that the module does not know.
func TestDeployConfigureUnknownSettings(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	options := b.srv.Options()
	options.HTTPClient = addSetting{options.HTTPClient}
	store := &bucket{}
	_, err := images.Deploy(b.ctx, lambdamicrovms.New(options), images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{Name: aws.String("app")},
		Dir:   directory(t, map[string]string{"Dockerfile": "FROM scratch"}), Uploader: store, Configure: keep,
	}, b.deploying)
	var refused *images.VersionError
	if !errors.As(err, &refused) || !strings.Contains(refused.Problem, "codeArtifact.sha256") {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(b.versions(), []string{"1.0"}) || len(store.keys) > 0 {
		t.Errorf("versions %v, uploads %v", b.versions(), store.keys)
	}
}

// Configure runs again if another caller creates the image between the list and the
// request. The archive is not uploaded again.
func TestDeployConfigureLostRace(t *testing.T) {
	b := newBench(t)
	store := &bucket{}
	api := &racing{Client: b.client, create: once(func() { b.create(everything()) })}
	result, err := images.Deploy(b.ctx, api, images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{Name: aws.String("app")},
		Dir:   directory(t, map[string]string{"Dockerfile": "FROM scratch"}), Uploader: store, Configure: keep,
	}, b.deploying)
	if err != nil || result.Version != "2.0" || len(store.keys) != 1 {
		t.Fatalf("%+v, %v, uploads %v", result, err, store.keys)
	}
	got := b.version("2.0")
	want := &types.CodeArtifactMemberUri{Value: "s3://bucket/" + store.keys[0]}
	if diff := cmp.Diff([]any{want, everything().EnvironmentVariables}, []any{got.CodeArtifact, got.EnvironmentVariables}); diff != "" {
		t.Error(diff)
	}
}
