package images_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

func TestFind(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.EmptyPages{Count: 2}))
	for _, name := range []string{"app-2", "my-app", "app"} {
		in := declaration()
		in.Name = aws.String(name)
		b.create(in)
	}
	found, err := images.Find(b.ctx, onePerPage{b.client}, "app")
	if err != nil || *found.ImageArn != appARN {
		t.Errorf("got %v, %v", found, err)
	}

	var missing *images.NotFoundError
	_, err = images.Find(b.ctx, onePerPage{b.client}, "ap")
	if !errors.As(err, &missing) || missing.Name != "ap" || !lambdamicrovms.IsNotFound(err) {
		t.Errorf("part of a name: %v", err)
	}

	var failed *images.Error
	calls := len(b.srv.Calls())
	if _, err = images.Find(b.ctx, b.client, "no name"); !errors.As(err, &failed) || failed.Step != images.StepCheck || len(b.srv.Calls()) != calls {
		t.Errorf("no name: %v", err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err = images.Find(ctx, b.client, "app"); !errors.As(err, &failed) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// onePerPage requests pages of one item, so that the filter leaves some pages empty.
type onePerPage struct{ *lambdamicrovms.Client }

func (c onePerPage) ListMicroVMImages(ctx context.Context, in *lambdamicrovms.ListMicroVMImagesInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImagesOutput, error) {
	in.MaxResults = aws.Int32(1)
	return c.Client.ListMicroVMImages(ctx, in, optFns...)
}

func TestEvent(t *testing.T) {
	for _, c := range []struct {
		event images.Event
		want  string
	}{
		{images.Event{Step: images.StepUpload, Elapsed: 1500 * time.Millisecond}, "    1.5s  upload"},
		{images.Event{Step: images.StepWaitForBuild, Version: "3.0", State: "IN_PROGRESS", Elapsed: 20 * time.Second, Delay: 4960 * time.Millisecond},
			"   20.0s  wait for build 3.0: IN_PROGRESS (again in 5s)"},
		{images.Event{Step: images.StepWaitForQuota, Err: errors.New("too many"), Delay: time.Minute}, "    0.0s  wait for quota: too many (again in 1m0s)"},
	} {
		if got := c.event.String(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
