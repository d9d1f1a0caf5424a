package images_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestRollback(t *testing.T) {
	for _, c := range []struct {
		reason   string
		inactive []string
		to       string
		want     images.RollbackResult
		problem  string
	}{
		{reason: "to the one before", want: images.RollbackResult{From: "4.0", To: "3.0", Deactivated: []string{"4.0"}}},
		{reason: "twice", inactive: []string{"4.0"}, want: images.RollbackResult{From: "3.0", To: "2.0", Deactivated: []string{"3.0"}}},
		{reason: "past one that was rolled back before", inactive: []string{"3.0"}, want: images.RollbackResult{From: "4.0", To: "2.0", Deactivated: []string{"4.0"}}},
		{reason: "to one by name", to: "1", want: images.RollbackResult{From: "4.0", To: "1.0", Deactivated: []string{"2.0", "3.0", "4.0"}}},
		{reason: "to one that has to be activated", inactive: []string{"2.0", "3.0"}, to: "2.0", want: images.RollbackResult{From: "4.0", To: "2.0", Activated: true, Deactivated: []string{"4.0"}}},
		{reason: "to a newer one", inactive: []string{"3.0", "4.0"}, to: "4.0", want: images.RollbackResult{From: "2.0", To: "4.0", Activated: true}},
		{reason: "to the one that it is", to: "4.0", want: images.RollbackResult{From: "4.0", To: "4.0"}},
		{reason: "from none to one by name", inactive: []string{"1.0", "2.0", "3.0", "4.0"}, to: "3.0", want: images.RollbackResult{To: "3.0", Activated: true}},
		{reason: "from none", inactive: []string{"1.0", "2.0", "3.0", "4.0"}, problem: "there is no active version to roll back from"},
		{reason: "past the oldest", inactive: []string{"2.0", "3.0", "4.0"}, problem: "there is no active version older than 1.0"},
		{reason: "to none", to: "9.0", problem: "version 9.0: there is no such version"},
		{reason: "to what is no version", to: "latest", problem: "version latest: it is not a version, such as 3.0"},
		{reason: "to one that failed", to: "5.0", problem: "version 5.0: it is FAILED"},
	} {
		b := newBench(t)
		b.history(4)
		if c.to == "5.0" {
			b.srv.Inject(fake.FailBuild{})
			b.update("bad")
		}
		for _, version := range c.inactive {
			b.setStatus(version, types.MicroVMImageVersionStatusInactive)
		}
		builds := len(b.versions())
		result, err := images.Rollback(b.ctx, b.client, appARN, c.to, b.clock)
		if c.problem != "" {
			var refused *images.VersionError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: %v", c.reason, err)
			}
			continue
		}
		c.want.Image = appARN
		if diff := cmp.Diff(&c.want, result); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", c.reason, err, diff)
		}
		if got := b.latest(); got != c.want.To {
			t.Errorf("%s: the latest active version is %s", c.reason, got)
		}
		if len(b.versions()) != builds {
			t.Errorf("%s: something was built", c.reason)
		}
	}
}

// Some version is active at every moment of a rollback.
func TestRollbackIsOneSwitch(t *testing.T) {
	b := newBench(t)
	b.history(4)
	b.setStatus("1.0", types.MicroVMImageVersionStatusInactive)
	var latest []string
	_, err := images.Rollback(b.ctx, b.client, appARN, "1.0", b.clock, func(o *images.Options) {
		o.Progress = func(images.Event) {
			if now := b.latest(); len(latest) == 0 || latest[len(latest)-1] != now {
				latest = append(latest, now)
			}
		}
	})
	if err != nil || b.latest() != "1.0" || !cmp.Equal(latest, []string{"4.0"}) {
		t.Errorf("%v: %v", latest, err)
	}
}

func TestRollbackIsOvertaken(t *testing.T) {
	b := newBench(t)
	b.history(2)
	lists := 0
	api := &interposed{Client: b.client, list: func() {
		if lists++; lists == 2 {
			b.update("somebody else's")
		}
	}}
	var overtaken *images.ConcurrentUpdateError
	result, err := images.Rollback(b.ctx, api, appARN, "", b.clock)
	if !errors.As(err, &overtaken) || overtaken.From != "1.0" || overtaken.Latest != "3.0" || !cmp.Equal(result.Deactivated, []string{"2.0"}) {
		t.Errorf("by an update: %+v, %v", result, err)
	}

	// A concurrent rollback goes back even further.
	b = newBench(t)
	b.history(3)
	lists = 0
	api = &interposed{Client: b.client, list: func() {
		if lists++; lists == 3 {
			b.setStatus("2.0", types.MicroVMImageVersionStatusInactive)
		}
	}}
	_, err = images.Rollback(b.ctx, api, appARN, "2.0", b.clock)
	if !errors.As(err, &overtaken) || overtaken.From != "2.0" || overtaken.Latest != "1.0" {
		t.Errorf("by a rollback: %v", err)
	}

	var lost *images.VersionError
	b = newBench(t)
	b.history(2)
	lists = 0
	api = &interposed{Client: b.client, list: func() {
		if lists++; lists == 3 {
			b.setStatus("1.0", types.MicroVMImageVersionStatusInactive)
		}
	}}
	_, err = images.Rollback(b.ctx, api, appARN, "1.0", b.clock)
	if !errors.As(err, &lost) || b.latest() != "2.0" {
		t.Errorf("nothing is left: %v, the latest active version is %q", err, b.latest())
	}

	b = newBench(t)
	b.history(2)
	b.setStatus("1.0", types.MicroVMImageVersionStatusInactive)
	lists = 0
	api = &interposed{Client: b.client, list: func() {
		if lists++; lists == 2 {
			b.setStatus("1.0", types.MicroVMImageVersionStatusInactive)
		}
	}}
	_, err = images.Rollback(b.ctx, api, appARN, "1.0", b.clock)
	if !errors.As(err, &lost) || b.latest() != "2.0" {
		t.Errorf("right after it was activated: %v, the latest active version is %q", err, b.latest())
	}
}

func TestRollbackWaits(t *testing.T) {
	b := newBench(t)
	b.history(3)
	b.srv.Inject(fake.Throttle{}, fake.On(fake.UpdateMicroVMImageVersion), fake.First(5))
	if _, err := images.Rollback(b.ctx, b.client, appARN, "", b.clock); err != nil {
		t.Errorf("throttled: %v", err)
	}

	if _, err := b.client.DeleteMicroVMImageVersion(b.ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: aws.String(appARN), ImageVersion: aws.String("3.0")}); err != nil {
		t.Fatal(err)
	}
	if result, err := images.Rollback(b.ctx, b.client, appARN, "", b.clock); err != nil || result.To != "1.0" {
		t.Errorf("busy: %+v, %v", result, err)
	}

	var failed *images.Error
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err := images.Rollback(ctx, b.client, appARN, "", b.clock); !errors.As(err, &failed) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	var arn *images.ARNError
	if _, err := images.Rollback(b.ctx, b.client, "app", "", b.clock); !errors.As(err, &arn) {
		t.Errorf("a bare name: %v", err)
	}
}
