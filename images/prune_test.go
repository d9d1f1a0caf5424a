package images_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// run starts a MicroVM on a version.
func (b *bench) run(version string) (id *string) {
	b.t.Helper()
	out, err := b.client.RunMicroVM(b.ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(appARN), ImageVersion: &version})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.MicroVMId
}

func (b *bench) terminate(id *string) {
	b.t.Helper()
	if _, err := b.client.TerminateMicroVM(b.ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: id}); err != nil {
		b.t.Fatal(err)
	}
	b.srv.Advance(time.Minute)
}

func TestPrune(t *testing.T) {
	kept := func(reasons ...string) []string { return reasons }
	for _, c := range []struct {
		reason  string
		builds  string // of the versions: "s" succeeds, "f" fails
		prepare func(*bench)
		keep    int
		deleted []string
		kept    []string
	}{
		{"a single one", "s", nil, 1, nil, kept("1.0: latest active version")},
		{"a single one that failed", "f", nil, 1, nil, kept("1.0: one of the newest")},
		{"nothing but failures", "fff", nil, 1, []string{"1.0", "2.0"}, kept("3.0: one of the newest")},
		{"keep one", "sss", nil, 1, []string{"1.0", "2.0"}, kept("3.0: latest active version")},
		{"keep two", "ssss", nil, 2, []string{"1.0", "2.0"}, kept("3.0: one of the newest", "4.0: latest active version")},
		{"keep more than there are", "ss", nil, 9, nil, kept("1.0: one of the newest", "2.0: latest active version")},
		{"failures do not count", "sfsfs", nil, 2, []string{"1.0", "2.0", "4.0"}, kept("3.0: one of the newest", "5.0: latest active version")},
		{"but the newest is kept for its reasons", "ssf", nil, 1, []string{"1.0"}, kept("2.0: latest active version", "3.0: one of the newest")},
		{"after a rollback", "sss", func(b *bench) {
			b.setStatus("3.0", types.MicroVMImageVersionStatusInactive)
			b.setStatus("2.0", types.MicroVMImageVersionStatusInactive)
		}, 1, []string{"2.0"}, kept("1.0: latest active version", "3.0: one of the newest")},
		{"none is active", "sss", func(b *bench) {
			for _, version := range b.versions() {
				b.setStatus(version, types.MicroVMImageVersionStatusInactive)
			}
		}, 1, nil, kept("1.0: no version is active", "2.0: no version is active", "3.0: one of the newest")},
		{"none is active, and some have failed", "sfs", func(b *bench) {
			b.setStatus("1.0", types.MicroVMImageVersionStatusInactive)
			b.setStatus("3.0", types.MicroVMImageVersionStatusInactive)
		}, 1, []string{"2.0"}, kept("1.0: no version is active", "3.0: one of the newest")},
		{"in use", "ssss", func(b *bench) {
			b.run("1.0")
			b.run("1.0")
			b.terminate(b.run("2.0"))
			b.terminate(b.run("1.0"))
		}, 1, []string{"2.0", "3.0"}, kept("1.0: in use (2 MicroVMs)", "4.0: latest active version")},
		{"while another is being built", "ss", func(b *bench) { b.begin("somebody else's") }, 1, []string{"1.0", "2.0"}, kept("3.0: latest active version")},
	} {
		b := newBench(t)
		for i, build := range c.builds {
			if build == 'f' {
				defer b.srv.Inject(fake.FailBuild{}, fake.First(1))()
			}
			if i == 0 {
				b.create(declaration())
				continue
			}
			in := declaration()
			if _, err := b.client.UpdateMicroVMImage(b.ctx, updateInput(&in)); err != nil {
				t.Fatal(err)
			}
			b.srv.Advance(10 * time.Minute)
		}
		if c.prepare != nil {
			c.prepare(b)
		}
		before := b.versions()

		plan, err := images.Prune(b.ctx, b.client, appARN, c.keep, b.pruning, func(o *images.PruneOptions) { o.DryRun = true })
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		if changed := b.srv.Calls(fake.DeleteMicroVMImageVersion, fake.UpdateMicroVMImageVersion); c.prepare == nil && len(changed) > 0 {
			t.Errorf("%s: a dry run changed something: %v", c.reason, changed)
		}
		result, err := images.Prune(b.ctx, b.client, appARN, c.keep, b.pruning)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		if diff := cmp.Diff(plan, result); diff != "" {
			t.Errorf("%s, -plan +result:\n%s", c.reason, diff)
		}
		var reasons []string
		for _, k := range result.Kept {
			reasons = append(reasons, k.String())
		}
		if diff := cmp.Diff(c.deleted, result.Deleted); diff != "" {
			t.Errorf("%s: deleted, -want +got:\n%s", c.reason, diff)
		}
		if diff := cmp.Diff(c.kept, reasons); diff != "" {
			t.Errorf("%s: kept, -want +got:\n%s", c.reason, diff)
		}
		if left := b.versions(); len(left) != len(result.Kept) || len(before) < len(left) && !strings.Contains(c.reason, "being built") {
			t.Errorf("%s: there are %v left", c.reason, left)
		}
	}
}

