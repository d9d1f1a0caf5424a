package fake

import (
	"maps"

	"github.com/microvm-go/lambdamicrovms"
)

// tagged returns the image of a tag operation. These operations belong to all of Lambda,
// and so do their errors. The model has already refused ARNs of resources without tags.
func (c *call) tagged(arn *string) (*image, error) {
	name, _, ok := parseImageARN(*arn)
	switch {
	case !ok:
		return nil, c.unmeasured(noTagged(*arn), "the response to tags of %s, which is not an image", *arn)
	case name.account != c.scope.account:
		return nil, c.denied(*arn)
	}
	img := c.world.images[name.name]
	if img == nil || name.region != c.scope.region || img.gone(c.now) {
		return nil, noTagged(*arn)
	}
	return img, nil
}

// tagsForChange returns a copy, because responses may share the current map.
func (img *image) tagsForChange() map[string]string {
	tags := make(map[string]string, len(img.tags))
	maps.Copy(tags, img.tags)
	return tags
}

func (c *call) tagResource(in *lambdamicrovms.TagResourceInput) (*lambdamicrovms.TagResourceOutput, error) {
	img, err := c.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	tags := len(img.tags)
	for key := range in.Tags {
		if _, there := img.tags[key]; !there {
			tags++
		}
	}
	if full := c.roomForTags(tags); full != nil {
		full.code, full.kind, full.capital = "InvalidParameterValueException", "User", true
		return nil, full
	}
	changed := img.tagsForChange()
	maps.Copy(changed, in.Tags)
	img.tags = changed
	return &lambdamicrovms.TagResourceOutput{}, nil
}

func (c *call) untagResource(in *lambdamicrovms.UntagResourceInput) (*lambdamicrovms.UntagResourceOutput, error) {
	img, err := c.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	changed := img.tagsForChange()
	for _, key := range in.TagKeys {
		delete(changed, key)
	}
	img.tags = changed
	return &lambdamicrovms.UntagResourceOutput{}, nil
}

func (c *call) listTags(in *lambdamicrovms.ListTagsInput) (*lambdamicrovms.ListTagsOutput, error) {
	img, err := c.tagged(in.Resource)
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(img.tags)
	if tags == nil {
		tags = map[string]string{}
	}
	return &lambdamicrovms.ListTagsOutput{Tags: tags}, nil
}
