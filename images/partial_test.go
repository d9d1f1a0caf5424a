package images_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// edited is a client that changes outputs before it returns them.
type edited struct {
	*lambdamicrovms.Client
	edit func(out any) (isNil bool)
	sent []string // operations
}

func editOutput[I, O any](ctx context.Context, e *edited, call func(context.Context, *I, ...func(*lambdamicrovms.Options)) (*O, error), in *I) (*O, error) {
	out, err := call(ctx, in)
	e.sent = append(e.sent, fmt.Sprintf("%T", in))
	if err == nil && e.edit != nil && e.edit(out) {
		return nil, nil
	}
	return out, err
}

func (e *edited) CreateMicroVMImage(ctx context.Context, in *lambdamicrovms.CreateMicroVMImageInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMImageOutput, error) {
	return editOutput(ctx, e, e.Client.CreateMicroVMImage, in)
}

func (e *edited) UpdateMicroVMImage(ctx context.Context, in *lambdamicrovms.UpdateMicroVMImageInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
	return editOutput(ctx, e, e.Client.UpdateMicroVMImage, in)
}

func (e *edited) GetMicroVMImage(ctx context.Context, in *lambdamicrovms.GetMicroVMImageInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	return editOutput(ctx, e, e.Client.GetMicroVMImage, in)
}

func (e *edited) GetMicroVMImageVersion(ctx context.Context, in *lambdamicrovms.GetMicroVMImageVersionInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMImageVersionOutput, error) {
	return editOutput(ctx, e, e.Client.GetMicroVMImageVersion, in)
}

func (e *edited) ListMicroVMImages(ctx context.Context, in *lambdamicrovms.ListMicroVMImagesInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImagesOutput, error) {
	return editOutput(ctx, e, e.Client.ListMicroVMImages, in)
}

func (e *edited) ListMicroVMImageVersions(ctx context.Context, in *lambdamicrovms.ListMicroVMImageVersionsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImageVersionsOutput, error) {
	return editOutput(ctx, e, e.Client.ListMicroVMImageVersions, in)
}

func (e *edited) ListMicroVMImageBuilds(ctx context.Context, in *lambdamicrovms.ListMicroVMImageBuildsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImageBuildsOutput, error) {
	return editOutput(ctx, e, e.Client.ListMicroVMImageBuilds, in)
}

func (e *edited) ListMicroVMs(ctx context.Context, in *lambdamicrovms.ListMicroVMsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMsOutput, error) {
	return editOutput(ctx, e, e.Client.ListMicroVMs, in)
}

func (e *edited) ListTags(ctx context.Context, in *lambdamicrovms.ListTagsInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListTagsOutput, error) {
	return editOutput(ctx, e, e.Client.ListTags, in)
}

func (e *edited) UpdateMicroVMImageVersion(ctx context.Context, in *lambdamicrovms.UpdateMicroVMImageVersionInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UpdateMicroVMImageVersionOutput, error) {
	return editOutput(ctx, e, e.Client.UpdateMicroVMImageVersion, in)
}

func (e *edited) DeleteMicroVMImageVersion(ctx context.Context, in *lambdamicrovms.DeleteMicroVMImageVersionInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.DeleteMicroVMImageVersionOutput, error) {
	return editOutput(ctx, e, e.Client.DeleteMicroVMImageVersion, in)
}

// on edits the outputs of one operation.
func on[O any](edit func(*O)) func(any) bool {
	return func(out any) bool {
		if out, ok := out.(*O); ok {
			edit(out)
		}
		return false
	}
}

// missing makes a client return neither output nor error from one operation.
func missing[O any](out any) bool {
	_, ok := out.(*O)
	return ok
}

func empty[O any](out *O) { *out = *new(O) }

// requests counts the requests with this input.
func requests[I any](e *edited) int {
	n := 0
	for _, sent := range e.sent {
		if sent == fmt.Sprintf("%T", new(I)) {
			n++
		}
	}
	return n
}

