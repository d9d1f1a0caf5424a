package fake

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// image is a MicroVM image. Its state at a time is computed from the transition below.
type image struct {
	sequence  int64
	id        string
	arn       string
	name      string
	tags      map[string]string
	createdAt time.Time
	changedAt time.Time  // by a call
	versions  []*version // oldest first, without deleted ones
	latest    int        // the highest version number used so far

	// The current transition, or the last one.
	during types.MicroVMImageState
	after  types.MicroVMImageState // "" if it is deleted then
	until  time.Time               // zero: permanently
}

// begin starts a transition, during which the image is busy.
func (img *image) begin(now time.Time, during, after types.MicroVMImageState, until time.Time) {
	img.during, img.after, img.until = during, after, until
	img.changedAt = now
}

func (img *image) busy(now time.Time) bool { return img.until.IsZero() || now.Before(img.until) }

func (img *image) state(now time.Time) types.MicroVMImageState {
	if img.busy(now) {
		return img.during
	}
	return img.after
}

func (img *image) gone(now time.Time) bool { return img.state(now) == "" }

// sweep removes versions whose deletion is over.
func (img *image) sweep(now time.Time) {
	img.versions = slices.DeleteFunc(img.versions, func(v *version) bool { return v.gone(now) })
}

func (img *image) version(number int) *version {
	for _, v := range img.versions {
		if v.number == number {
			return v
		}
	}
	return nil
}

// newest returns the newest version for which fits returns true, or nil.
func (img *image) newest(fits func(*version) bool) *version {
	for _, v := range slices.Backward(img.versions) {
		if fits(v) {
			return v
		}
	}
	return nil
}

func (img *image) latestActive(now time.Time) *version {
	return img.newest(func(v *version) bool { return v.active(now) })
}

func (img *image) latestFailed(now time.Time) *version {
	return img.newest(func(v *version) bool { return v.state(now) == types.MicroVMImageVersionStateFailed })
}

// describe returns an image as Get does. It points to memory that is never written again:
// responses are encoded without the server's lock.
func (img *image) describe(now time.Time) *lambdamicrovms.GetMicroVMImageOutput {
	updatedAt := img.changedAt
	if !img.busy(now) {
		updatedAt = img.until
	}
	out := &lambdamicrovms.GetMicroVMImageOutput{
		CreatedAt: &img.createdAt,
		ImageArn:  &img.arn,
		Name:      &img.name,
		State:     img.state(now),
		UpdatedAt: &updatedAt,
	}
	out.Tags = img.tags
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	if v := img.latestActive(now); v != nil {
		out.LatestActiveImageVersion = ptr(v.name())
	}
	if v := img.latestFailed(now); v != nil {
		out.LatestFailedImageVersion = ptr(v.name())
	}
	return out
}

// summary returns an image as List does.
func (img *image) summary(now time.Time) *types.MicroVMImageSummary {
	told := img.describe(now)
	return &types.MicroVMImageSummary{
		CreatedAt:                told.CreatedAt,
		ImageArn:                 told.ImageArn,
		Name:                     told.Name,
		State:                    told.State,
		LatestActiveImageVersion: told.LatestActiveImageVersion,
		LatestFailedImageVersion: told.LatestFailedImageVersion,
	}
}

func (img *image) extra() []extra { return []extra{{"id", &img.id}} }

// extraAfterChange returns the undocumented members of Create and Update.
func (img *image) extraAfterChange() []extra {
	return []extra{{"id", &img.id}, {name: "buildPhaseOverrides"}, {name: "roleConfiguration"}}
}

// ownARN checks that an identifier is the ARN of an image in the caller's account.
func (c *call) ownARN(identifier string) (imageName, error) {
	name, slash, ok := parseImageARN(identifier)
	switch {
	case slash:
		return name, accessDenied(nil)
	case !ok:
		return name, invalid("Invalid ARN format: %s", identifier)
	case name.account != c.scope.account:
		return name, c.denied(identifier)
	}
	return name, nil
}

// denied returns the error for a resource of another account.
func (c *call) denied(arn string) *failure {
	return accessDenied(ptr(fmt.Sprintf("User: %s is not authorized to perform: lambda:%s on resource: %s", c.scope.caller(), c.operation, arn)))
}

