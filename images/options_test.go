package images_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
)

// TestOptionsWithoutMeaning has no client: options are rejected before any call.
func TestOptionsWithoutMeaning(t *testing.T) {
	const huge = time.Duration(1<<63 - 1)
	ctx := context.Background()
	update := func(set func(*images.UpdateOptions)) error {
		_, err := images.Update(ctx, nil, appARN, nil, set)
		return err
	}
	deploy := func(set func(*images.DeployOptions)) error {
		_, err := images.Deploy(ctx, nil, images.Deployment{Image: declaration(), Dir: "/nowhere"}, set)
		return err
	}
	prune := func(keep int, set func(*images.PruneOptions)) error {
		_, err := images.Prune(ctx, nil, appARN, keep, set)
		return err
	}
	rollback := func(set func(*images.Options)) error {
		_, err := images.Rollback(ctx, nil, appARN, "", set)
		return err
	}
	syncTags := func(set func(*images.Options)) error {
		_, err := images.SyncTags(ctx, nil, appARN, nil, set)
		return err
	}
	for _, c := range []struct {
		err  error
		want []string
	}{
		{update(func(o *images.UpdateOptions) { o.From = "latest" }), []string{`UpdateOptions.From must be a version such as 3.0, given "latest"`}},
		{update(func(o *images.UpdateOptions) { o.Retries = -1 }), []string{"UpdateOptions.Retries must be at least 0, given -1"}},
		{update(func(o *images.UpdateOptions) { o.BusyTimeout, o.BuildTimeout = -1, -huge }), []string{
			"UpdateOptions.BusyTimeout must be at least 0s, given -1ns",
			"UpdateOptions.BuildTimeout must be at least 0s, given -2562047h47m16.854775807s",
		}},
		{deploy(func(o *images.DeployOptions) { o.MinDelay, o.MaxDelay = -time.Second, -time.Minute }), []string{
			"DeployOptions.MinDelay must be at least 0s, given -1s",
			"DeployOptions.MaxDelay must be at least 0s, given -1m0s",
		}},
		{deploy(func(o *images.DeployOptions) { o.Zip.MaxFiles, o.Zip.MaxBytes = -1, -2 }), []string{
			"DeployOptions.Zip.MaxFiles must be at least 0, given -1",
			"DeployOptions.Zip.MaxBytes must be at least 0, given -2",
		}},
		{deploy(func(o *images.DeployOptions) { o.Validation = 17 }), []string{"DeployOptions.Validation must be 0 to 3, given 17"}},
		{deploy(func(o *images.DeployOptions) { o.Validation = -1 }), []string{"DeployOptions.Validation must be 0 to 3, given -1"}},
		{prune(1, func(o *images.PruneOptions) { o.MinDelay, o.MaxDelay = time.Minute, time.Second }),
			[]string{"PruneOptions.MinDelay must be at most MaxDelay, 1s, given 1m0s"}},
		{prune(0, func(*images.PruneOptions) {}), []string{"Prune.keep must be at least 1, given 0"}},
		{prune(-1<<63, func(*images.PruneOptions) {}), []string{"Prune.keep must be at least 1, given -9223372036854775808"}},
		{rollback(func(o *images.Options) { o.BusyTimeout = -1 }), []string{"Options.BusyTimeout must be at least 0s, given -1ns"}},
		{syncTags(func(o *images.Options) { o.BusyTimeout = -1 }), []string{"Options.BusyTimeout must be at least 0s, given -1ns"}},
	} {
		var failed *images.Error
		if !errors.As(c.err, &failed) || failed.Step != images.StepCheck {
			t.Errorf("got %v, want an *Error of the check", c.err)
		}
		var got []string
		for _, violation := range lambdamicrovms.Violations(c.err) {
			got = append(got, violation.Error())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("violations, -want +got:\n%s", diff)
		}
	}
}

func TestZipOptionsWithoutMeaning(t *testing.T) {
	negative := func(o *images.ZipOptions) { o.MaxFiles, o.MaxBytes = -1, -1 }
	_, zipErr := images.Zip(context.Background(), io.Discard, t.TempDir(), negative)
	_, hashErr := images.HashDir(context.Background(), t.TempDir(), negative)
	for _, err := range []error{zipErr, hashErr} {
		var failed *images.ArtifactError
		if violations := lambdamicrovms.Violations(err); !errors.As(err, &failed) || len(violations) != 2 || violations[0].Path != "MaxFiles" {
			t.Errorf("got %v", err)
		}
	}
}

// Setting one bound of the poll delays may exclude the default of the other.
func TestOptionsOfPolls(t *testing.T) {
	const huge = time.Duration(1<<63 - 1)
	for _, set := range []func(*images.UpdateOptions){
		func(o *images.UpdateOptions) { o.MinDelay = time.Minute },
		func(o *images.UpdateOptions) { o.MaxDelay = time.Second },
		func(o *images.UpdateOptions) { o.BusyTimeout, o.BuildTimeout, o.MaxDelay = huge, huge, huge },
	} {
		b := newBench(t)
		b.create(declaration())
		if _, err := images.Update(b.ctx, b.client, appARN, describe("new"), b.updating, set); err != nil {
			t.Error(err)
		}
	}
}