func TestUpdateThatDoesNotNameItsVersion(t *testing.T) {
	type output = lambdamicrovms.UpdateMicroVMImageOutput
	version := func(v *string) func(any) bool { return on(func(out *output) { out.ImageVersion = v }) }
	for name, edit := range map[string]func(any) bool{
		"no output":     missing[output],
		"empty output":  on(empty[output]),
		"no version":    version(nil),
		"empty version": version(aws.String("")),
		"v2":            version(aws.String("v2")),
		"older":         version(aws.String("1.0")),
		"overflow":      version(aws.String("99999999999999999999.0")),
		"minor":         version(aws.String("2.1")),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.create(declaration())
			api := &edited{Client: b.client, edit: edit}
			result, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating, func(o *images.UpdateOptions) { o.Retries = 3 })
			if err != nil || result.Version != "2.0" {
				t.Errorf("got %+v, %v", result, err)
			}
			deployed, err := images.Deploy(b.ctx, api, images.Deployment{Image: declaration()}, b.deploying)
			if err != nil || deployed.Version != "3.0" {
				t.Errorf("deploy: got %+v, %v", deployed, err)
			}
			if diff := cmp.Diff([]string{"1.0", "2.0", "3.0"}, b.versions()); diff != "" {
				t.Errorf("versions, -want +got:\n%s", diff)
			}
			if n := requests[lambdamicrovms.UpdateMicroVMImageInput](api); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestCreateThatDoesNotNameItsImage(t *testing.T) {
	type output = lambdamicrovms.CreateMicroVMImageOutput
	for name, edit := range map[string]func(any) bool{
		"no output":     missing[output],
		"empty output":  on(empty[output]),
		"no ARN":        on(func(out *output) { out.ImageArn = nil }),
		"empty ARN":     on(func(out *output) { out.ImageArn = aws.String("") }),
		"a name":        on(func(out *output) { out.ImageArn = out.Name }),
		"no version":    on(func(out *output) { out.ImageVersion = nil }),
		"empty version": on(func(out *output) { out.ImageVersion = aws.String("") }),
		"v1":            on(func(out *output) { out.ImageVersion = aws.String("v1") }),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			api := &edited{Client: b.client, edit: edit}
			result, err := images.Deploy(b.ctx, api, images.Deployment{Image: declaration(), ContentHash: "a"}, b.deploying)
			if err != nil || result.Image != appARN || result.Version != "1.0" || !result.Created {
				t.Errorf("got %+v, %v", result, err)
			}
			if n := requests[lambdamicrovms.CreateMicroVMImageInput](api); n != 1 {
				t.Errorf("%d requests", n)
			}
			again, err := images.Deploy(b.ctx, api, images.Deployment{Image: declaration(), ContentHash: "a"}, b.deploying)
			if err != nil || !again.Unchanged {
				t.Errorf("again: got %+v, %v", again, err)
			}
		})
	}
}

// swallowed reports success for builds that it does not start.
type swallowed struct {
	*lambdamicrovms.Client
	requests int
}

func (c *swallowed) CreateMicroVMImage(context.Context, *lambdamicrovms.CreateMicroVMImageInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.CreateMicroVMImageOutput, error) {
	c.requests++
	return &lambdamicrovms.CreateMicroVMImageOutput{}, nil
}

func (c *swallowed) UpdateMicroVMImage(context.Context, *lambdamicrovms.UpdateMicroVMImageInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
	c.requests++
	return &lambdamicrovms.UpdateMicroVMImageOutput{}, nil
}

func TestBuildThatLeavesNoTrace(t *testing.T) {
	b := newBench(t)
	api := &swallowed{Client: b.client}
	_, createErr := images.Deploy(b.ctx, api, images.Deployment{Image: declaration()}, b.deploying)
	b.create(declaration())
	changed := declaration()
	changed.Description = aws.String("new")
	_, deployErr := images.Deploy(b.ctx, api, images.Deployment{Image: changed}, b.deploying)
	_, updateErr := images.Update(b.ctx, api, appARN, describe("new"), b.updating, func(o *images.UpdateOptions) { o.Retries = 3 })
	for _, err := range []error{createErr, deployErr, updateErr} {
		var unknown *images.UnknownOutcomeError
		if !errors.As(err, &unknown) {
			t.Errorf("got %v, want an *UnknownOutcomeError", err)
		}
	}
	if api.requests != 3 {
		t.Errorf("%d requests, want one of each call", api.requests)
	}
}

