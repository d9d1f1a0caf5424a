package images_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

func TestSyncTags(t *testing.T) {
	const own = "lambdamicrovms:content"
	for _, c := range []struct {
		reason          string
		now, want, then map[string]string
		changes         images.TagChanges
		calls           int
	}{
		{"none", nil, nil, map[string]string{}, images.TagChanges{}, 1},
		{"add", nil, map[string]string{"a": "1"}, map[string]string{"a": "1"}, images.TagChanges{Written: map[string]string{"a": "1"}}, 2},
		{"right already", map[string]string{"a": "1"}, map[string]string{"a": "1"}, map[string]string{"a": "1"}, images.TagChanges{}, 1},
		{"change one, remove two, add one", map[string]string{"a": "1", "b": "1", "d": "", "c": "1"}, map[string]string{"a": "2", "c": "1", "e": ""},
			map[string]string{"a": "2", "c": "1", "e": ""}, images.TagChanges{Written: map[string]string{"a": "2", "e": ""}, Removed: []string{"b", "d"}}, 3},
		{"remove all but what is not the caller's", map[string]string{"a": "1", own: "1.0/x"}, nil, map[string]string{own: "1.0/x"}, images.TagChanges{Removed: []string{"a"}}, 2},
	} {
		b := newBench(t)
		in := declaration()
		in.Tags = c.now
		b.create(in)
		before := len(b.srv.Calls())
		changes, err := images.SyncTags(b.ctx, b.client, appARN, c.want, b.clock)
		if err != nil {
			t.Errorf("%s: %v", c.reason, err)
			continue
		}
		calls := len(b.srv.Calls()) - before
		if diff := cmp.Diff(&c.changes, changes); diff != "" || calls != c.calls {
			t.Errorf("%s: %d calls, -want +got:\n%s", c.reason, calls, diff)
		}
		if diff := cmp.Diff(c.then, b.tags()); diff != "" {
			t.Errorf("%s: tags, -want +got:\n%s", c.reason, diff)
		}
		if again, err := images.SyncTags(b.ctx, b.client, appARN, c.want, b.clock); err != nil || !cmp.Equal(&images.TagChanges{}, again) {
			t.Errorf("%s: again %+v, %v", c.reason, again, err)
		}
		if len(b.versions()) != 1 {
			t.Errorf("%s: something was built", c.reason)
		}
	}
}

func TestSyncTagsFails(t *testing.T) {
	b := newBench(t)
	in := declaration()
	in.Tags = map[string]string{"a": "1"}
	b.create(in)
	b.srv.Inject(fake.ServerError{}, fake.On(fake.UntagResource))
	changes, err := images.SyncTags(b.ctx, b.client, appARN, map[string]string{"b": "1"}, b.clock)
	var failed *images.Error
	want := &images.TagChanges{Written: map[string]string{"b": "1"}}
	if !errors.As(err, &failed) || failed.Step != images.StepTag || !cmp.Equal(want, changes) {
		t.Errorf("%+v, %v", changes, err)
	}
	b.srv.SetOverrides(fake.Overrides{ListTags: func(context.Context, *lambdamicrovms.ListTagsInput) (*lambdamicrovms.ListTagsOutput, error) {
		return &lambdamicrovms.ListTagsOutput{Tags: map[string]string{"aws:stack": "x", "b": "1"}}, nil
	}})
	if changes, err := images.SyncTags(b.ctx, b.client, appARN, map[string]string{"b": "1"}, b.clock); err != nil || !cmp.Equal(&images.TagChanges{}, changes) {
		t.Errorf("tags of AWS: %+v, %v", changes, err)
	}
	b.srv.SetOverrides(fake.Overrides{})

	var arn *images.ARNError
	if _, err := images.SyncTags(b.ctx, b.client, "app", nil, b.clock); !errors.As(err, &arn) {
		t.Errorf("a bare name: %v", err)
	}
}