// find returns the image with an ARN, including one that is being deleted.
func (c *call) find(identifier *string) (*image, error) {
	name, err := c.ownARN(*identifier)
	if err != nil {
		return nil, err
	}
	img := c.world.images[name.name]
	if img == nil || name.region != c.scope.region || img.gone(c.now) {
		return nil, c.noImage(*identifier)
	}
	img.sweep(c.now)
	return img, nil
}

func (c *call) noImage(arn string) *failure {
	return notFound("MicroVMImage not found for MicroVMImageID: %s", arn)
}

func (c *call) createMicroVMImage(in *lambdamicrovms.CreateMicroVMImageInput) (restjson.Encoder, error) {
	anonymous := *in
	anonymous.ClientToken = nil
	previous, err := c.replay(in.ClientToken, &anonymous)
	if err != nil {
		return nil, err
	}
	config, err := c.configure(restjson.Recast(&types.MicroVMImageVersionSummary{}, in))
	if err != nil {
		return nil, err
	}
	img := c.world.images[*in.Name]
	taken := img != nil && !img.gone(c.now)
	if taken {
		img.sweep(c.now)
	}
	if previous != nil && taken && img.id == previous.ImageID {
		return c.created(img, img.version(previous.Version), img.state(c.now))
	}
	if taken {
		return nil, invalid("A MicroVM image with the name '%s' already exists in this account", *in.Name)
	}
	if full := c.roomForTags(len(in.Tags)); full != nil {
		return nil, full
	}
	if err := c.roomForImage(); err != nil {
		return nil, err
	}

	img = &image{
		sequence:  c.server.next(),
		id:        c.server.ids.uuid(),
		arn:       c.scope.imageARN(*in.Name),
		name:      *in.Name,
		tags:      restjson.Recast(&lambdamicrovms.TagResourceInput{}, &lambdamicrovms.TagResourceInput{Tags: in.Tags}).Tags,
		createdAt: c.now,
	}
	c.world.images[img.name] = img
	c.world.order = append(c.world.order, img)
	v := c.build(img, config, types.MicroVMImageStateCreating, types.MicroVMImageStateCreated, types.MicroVMImageStateCreateFailed)
	if previous != nil {
		// The token outlived its image: the service replays the creation, and the build
		// never ends.
		v.stick()
		img.until = time.Time{}
	}
	c.grant(in.ClientToken, &anonymous, grant{ImageID: img.id, Version: v.number})
	return c.created(img, v, types.MicroVMImageStateCreating)
}

// created returns the output of Create, which never has tags. The state is given because
// it is CREATING even if a build takes no time.
func (c *call) created(img *image, v *version, state types.MicroVMImageState) (restjson.Encoder, error) {
	if v == nil {
		return nil, c.versionOfTokenIsGone(img)
	}
	out := restjson.Recast(&lambdamicrovms.CreateMicroVMImageOutput{}, v.describe(c.now), img.describe(c.now))
	out.Tags, out.State = nil, state
	return extended{out, img.extraAfterChange()}, nil
}

func (c *call) updateMicroVMImage(in *lambdamicrovms.UpdateMicroVMImageInput) (restjson.Encoder, error) {
	img, err := c.find(in.ImageIdentifier)
	if err != nil {
		return nil, err
	}
	anonymous := *in
	anonymous.ClientToken = nil
	previous, err := c.replay(in.ClientToken, &anonymous)
	if err != nil {
		return nil, err
	}
	if previous != nil {
		if previous.ImageID != img.id { // the token was used for a deleted image of the same name
			return nil, c.versionOfTokenIsGone(img)
		}
		return c.updated(img, img.version(previous.Version), img.state(c.now))
	}
	config, err := c.configure(restjson.Recast(&types.MicroVMImageVersionSummary{}, in))
	if err != nil {
		return nil, err
	}
	if img.busy(c.now) {
		return nil, c.busyForUpdate(img)
	}
	if err := c.roomForVersion(img); err != nil {
		return nil, err
	}
	v := c.build(img, config, types.MicroVMImageStateUpdating, types.MicroVMImageStateUpdated, types.MicroVMImageStateUpdateFailed)
	c.grant(in.ClientToken, &anonymous, grant{ImageID: img.id, Version: v.number})
	return c.updated(img, v, types.MicroVMImageStateUpdating)
}