// readings are incomplete or contradictory outputs. For each of them a workflow must read
// again or fail.
func readings() map[string]func(any) bool {
	type (
		list    = lambdamicrovms.ListMicroVMImageVersionsOutput
		version = lambdamicrovms.GetMicroVMImageVersionOutput
		found   = lambdamicrovms.ListMicroVMImagesOutput
	)
	first := func(edit func(*types.MicroVMImageVersionSummary)) func(any) bool {
		return on(func(out *list) {
			if len(out.Items) > 0 {
				edit(&out.Items[0])
			}
		})
	}
	return map[string]func(any) bool{
		"versions: no output":    missing[list],
		"versions: empty output": on(empty[list]),
		"versions: no number":    first(func(v *types.MicroVMImageVersionSummary) { v.ImageVersion = nil }),
		"versions: v1":           first(func(v *types.MicroVMImageVersionSummary) { v.ImageVersion = aws.String("v1") }),
		"versions: no state":     first(func(v *types.MicroVMImageVersionSummary) { v.State = "" }),
		"versions: no status":    first(func(v *types.MicroVMImageVersionSummary) { v.Status = "" }),
		"versions: one twice":    on(func(out *list) { out.Items = append(out.Items, out.Items[0]) }),
		"configs: no artifact":   on(func(out *list) { out.Items[len(out.Items)-1].CodeArtifact = nil }),
		"configs: no role":       on(func(out *list) { out.Items[len(out.Items)-1].BuildRoleArn = nil }),
		"configs: no base":       on(func(out *list) { out.Items[len(out.Items)-1].BaseImageArn = nil }),
		"version: no output":     missing[version],
		"version: empty output":  on(empty[version]),
		"version: another":       on(func(out *version) { out.ImageVersion = aws.String("7.0") }),
		"version: no artifact":   on(func(out *version) { out.CodeArtifact = nil }),
		"version: no role":       on(func(out *version) { out.BuildRoleArn = aws.String("") }),
		"version: no base":       on(func(out *version) { out.BaseImageArn = nil }),
		"images: no output":      missing[found],
		"images: empty output":   on(empty[found]),
		"known: state":           on(func(out *list) { out.Items[len(out.Items)-1].State = "ARCHIVING" }),
		"known: status":          on(func(out *list) { out.Items[len(out.Items)-1].Status = "RESERVED" }),
		"images: another's ARN":  on(func(out *found) { out.Items[0].ImageArn = aws.String(appARN + "-2") }),
		"images: another name":   on(func(out *found) { out.Items[0].Name = aws.String("garbage") }),
		"images: no ARN":         on(func(out *found) { out.Items[0].ImageArn = nil }),
		"images: no name":        on(func(out *found) { out.Items[0].Name = nil }),
		"images: neither":        on(func(out *found) { out.Items[0] = types.MicroVMImageSummary{} }),
	}
}

func TestReadingsWithoutWhatIsNeeded(t *testing.T) {
	workflows := map[string]struct {
		reads []string
		run   func(*bench, *edited) error
	}{
		"Update": {[]string{"versions", "version", "configs", "known"}, func(b *bench, api *edited) error {
			_, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating, func(o *images.UpdateOptions) { o.Retries = 3 })
			return err
		}},
		"Deploy": {[]string{"versions", "images", "configs"}, func(b *bench, api *edited) error {
			_, err := images.Deploy(b.ctx, api, images.Deployment{Image: everything()}, b.deploying)
			return err
		}},
		"Prune": {[]string{"versions"}, func(b *bench, api *edited) error {
			_, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
			return err
		}},
		"Rollback": {[]string{"versions", "known"}, func(b *bench, api *edited) error {
			_, err := images.Rollback(b.ctx, api, appARN, "", b.clock)
			return err
		}},
		"Find": {[]string{"images"}, func(b *bench, api *edited) error {
			_, err := images.Find(b.ctx, api, "app")
			return err
		}},
	}
	for reading, edit := range readings() {
		for name, w := range workflows {
			for _, kind := range w.reads {
				if reading[:len(kind)+1] != kind+":" {
					continue
				}
				t.Run(name+"/"+reading, func(t *testing.T) {
					b := newBench(t)
					b.create(declaration())
					b.update("second")
					before := b.version("1.0")

					err := w.run(b, &edited{Client: b.client, edit: edit})
					var failed *images.Error
					var unreadable *smithy.DeserializationError
					if !errors.As(err, &failed) || !errors.As(err, &unreadable) {
						t.Errorf("got %v, want an *Error around a *smithy.DeserializationError", err)
					}
					if got := b.versions(); !cmp.Equal([]string{"1.0", "2.0"}, got) || b.version("1.0").Status != before.Status {
						t.Errorf("something has changed: %v", got)
					}
					if name == "Find" {
						return
					}

					once := true // unreadable outputs are requested again
					err = w.run(b, &edited{Client: b.client, edit: func(out any) bool {
						if probe := fmt.Sprintf("%T", out); once && isReading(kind, probe) {
							once = false
							return edit(out)
						}
						return false
					}})
					if err != nil {
						t.Errorf("unreadable once: %v", err)
					}
				})
			}
		}
	}
}