// history creates an image with n successful versions.
func (b *bench) history(n int) {
	b.t.Helper()
	b.create(declaration())
	for range n - 1 {
		b.update("more")
	}
}

// Prune notices concurrent changes, and restores a version that is needed after all.
func TestPruneChangesItsMind(t *testing.T) {
	for _, c := range []struct {
		reason  string
		before  func(b *bench, lists int) // runs before the n-th read of the versions
		deleted []string
		kept    string
	}{
		{"rolled back to it", func(b *bench, lists int) {
			if lists == 3 {
				b.setStatus("2.0", types.MicroVMImageVersionStatusInactive)
				b.setStatus("3.0", types.MicroVMImageVersionStatusInactive)
			}
		}, []string{"2.0"}, "1.0: latest active version; 3.0: one of the newest"},
		{"rolled back to it before it is touched", func(b *bench, lists int) {
			if lists == 2 {
				b.setStatus("2.0", types.MicroVMImageVersionStatusInactive)
				b.setStatus("3.0", types.MicroVMImageVersionStatusInactive)
			}
		}, []string{"2.0"}, "1.0: latest active version; 3.0: one of the newest"},
		{"a MicroVM is started before it is touched", func(b *bench, lists int) {
			if lists == 2 {
				b.run("1.0")
			}
		}, []string{"2.0"}, "1.0: in use (1 MicroVMs); 3.0: latest active version"},
		{"activated by somebody", func(b *bench, lists int) {
			if lists == 3 {
				b.setStatus("1.0", types.MicroVMImageVersionStatusActive)
			}
		}, []string{"2.0"}, "1.0: activated by somebody else; 3.0: latest active version"},
		{"others were deactivated", func(b *bench, lists int) {
			if lists == 3 {
				b.setStatus("3.0", types.MicroVMImageVersionStatusInactive)
			}
		}, []string{"1.0"}, "2.0: latest active version; 3.0: one of the newest"},
		{"deleted by somebody", func(b *bench, lists int) {
			if lists == 3 {
				if _, err := b.client.DeleteMicroVMImageVersion(b.ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: aws.String(appARN), ImageVersion: aws.String("1.0")}); err != nil {
					b.t.Fatal(err)
				}
			}
		}, []string{"1.0", "2.0"}, "3.0: latest active version"},
	} {
		b := newBench(t)
		b.history(3)
		lists := 0
		api := &interposed{Client: b.client, list: func() { lists++; c.before(b, lists) }}
		result, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		var reasons []string
		for _, k := range result.Kept {
			reasons = append(reasons, k.String())
			if v := b.version(k.Version); (k.Reason == images.KeepActivated || k.Reason == images.KeepInUse) && v.Status != types.MicroVMImageVersionStatusActive {
				t.Errorf("%s: %s is left %s", c.reason, k.Version, v.Status)
			}
		}
		if diff := cmp.Diff(c.deleted, result.Deleted); diff != "" {
			t.Errorf("%s: deleted, -want +got:\n%s", c.reason, diff)
		}
		if diff := cmp.Diff(c.kept, strings.Join(reasons, "; ")); diff != "" {
			t.Errorf("%s: kept, -want +got:\n%s", c.reason, diff)
		}
		if b.latest() == "" {
			t.Errorf("%s: no version is active", c.reason)
		}
	}
}

// A MicroVM cannot be started on a version between the check and its deletion.
func TestPruneDeactivatesFirst(t *testing.T) {
	b := newBench(t)
	b.history(2)
	refused := false
	api := &interposed{Client: b.client, remove: func() {
		_, err := b.client.RunMicroVM(b.ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(appARN), ImageVersion: aws.String("1.0")})
		refused = lambdamicrovms.IsNotFound(err)
	}}
	if _, err := images.Prune(b.ctx, api, appARN, 1, b.pruning); err != nil || !refused {
		t.Errorf("%v, refused: %v", err, refused)
	}
}

