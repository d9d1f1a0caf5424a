package images

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// TagsAPI is the set of operations that SyncTags calls.
type TagsAPI interface {
	lambdamicrovms.ListTagsAPIClient
	lambdamicrovms.TagResourceAPIClient
	lambdamicrovms.UntagResourceAPIClient
}

// TagChanges are the tags that SyncTags wrote and removed.
type TagChanges struct {
	Written map[string]string
	Removed []string // keys, sorted
}

// maxTags is AWS's general limit of tags per resource. Tags with the prefix aws: do not
// count.
const maxTags = 50

// SyncTags sets the tags of an image to want, without starting a build. It does not
// touch:
//
//   - tags that have the wanted value already;
//   - tags whose keys begin with "aws:" in any letter case;
//   - the tag that Deploy maintains.
//
// SyncTags writes before it removes, so that a failure in between leaves too many tags
// rather than too few. It removes first only if old and new tags together exceed the
// limit of 50 per resource and the new tags alone do not.
//
// The service may take a moment to show new tags.
//
// The error is an *ARNError or an *Error. The TagChanges are what was done before it.
func SyncTags(ctx context.Context, api TagsAPI, image string, want map[string]string, optFns ...func(*Options)) (*TagChanges, error) {
	var options Options
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	j := newJob(api, "sync tags", image, options)
	return perform(ctx, j, "images.SyncTags", options.check("Options"), func(ctx context.Context) (*TagChanges, error) {
		return j.syncTags(ctx, api, withoutContent(want))
	})
}

// DiffTags returns what SyncTags would change. The paths are of the form Tags["key"].
func DiffTags(live, want map[string]string) Changes {
	write, remove := planTags(live, withoutContent(want))
	var changes Changes
	for key, value := range write {
		c := Change{Path: join("Tags", key), Kind: Added, New: quoteJSON(value)}
		if was, found := live[key]; found {
			c.Kind, c.Old = Changed, quoteJSON(was)
		}
		changes = append(changes, c)
	}
	for _, key := range remove {
		changes = append(changes, Change{Path: join("Tags", key), Kind: Wiped, Old: quoteJSON(live[key])})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

func quoteJSON(text string) string {
	var w restjson.Writer
	w.String(text)
	return string(w.Bytes())
}

// withoutContent returns tags without that of Deploy, which says nothing about another
// image. It does not change them.
func withoutContent(tags map[string]string) map[string]string {
	if _, has := tags[contentTag]; !has {
		return tags
	}
	tags = maps.Clone(tags)
	delete(tags, contentTag)
	return tags
}

// planTags returns the tags to write and the keys to remove.
func planTags(live, want map[string]string) (write map[string]string, remove []string) {
	write = maps.Clone(want)
	maps.DeleteFunc(write, func(key, value string) bool {
		now, found := live[key]
		return found && now == value
	})
	for _, key := range slices.Sorted(maps.Keys(live)) {
		if _, wanted := want[key]; !wanted && !isReserved(key) && key != contentTag {
			remove = append(remove, key)
		}
	}
	return write, remove
}

func (j *job) syncTags(ctx context.Context, api TagsAPI, want map[string]string) (*TagChanges, error) {
	live, err := j.liveTags(ctx, api)
	if err != nil {
		return nil, err
	}
	return j.applyTags(ctx, api, live, want)
}

func (j *job) applyTags(ctx context.Context, api TagsAPI, live, want map[string]string) (*TagChanges, error) {
	write, remove := planTags(live, want)
	done := &TagChanges{}
	steps := []func() error{
		func() error {
			err := j.writeTags(ctx, api, write)
			if err == nil && len(write) > 0 {
				done.Written = write
			}
			return err
		},
		func() error {
			err := j.removeTags(ctx, api, remove)
			if err == nil {
				done.Removed = remove
			}
			return err
		},
	}
	if both := countTags(live, write); both > maxTags && both-len(remove) <= maxTags {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return done, err
		}
	}
	return done, nil
}

// countTags returns the number of tags in the union of both maps that count against
// maxTags.
func countTags(live, write map[string]string) int {
	n := 0
	for key := range live {
		if _, both := write[key]; !both && !isReserved(key) {
			n++
		}
	}
	for key := range write {
		if !isReserved(key) {
			n++
		}
	}
	return n
}

// isReserved reports whether only AWS can change a tag.
func isReserved(key string) bool {
	const prefix = "aws:"
	return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}

// liveTags returns the tags of the image. A response that lost its body looks like that
// of an image without tags, so a response without Tags counts only if a second one
// agrees.
func (j *job) liveTags(ctx context.Context, api lambdamicrovms.ListTagsAPIClient) (map[string]string, error) {
	tags, err := j.listTags(ctx, api)
	if err == nil && tags == nil {
		return j.listTags(ctx, api)
	}
	return tags, err
}

func (j *job) listTags(ctx context.Context, api lambdamicrovms.ListTagsAPIClient) (map[string]string, error) {
	return withRetries(ctx, j, StepRead, "", func(ctx context.Context) (map[string]string, error) {
		out, err := api.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: &j.image})
		switch {
		case err != nil:
			return nil, err
		case out == nil:
			return nil, workflow.Incomplete("ListTags", "Tags")
		}
		return out.Tags, nil
	})
}

func (j *job) writeTags(ctx context.Context, api lambdamicrovms.TagResourceAPIClient, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	j.report(ctx, Event{Step: StepTag})
	_, err := withRetries(ctx, j, StepTag, "", func(ctx context.Context) (*lambdamicrovms.TagResourceOutput, error) {
		return api.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: &j.image, Tags: tags})
	})
	return err
}

func (j *job) removeTags(ctx context.Context, api lambdamicrovms.UntagResourceAPIClient, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	j.report(ctx, Event{Step: StepTag})
	_, err := withRetries(ctx, j, StepTag, "", func(ctx context.Context) (*lambdamicrovms.UntagResourceOutput, error) {
		return api.UntagResource(ctx, &lambdamicrovms.UntagResourceInput{Resource: &j.image, TagKeys: keys})
	})
	return err
}
