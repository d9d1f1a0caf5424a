package images_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
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

func TestDiffTags(t *testing.T) {
	live := map[string]string{"same": "1", "other": "1", "old": "\"", "aws:own": "1", "lambdamicrovms:content": "1.0/a"}
	want := map[string]string{"same": "1", "other": "2", "new": ""}
	got := images.DiffTags(live, want)
	if diff := cmp.Diff(images.Changes{
		{Path: `Tags["new"]`, Kind: images.Added, New: `""`},
		{Path: `Tags["old"]`, Kind: images.Wiped, Old: `"\""`},
		{Path: `Tags["other"]`, Kind: images.Changed, Old: `"1"`, New: `"2"`},
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
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

// limited is a resource with at most 50 tags, not counting those of AWS.
type limited struct {
	tags    map[string]string
	calls   []string
	failing string // call
	blank   int    // responses to ListTags that lose their body
}

func (r *limited) call(name string) error {
	r.calls = append(r.calls, name)
	if name == r.failing {
		return &types.InvalidParameterValueException{Message: aws.String("no")}
	}
	return nil
}

func (r *limited) ListTags(context.Context, *lambdamicrovms.ListTagsInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListTagsOutput, error) {
	err := r.call("list")
	if r.blank > 0 {
		r.blank--
		return &lambdamicrovms.ListTagsOutput{}, err
	}
	return &lambdamicrovms.ListTagsOutput{Tags: maps.Clone(r.tags)}, err
}

func (r *limited) TagResource(_ context.Context, in *lambdamicrovms.TagResourceInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.TagResourceOutput, error) {
	if err := r.call("write"); err != nil {
		return nil, err
	}
	all := maps.Clone(r.tags)
	maps.Copy(all, in.Tags)
	own := 0
	for key := range all {
		if !strings.HasPrefix(strings.ToLower(key), "aws:") {
			own++
		}
	}
	if own > 50 {
		return nil, &types.InvalidParameterValueException{Message: aws.String("too many tags")}
	}
	r.tags = all
	return &lambdamicrovms.TagResourceOutput{}, nil
}

func (r *limited) UntagResource(_ context.Context, in *lambdamicrovms.UntagResourceInput, _ ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UntagResourceOutput, error) {
	if err := r.call("remove"); err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(r.tags, key)
	}
	return &lambdamicrovms.UntagResourceOutput{}, nil
}

// tagsOf returns n tags whose keys have the prefix, and the tags in others.
func tagsOf(prefix string, n int, others ...string) map[string]string {
	tags := make(map[string]string)
	for i := range n {
		tags[fmt.Sprint(prefix, i)] = "x"
	}
	for _, key := range others {
		tags[key] = "x"
	}
	return tags
}

func TestSyncTagsWithinTheLimit(t *testing.T) {
	const own = "lambdamicrovms:content"
	for _, c := range []struct {
		reason    string
		now, want map[string]string
		calls     []string
		failing   string
		blank     int
		then      map[string]string // nil if want
		fails     bool
	}{
		{reason: "both fit", now: tagsOf("a", 25), want: tagsOf("b", 25), calls: []string{"list", "write", "remove"}},
		{reason: "one too many", now: tagsOf("a", 26), want: tagsOf("b", 25), calls: []string{"list", "remove", "write"}},
		{reason: "all others", now: tagsOf("a", 50), want: tagsOf("b", 50), calls: []string{"list", "remove", "write"}},
		{reason: "one is another", now: tagsOf("a", 50), want: tagsOf("a", 49, "z"), calls: []string{"list", "remove", "write"}},
		{reason: "Deploy's own counts", now: tagsOf("a", 49, own), want: tagsOf("a", 48, "z"), calls: []string{"list", "remove", "write"}, then: tagsOf("a", 48, "z", own)},
		{reason: "AWS's do not", now: tagsOf("a", 25, "AWS:Stack", "aws:x"), want: tagsOf("b", 25), calls: []string{"list", "write", "remove"}, then: tagsOf("b", 25, "AWS:Stack", "aws:x")},
		{reason: "AWS's in any letter case stay", now: tagsOf("Aws:", 3, "a"), want: nil, calls: []string{"list", "remove"}, then: tagsOf("Aws:", 3)},
		{reason: "too many in the end: nothing is lost", now: tagsOf("a", 50), want: tagsOf("b", 51), calls: []string{"list", "write"}, then: tagsOf("a", 50), fails: true},
		{reason: "failure in between", now: tagsOf("a", 2), want: tagsOf("b", 2), calls: []string{"list", "write", "remove"}, failing: "remove", then: tagsOf("a", 2, "b0", "b1"), fails: true},
		{reason: "failure to make room", now: tagsOf("a", 50), want: tagsOf("b", 1), calls: []string{"list", "remove"}, failing: "remove", then: tagsOf("a", 50), fails: true},
		{reason: "the list has lost its body", now: tagsOf("a", 2), want: tagsOf("b", 2), calls: []string{"list", "list", "write", "remove"}, blank: 1},
		{reason: "a service that names no tags", now: map[string]string{}, want: tagsOf("b", 2), calls: []string{"list", "list", "write"}, blank: 2},
	} {
		r := &limited{tags: c.now, failing: c.failing, blank: c.blank}
		changes, err := images.SyncTags(context.Background(), r, appARN, c.want)
		if (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v", c.reason, changes, err)
		}
		if diff := cmp.Diff(c.calls, r.calls); diff != "" {
			t.Errorf("%s: calls, -want +got:\n%s", c.reason, diff)
		}
		if c.then == nil {
			c.then = c.want
		}
		if diff := cmp.Diff(c.then, r.tags); diff != "" {
			t.Errorf("%s: tags, -want +got:\n%s", c.reason, diff)
		}
	}
}

// The tag of Deploy says nothing about another image, so it is not copied with the other
// tags.
func TestTagsOfAnotherImage(t *testing.T) {
	const own = "lambdamicrovms:content"
	named := func(name, content string) images.Deployment {
		d := images.Deployment{Image: declaration(), ContentHash: content}
		d.Image.Name = &name
		return d
	}
	for _, c := range []struct {
		name  string
		apply func(b *bench, arn string, tags map[string]string) error
	}{
		{"SyncTags", func(b *bench, arn string, tags map[string]string) error {
			diff := images.DiffTags(map[string]string{}, tags)
			changes, err := images.SyncTags(b.ctx, b.client, arn, tags, b.clock)
			if len(diff) > 0 || len(changes.Written) > 0 {
				b.t.Errorf("DiffTags: %v, SyncTags: %+v", diff, changes)
			}
			return err
		}},
		{"TagResource", func(b *bench, arn string, tags map[string]string) error {
			_, err := b.client.TagResource(b.ctx, &lambdamicrovms.TagResourceInput{Resource: &arn, Tags: tags})
			return err
		}},
		{"Deploy without reuse", func(b *bench, _ string, tags map[string]string) error {
			d := named("production", "old")
			d.Image.Tags = tags
			_, err := b.deploy(d, func(o *images.DeployOptions) { o.Reuse = false })
			return err
		}},
		{"Deploy without a hash", func(b *bench, _ string, tags map[string]string) error {
			d := named("production", "")
			d.Image.Tags = tags
			_, err := b.deploy(d)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			staging := must(b.deploy(named("staging", "new")))
			production := must(b.deploy(named("production", "old")))
			list := must(b.client.ListTags(b.ctx, &lambdamicrovms.ListTagsInput{Resource: &staging.Image}))
			if err := c.apply(b, production.Image, map[string]string{own: list.Tags[own]}); err != nil {
				t.Fatal(err)
			}
			now := must(b.client.ListTags(b.ctx, &lambdamicrovms.ListTagsInput{Resource: &production.Image}))
			if c.name != "TagResource" && now.Tags[own] == list.Tags[own] {
				t.Error("the tag is copied")
			}
			if result := must(b.deploy(named("production", "new"))); result.Unchanged {
				t.Errorf("unchanged, but %s was built from other content", result.Version)
			}
		})
	}
}

// Without a tag of its own, Deploy would build each time. It says so before it builds.
func TestDeployWithoutRoomForItsTag(t *testing.T) {
	for _, c := range []struct {
		name           string
		live, declared map[string]string
	}{
		{"a new image", nil, tagsOf("b", 50)},
		{"tags of the image", tagsOf("a", 50), nil},
		{"tags of the deployment", tagsOf("a", 3), tagsOf("b", 50)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if c.live != nil {
				in := declaration()
				in.Tags = c.live
				b.create(in)
			}
			d := images.Deployment{Image: declaration(), ContentHash: "a"}
			d.Image.Tags = c.declared
			_, err := b.deploy(d)
			var failed *images.Error
			if !errors.As(err, &failed) || failed.Step != images.StepTag || !strings.Contains(err.Error(), "would have 51 tags") {
				t.Errorf("got %v", err)
			}
			if n := len(b.srv.Calls(fake.CreateMicroVMImage, fake.UpdateMicroVMImage)); c.live == nil && n > 0 || n > 1 {
				t.Errorf("%d builds", n)
			}
			if _, err := b.deploy(d, func(o *images.DeployOptions) { o.Reuse = false }); err != nil {
				t.Errorf("without reuse: %v", err)
			}
		})
	}
}