// updated returns the output of Update, which has no member tags.
func (c *call) updated(img *image, v *version, state types.MicroVMImageState) (restjson.Encoder, error) {
	if v == nil {
		return nil, c.versionOfTokenIsGone(img)
	}
	out := restjson.Recast(&lambdamicrovms.UpdateMicroVMImageOutput{}, v.describe(c.now), img.describe(c.now))
	out.State = state
	return extended{out, img.extraAfterChange()}, nil
}

func (c *call) versionOfTokenIsGone(img *image) error {
	return c.unmeasured(c.noImage(img.arn), "the response to a clientToken whose version was deleted")
}

// busyForUpdate returns one of the two errors of an update of a busy image.
func (c *call) busyForUpdate(img *image) error {
	if state := img.state(c.now); state == types.MicroVMImageStateUpdating && c.server.config.answers.BusyUpdate != OutcomeValidation {
		return alreadyIn(state)
	}
	return invalid("Cannot update MicroVM Image in its current state: %s", img.arn)
}

func alreadyIn(state types.MicroVMImageState) error {
	return conflict("MicroVM Image is already in state: %s", state)
}

func (c *call) getMicroVMImage(in *lambdamicrovms.GetMicroVMImageInput) (restjson.Encoder, error) {
	img, err := c.find(in.ImageIdentifier)
	if err != nil {
		return nil, err
	}
	return extended{img.describe(c.now), img.extra()}, nil
}

func (c *call) listMicroVMImages(in *lambdamicrovms.ListMicroVMImagesInput) (*page, error) {
	c.world.sweep(c.now)
	// The service filters a page after cutting it, so that pages may be empty.
	found, next, err := cut(c, c.world.order, func(img *image) int64 { return img.sequence }, in.MaxResults, in.NextToken, aws.ToString(in.NameFilter))
	if err != nil {
		return nil, err
	}
	out := newPage(next, len(found))
	for _, img := range found {
		if in.NameFilter == nil || strings.Contains(img.name, *in.NameFilter) {
			img.sweep(c.now)
			out.items = append(out.items, extended{img.summary(c.now), img.extra()})
		}
	}
	return out, nil
}

func (c *call) deleteMicroVMImage(in *lambdamicrovms.DeleteMicroVMImageInput) (*lambdamicrovms.DeleteMicroVMImageOutput, error) {
	img, err := c.find(in.ImageIdentifier)
	switch {
	case err != nil:
		if c.wasDeleted(*in.ImageIdentifier) {
			return c.deletedAgain(in)
		}
		return nil, err
	case img.state(c.now) == types.MicroVMImageStateDeleting:
		return c.deletedAgain(in)
	case img.busy(c.now):
		return nil, invalid("Cannot delete MicroVM image in its current state: %s", img.arn)
	}
	if running := c.world.running(img, 0, c.now); len(running) > 0 {
		if err := c.known(running[0]); err != nil {
			return nil, err
		}
		return nil, invalid("Cannot delete microvm image with running microvms.")
	}
	c.world.leaving = append(c.world.leaving, img)
	img.begin(c.now, types.MicroVMImageStateDeleting, "", c.now.Add(c.server.config.delays.ImageDelete))
	return deleting(in), nil
}

func deleting(in *lambdamicrovms.DeleteMicroVMImageInput) *lambdamicrovms.DeleteMicroVMImageOutput {
	return &lambdamicrovms.DeleteMicroVMImageOutput{ImageIdentifier: in.ImageIdentifier, State: types.MicroVMImageStateDeleting}
}

// wasDeleted reports whether a missing image has existed before.
func (c *call) wasDeleted(arn string) bool {
	name, err := c.ownARN(arn)
	return err == nil && name.region == c.scope.region && c.world.images[name.name] != nil
}

func (c *call) deletedAgain(in *lambdamicrovms.DeleteMicroVMImageInput) (*lambdamicrovms.DeleteMicroVMImageOutput, error) {
	if err := c.repeatedDelete(c.noImage(*in.ImageIdentifier)); err != nil {
		return nil, err
	}
	return deleting(in), nil
}

// repeatedDelete returns the error of a second delete, or nil if it succeeds.
func (c *call) repeatedDelete(missing *failure) error {
	return c.settle(c.server.config.answers.RepeatedDelete, "RepeatedDelete", "the response to a second delete", *missing.message)
}