func TestPruneWaitsAndRepeats(t *testing.T) {
	for _, c := range []struct {
		reason string
		fault  fake.Effect
		on     fake.Operation
		when   fake.Condition
	}{
		{"a lost response", fake.LoseAnswer{}, fake.DeleteMicroVMImageVersion, fake.Nth(1)},
		{"no response at all", fake.LoseAnswer{}, fake.DeleteMicroVMImageVersion, fake.First(3)},
		{"throttled", fake.Throttle{}, fake.DeleteMicroVMImageVersion, fake.First(5)},
		{"throttled before", fake.Throttle{}, fake.UpdateMicroVMImageVersion, fake.First(5)},
		{"no list", fake.BadGateway{}, fake.ListMicroVMs, fake.First(5)},
		{"polls without response", fake.ServerError{}, fake.GetMicroVMImageVersion, fake.First(20)},
	} {
		b := newBench(t)
		b.history(3)
		b.srv.Inject(c.fault, fake.On(c.on), c.when)
		result, err := images.Prune(b.ctx, b.client, appARN, 1, b.pruning)
		if err != nil || len(result.Deleted) != 2 || len(b.versions()) != 1 {
			t.Errorf("%s: %+v, %v", c.reason, result, err)
		}
	}

	b := newBench(t)
	b.history(3)
	api := &interposed{Client: b.client, remove: once(func() { b.begin("somebody else's") })}
	result, err := images.Prune(b.ctx, api, appARN, 1, b.pruning)
	if err != nil || len(result.Deleted) != 3 || b.latest() != "4.0" {
		t.Errorf("busy: %+v, %v", result, err)
	}
}

func TestPruneFails(t *testing.T) {
	b := newBench(t)
	b.history(3)
	var failed *images.Error
	if _, err := images.Prune(b.ctx, b.client, appARN, 0, b.pruning); !errors.As(err, &failed) || failed.Step != images.StepCheck {
		t.Errorf("keep none: %v", err)
	}
	var arn *images.ARNError
	if _, err := images.Prune(b.ctx, b.client, "app", 1, b.pruning); !errors.As(err, &arn) {
		t.Errorf("a bare name: %v", err)
	}

	denied := &types.AccessDeniedException{Message: aws.String("no")}
	b.srv.SetOverrides(fake.Overrides{DeleteMicroVMImageVersion: func(context.Context, *lambdamicrovms.DeleteMicroVMImageVersionInput) (*lambdamicrovms.DeleteMicroVMImageVersionOutput, error) {
		return nil, denied
	}})
	result, err := images.Prune(b.ctx, b.client, appARN, 1, b.pruning)
	if !errors.As(err, &failed) || failed.Step != images.StepDelete || failed.Version != "1.0" || !errors.As(err, &denied) || len(result.Deleted) > 0 {
		t.Errorf("denied: %+v, %v", result, err)
	}
	if status := b.version("1.0").Status; status != types.MicroVMImageVersionStatusActive {
		t.Errorf("denied: the version is left %s", status)
	}
	b.srv.SetOverrides(fake.Overrides{})

	// Prune fails in the middle; the result says what was done.
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	result, err = images.Prune(ctx, b.client, appARN, 1, b.pruning, func(o *images.PruneOptions) {
		o.Progress = func(e images.Event) {
			if e.Step == images.StepDelete && e.Version == "2.0" {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) || !cmp.Equal(result.Deleted, []string{"1.0"}) {
		t.Errorf("canceled: %+v, %v", result, err)
	}

	// A version may be deleted although the response was lost; the error names the
	// version.
	b = newBench(t)
	b.history(2)
	b.srv.Inject(fake.LoseAnswer{}, fake.On(fake.DeleteMicroVMImageVersion))
	api := &interposed{Client: b.client, remove: func() {
		b.srv.Inject(fake.BadGateway{Status: 403}, fake.On(fake.ListMicroVMImageVersions))
	}}
	var uncertain *lambdamicrovms.UncertainError
	_, err = images.Prune(b.ctx, api, appARN, 1, b.pruning)
	if !errors.As(err, &failed) || failed.Step != images.StepDelete || failed.Version != "1.0" || !errors.As(err, &uncertain) {
		t.Errorf("no response, and the state was not read: %v", err)
	}
}

// The 404 with which a deletion ends is what is waited for, and no error of the step.
func TestPruneReportsNoErrors(t *testing.T) {
	b := newBench(t)
	b.history(3)
	var failed []images.Event
	if _, err := images.Prune(b.ctx, b.client, appARN, 1, b.pruning, func(o *images.PruneOptions) {
		o.Progress = func(e images.Event) {
			if e.Err != nil {
				failed = append(failed, e)
			}
		}
	}); err != nil || len(failed) > 0 {
		t.Errorf("%v, %v", err, failed)
	}
}
