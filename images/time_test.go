//go:build go1.25

package images_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

// Without Options.Clock, workflows use package time.
func TestSystemTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, ctx: context.Background(), srv: fake.New(t, fake.WithRealTime())}
		b.client = lambdamicrovms.New(b.srv.Options())
		began := time.Now()
		if _, err := images.Deploy(b.ctx, b.client, images.Deployment{Image: declaration()}); err != nil {
			t.Fatal(err)
		}
		b.srv.Inject(fake.QuotaExceeded{}, fake.On(fake.UpdateMicroVMImage), fake.First(2))
		if _, err := images.Update(b.ctx, b.client, appARN, describe("changed")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("two builds and two pauses took %v", took)
		}

		b.srv.Inject(fake.QuotaExceeded{}, fake.On(fake.UpdateMicroVMImage))
		ctx, cancel := context.WithTimeout(b.ctx, 100*time.Second)
		defer cancel()
		began = time.Now()
		var failed *images.Error
		_, err := images.Update(ctx, b.client, appARN, describe("changed again"))
		if took := time.Since(began); !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || took != 100*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