func isReading(kind, output string) bool {
	return output == map[string]string{
		"versions": "*lambdamicrovms.ListMicroVMImageVersionsOutput",
		"known":    "*lambdamicrovms.ListMicroVMImageVersionsOutput",
		"configs":  "*lambdamicrovms.ListMicroVMImageVersionsOutput",
		"version":  "*lambdamicrovms.GetMicroVMImageVersionOutput",
		"images":   "*lambdamicrovms.ListMicroVMImagesOutput",
	}[kind]
}

func TestFindByARN(t *testing.T) {
	b := newBench(t)
	other := declaration()
	other.Name = aws.String("app-2")
	b.create(other)
	api := &edited{Client: b.client, edit: on(func(out *lambdamicrovms.ListMicroVMImagesOutput) {
		for i := range out.Items {
			out.Items[i].Name = nil
		}
	})}
	var missing *images.NotFoundError
	if _, err := images.Find(b.ctx, api, "app"); !errors.As(err, &missing) {
		t.Errorf("got %v: the ARN of the image without a name says that it is another", err)
	}
}

// The version of a MicroVM may be missing or malformed.
func TestPruneKeepsWhatMayBeInUse(t *testing.T) {
	type output = lambdamicrovms.ListMicroVMsOutput
	vm := func(version *string, state types.MicroVMState) func(any) bool {
		return on(func(out *output) {
			out.Items = append(out.Items, types.MicroVMItem{MicroVMId: aws.String("m"), ImageVersion: version, State: state})
		})
	}
	for name, test := range map[string]struct {
		edit func(any) bool
		keep bool
	}{
		"ended, without a version": {vm(nil, types.MicroVMStateTerminated), false},
		"of another version":       {vm(aws.String("3.0"), types.MicroVMStateRunning), false},
		"no version":               {vm(nil, types.MicroVMStateRunning), true},
		"empty version":            {vm(aws.String(""), types.MicroVMStateSuspended), true},
		"v1":                       {vm(aws.String("v1"), types.MicroVMStateRunning), true},
		"zero":                     {vm(aws.String("0.0"), types.MicroVMStateRunning), true},
		"the same otherwise":       {vm(aws.String("1"), types.MicroVMStateRunning), true},
		"unknown state":            {vm(aws.String("1.0"), "HIBERNATED"), true},
		"no state":                 {vm(aws.String("1.0"), ""), true},
		"nothing":                  {vm(nil, ""), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.create(declaration())
			b.update("second")
			for _, dryRun := range []bool{true, false} {
				result, err := images.Prune(b.ctx, &edited{Client: b.client, edit: test.edit}, appARN, 1, b.pruning, func(o *images.PruneOptions) { o.DryRun = dryRun })
				if err != nil || len(result.Deleted) == 1 == test.keep {
					t.Errorf("dry run %t: got %+v, %v", dryRun, result, err)
				}
				if test.keep && (result.Kept[0].Reason != images.KeepInUse || b.version("1.0").Status != types.MicroVMImageVersionStatusActive) {
					t.Errorf("dry run %t: kept %v", dryRun, result.Kept)
				}
			}
		})
	}
	for name, edit := range map[string]func(any) bool{"no output": missing[output], "no list": on(empty[output])} {
		b := newBench(t)
		b.create(declaration())
		b.update("second")
		_, err := images.Prune(b.ctx, &edited{Client: b.client, edit: edit}, appARN, 1, b.pruning)
		var unreadable *smithy.DeserializationError
		if !errors.As(err, &unreadable) || len(b.versions()) != 2 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestPruneKeepsVersionsThatItDoesNotUnderstand(t *testing.T) {
	type output = lambdamicrovms.ListMicroVMImageVersionsOutput
	for name, edit := range map[string]func(*types.MicroVMImageVersionSummary){
		"state":  func(v *types.MicroVMImageVersionSummary) { v.State = "ARCHIVING" },
		"status": func(v *types.MicroVMImageVersionSummary) { v.Status = "RESERVED" },
	} {
		b := newBench(t)
		b.create(declaration())
		b.update("second")
		b.update("third")
		api := &edited{Client: b.client, edit: on(func(out *output) {
			for i := range out.Items {
				if aws.ToString(out.Items[i].ImageVersion) == "1.0" {
					edit(&out.Items[i])
				}
			}
		})}
		result, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
		want := []images.Kept{{Version: "1.0", Reason: images.KeepUnknown}, {Version: "3.0", Reason: images.KeepLatest}}
		if diff := cmp.Diff(want, result.Kept); err != nil || diff != "" {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, diff)
		}
	}
}

