package images

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
)

// TagsAPI is what SyncTags calls.
type TagsAPI interface {
	lambdamicrovms.ListTagsAPIClient
	lambdamicrovms.TagResourceAPIClient
	lambdamicrovms.UntagResourceAPIClient
}

// TagChanges are the tags that SyncTags has written and removed.
type TagChanges struct {
	Written map[string]string
	Removed []string // keys, sorted
}

// SyncTags gives an image exactly the tags wanted. What is right already is left alone, so that a second call
// writes nothing; so are tags whose keys begin with "aws:" and the one that Deploy keeps. It never starts a
// build: tags are no part of the configuration. The service may take a moment to show new tags.
//
// The error is an *ARNError or an *Error. Beside it stands what was done before.
func SyncTags(ctx context.Context, api TagsAPI, image string, want map[string]string, optFns ...func(*Options)) (*TagChanges, error) {
	var options Options
	for _, fn := range optFns {
		fn(&options)
	}
	if _, err := ParseARN(image); err != nil {
		return nil, err
	}
	return newJob("sync tags", image, options).syncTags(ctx, api, want)
}

func (j *job) syncTags(ctx context.Context, api TagsAPI, want map[string]string) (*TagChanges, error) {
	live, err := insist(ctx, j, StepRead, "", func() (*lambdamicrovms.ListTagsOutput, error) {
		return api.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: &j.image})
	})
	if err != nil {
		return nil, err
	}
	write := maps.Clone(want)
	maps.DeleteFunc(write, func(key, value string) bool {
		now, found := live.Tags[key]
		return found && now == value
	})
	var remove []string
	for _, key := range slices.Sorted(maps.Keys(live.Tags)) {
		if _, wanted := want[key]; !wanted && !strings.HasPrefix(key, "aws:") && key != contentTag {
			remove = append(remove, key)
		}
	}

	done := &TagChanges{}
	if len(write) > 0 {
		if err := j.writeTags(ctx, api, write); err != nil {
			return done, err
		}
		done.Written = write
	}
	if len(remove) > 0 {
		j.tell(Event{Step: StepTag})
		_, err := insist(ctx, j, StepTag, "", func() (*lambdamicrovms.UntagResourceOutput, error) {
			return api.UntagResource(ctx, &lambdamicrovms.UntagResourceInput{Resource: &j.image, TagKeys: remove})
		})
		if err != nil {
			return done, err
		}
		done.Removed = remove
	}
	return done, nil
}

func (j *job) writeTags(ctx context.Context, api lambdamicrovms.TagResourceAPIClient, tags map[string]string) error {
	j.tell(Event{Step: StepTag})
	_, err := insist(ctx, j, StepTag, "", func() (*lambdamicrovms.TagResourceOutput, error) {
		return api.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: &j.image, Tags: tags})
	})
	return err
}