// The image and the list of versions may disagree about the latest active version.
func TestPruneGoesByTheImageToo(t *testing.T) {
	type output = lambdamicrovms.GetMicroVMImageOutput
	b := newBench(t)
	b.create(declaration())
	b.update("second")
	edit := on(func(out *output) { out.LatestActiveImageVersion = aws.String("1.0") })
	result, err := images.Prune(b.ctx, &edited{Client: b.client, edit: edit}, appARN, 1, b.pruning)
	if err != nil || len(result.Deleted) > 0 {
		t.Errorf("got %+v, %v", result, err)
	}
	edit = on(func(out *output) { out.LatestActiveImageVersion = aws.String("latest") })
	_, err = images.Prune(b.ctx, &edited{Client: b.client, edit: edit}, appARN, 1, b.pruning)
	var unreadable *smithy.DeserializationError
	if !errors.As(err, &unreadable) || len(b.versions()) != 2 {
		t.Errorf("got %v", err)
	}
}

func TestPruneDeletionWithoutState(t *testing.T) {
	type output = lambdamicrovms.DeleteMicroVMImageVersionOutput
	for name, edit := range map[string]func(any) bool{"no output": missing[output], "empty output": on(empty[output])} {
		b := newBench(t)
		b.create(declaration())
		b.update("second")
		api := &edited{Client: b.client, edit: edit}
		result, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
		if err != nil || !cmp.Equal([]string{"1.0"}, result.Deleted) || len(b.versions()) != 1 {
			t.Errorf("%s: got %+v, %v", name, result, err)
		}
		if n := requests[lambdamicrovms.DeleteMicroVMImageVersionInput](api); n != 1 {
			t.Errorf("%s: %d requests", name, n)
		}
	}
}

func TestRollbackReadsTheImageAgain(t *testing.T) {
	type output = lambdamicrovms.GetMicroVMImageOutput
	stale := func(version *string, times int) func(any) bool {
		reads := 0
		return on(func(out *output) {
			if reads++; reads > 1 && times != 0 { // the first is the one that waits
				times--
				out.LatestActiveImageVersion = version
			}
		})
	}
	for name, test := range map[string]struct {
		edit func(any) bool
		ok   bool
	}{
		"stale once":    {stale(aws.String("2.0"), 1), true},
		"missing once":  {stale(nil, 1), true},
		"always stale":  {stale(aws.String("2.0"), -1), false},
		"always no one": {stale(nil, -1), false},
		"unreadable":    {stale(aws.String("latest"), -1), false},
	} {
		b := newBench(t)
		b.create(declaration())
		b.update("second")
		result, err := images.Rollback(b.ctx, &edited{Client: b.client, edit: test.edit}, appARN, "", b.clock)
		var unreadable *smithy.DeserializationError
		switch {
		case test.ok && (err != nil || result.To != "1.0"), !test.ok && !errors.As(err, &unreadable):
			t.Errorf("%s: got %+v, %v", name, result, err)
		case b.latest() != "1.0":
			t.Errorf("%s: %q serves", name, b.latest())
		}
	}
}

// Deploy reads the tags of the image, which a response may lack.
func TestDeployWithoutTags(t *testing.T) {
	b := newBench(t)
	d := images.Deployment{Image: declaration(), ContentHash: "a"}
	if _, err := b.deploy(d); err != nil {
		t.Fatal(err)
	}
	api := &edited{Client: b.client, edit: on(func(out *lambdamicrovms.GetMicroVMImageOutput) { out.Tags = nil })}
	result, err := images.Deploy(b.ctx, api, d, b.deploying)
	if err != nil || !result.Unchanged {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestBuildFailedWithoutVersion(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	api := &edited{Client: b.client, edit: on(func(out *lambdamicrovms.GetMicroVMImageVersionOutput) {
		if out.State == types.MicroVMImageVersionStatePending || out.State == types.MicroVMImageVersionStateInProgress {
			*out = lambdamicrovms.GetMicroVMImageVersionOutput{State: types.MicroVMImageVersionStateFailed}
		}
	})}
	_, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating)
	var failed *images.BuildFailedError
	if !errors.As(err, &failed) || failed.Version != "2.0" || len(failed.Builds) != 2 {
		t.Errorf("got %v", err)
	}
}

// If change sets a client token, the service may return the version of an earlier call.
func TestUpdateRepeatedByToken(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	change := func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.Description, in.ClientToken = aws.String("new"), aws.String("token-of-an-earlier-call")
		return nil
	}
	for range 2 {
		result, err := images.Update(b.ctx, b.client, appARN, change, b.updating)
		if err != nil || result.Version != "2.0" {
			t.Errorf("got %+v, %v", result, err)
		}
	}
	if got := b.versions(); len(got) != 2 {
		t.Errorf("versions: %v", got)
	}
}

// An incomplete response after the start of the build must not count as a concurrent
// update: Update would build the change again.
func TestUpdateIsNotBuiltAgainForWhatCannotBeRead(t *testing.T) {
	type output = lambdamicrovms.ListMicroVMImageVersionsOutput
	for name, edit := range map[string]func(*types.MicroVMImageVersionSummary){
		"state":         func(v *types.MicroVMImageVersionSummary) { v.State = "ARCHIVING" },
		"status":        func(v *types.MicroVMImageVersionSummary) { v.Status = "RESERVED" },
		"version":       func(v *types.MicroVMImageVersionSummary) { v.ImageVersion = nil },
		"configuration": func(v *types.MicroVMImageVersionSummary) { v.BuildRoleArn = nil },
	} {
		for _, always := range []bool{false, true} {
			b := newBench(t)
			b.create(declaration())
			b.update("second")
			edits := 0
			api := &edited{Client: b.client, edit: on(func(out *output) {
				if len(out.Items) == 3 && (edits == 0 || always) { // the update has been sent
					edit(&out.Items[1])
					edits++
				}
			})}
			_, err := images.Update(b.ctx, api, appARN, describe("third"), b.updating, func(o *images.UpdateOptions) { o.Retries = 3 })
			if edits == 0 || len(b.versions()) != 3 {
				t.Errorf("%s, always %t: %d edits, versions %v, %v", name, always, edits, b.versions(), err)
			}
			var failed *images.Error
			if always && name != "configuration" && (!errors.As(err, &failed) || failed.Step != images.StepCompare || failed.Version != "3.0") || !always && err != nil {
				t.Errorf("%s, always %t: %v", name, always, err)
			}
		}
	}
}

// A union that has only an unknown member cannot be sent, so Update fails and does not
// lose it.
func TestUpdateOfAnUnknownUnionMember(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	unknown := &types.UnknownUnionMember{Tag: "fireHose", Value: []byte(`{"stream":"s"}`)}
	api := &edited{Client: b.client, edit: on(func(out *lambdamicrovms.GetMicroVMImageVersionOutput) { out.Logging = unknown })}
	_, err := images.Update(b.ctx, api, appARN, describe("new"), b.updating)
	violations := lambdamicrovms.Violations(err)
	if len(violations) != 1 || violations[0].Path != "Logging" || len(b.versions()) != 1 {
		t.Errorf("got %v; versions %v", err, b.versions())
	}
	result, err := images.Update(b.ctx, api, appARN, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.Logging = &types.LoggingMemberDisabled{}
		return nil
	}, b.updating)
	if err != nil || result.Version != "2.0" {
		t.Errorf("replaced: got %+v, %v", result, err)
	}
}
