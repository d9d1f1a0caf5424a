package fake

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// version is a version of an image and the builds it came from.
type version struct {
	number    int
	config    *types.MicroVMImageVersionSummary // what it was built from; nothing else in it is set
	createdAt time.Time
	startsAt  time.Time // when the builds go from PENDING to IN_PROGRESS
	endsAt    time.Time // when they are over
	stuck     bool      // they stay PENDING
	builds    []build

	status    types.MicroVMImageVersionStatus // as set by a call, "" if by none
	changedAt time.Time                       // by a call

	goneAt time.Time // when its deletion is over; zero: it is not deleted
}

// name is the version as answers spell it.
func (v *version) name() string { return strconv.Itoa(v.number) + ".0" }

// parseVersion reads "1" and "1.0"; it returns 0 for what is no version.
func parseVersion(text string) int {
	n, err := strconv.ParseUint(strings.TrimSuffix(text, ".0"), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// stick keeps the builds from ever starting.
func (v *version) stick() { v.stuck = true }

func (v *version) gone(now time.Time) bool { return !v.goneAt.IsZero() && !now.Before(v.goneAt) }

// building reports whether the version takes up one of the places for builds.
func (v *version) building(now time.Time) bool { return v.stuck || now.Before(v.endsAt) }

func (v *version) failed() bool {
	for _, b := range v.builds {
		if b.failure != nil {
			return true
		}
	}
	return false
}

func (v *version) state(now time.Time) types.MicroVMImageVersionState {
	switch {
	case !v.goneAt.IsZero():
		return types.MicroVMImageVersionStateDeleting
	case v.stuck || now.Before(v.startsAt):
		return types.MicroVMImageVersionStatePending
	case now.Before(v.endsAt):
		return types.MicroVMImageVersionStateInProgress
	case v.failed():
		return types.MicroVMImageVersionStateFailed
	}
	return types.MicroVMImageVersionStateSuccessful
}

// updatedAt is when the version came to look as it does.
func (v *version) updatedAt(now time.Time) time.Time {
	latest := v.createdAt
	for _, at := range []time.Time{v.startsAt, v.endsAt, v.changedAt} {
		if !v.stuck && !at.After(now) && at.After(latest) {
			latest = at
		}
	}
	return latest
}

// active reports whether the version can be run.
func (v *version) active(now time.Time) bool {
	return v.state(now) == types.MicroVMImageVersionStateSuccessful && v.status != types.MicroVMImageVersionStatusInactive
}

// describe returns what Get, List and PATCH tell of a version, but for the image's ARN and a failed version's status.
// What it points to is never written again.
func (v *version) describe(now time.Time) *types.MicroVMImageVersionSummary {
	out := *v.config
	out.ImageVersion = ptr(v.name())
	out.State = v.state(now)
	out.CreatedAt = ptr(v.createdAt)
	out.UpdatedAt = ptr(v.updatedAt(now))
	switch {
	case v.status != "":
		out.Status = v.status
	case v.building(now):
		out.Status = types.MicroVMImageVersionStatusInactive
	case !v.failed():
		out.Status = types.MicroVMImageVersionStatusActive
	}
	return &out
}

// extra is what a version has besides: a key by which the service finds versions by state and hour.
func (v *version) extra(now time.Time) []extra {
	bucket := fmt.Sprintf("%s#%s", v.state(now), v.updatedAt(now).UTC().Format("06010215"))
	return []extra{{"versionStateTimeBucket", &bucket}}
}

func (c *call) describe(img *image, v *version) *types.MicroVMImageVersionSummary {
	out := v.describe(c.now)
	out.ImageArn = ptr(img.arn)
	if out.Status == "" {
		c.dependsOn("FailedVersionStatus")
		out.Status = c.server.config.answers.FailedVersionStatus
	}
	return out
}

// build begins the next version of an image.
func (c *call) build(img *image, config *types.MicroVMImageVersionSummary, during, built, failed types.MicroVMImageState) *version {
	delays := &c.server.config.delays
	img.latest++
	v := &version{
		number:    img.latest,
		config:    config,
		createdAt: c.now,
		startsAt:  c.now.Add(delays.BuildQueue),
		endsAt:    c.now.Add(delays.Build),
		builds:    c.newBuilds(),
	}
	if broken, ok := pick[buildEffect](c); ok {
		broken.spoil(v)
	}
	after, until := built, v.endsAt
	if v.failed() {
		v.endsAt = c.now.Add(delays.FailedBuild)
		after, until = failed, v.endsAt
	}
	if v.stuck {
		until = time.Time{}
	}
	img.versions = append(img.versions, v)
	img.begin(c.now, during, after, until)
	return v
}

// findVersion returns the image and the version that a path names.
func (c *call) findVersion(identifier, number *string) (*image, *version, error) {
	img, err := c.find(identifier)
	switch {
	case isNotFound(err):
		return nil, nil, noVersion(*identifier, *number)
	case err != nil:
		return nil, nil, err
	}
	v := img.version(parseVersion(*number))
	if v == nil {
		return img, nil, noVersion(img.arn, *number)
	}
	return img, v, nil
}

// noVersion is also the error for a version of an image that does not exist.
func noVersion(arn, number string) *failure {
	return notFound("MicroVMImage not found for MicroVMImage: %s, Version: %s", arn, number)
}

func (c *call) getMicroVMImageVersion(in *lambdamicrovms.GetMicroVMImageVersionInput) (restjson.Encoder, error) {
	img, v, err := c.findVersion(in.ImageIdentifier, in.ImageVersion)
	if err != nil {
		return nil, err
	}
	return extended{c.describe(img, v), v.extra(c.now)}, nil
}

func (c *call) listMicroVMImageVersions(in *lambdamicrovms.ListMicroVMImageVersionsInput) (*page, error) {
	img, err := c.find(in.ImageIdentifier)
	if err != nil {
		return nil, err
	}
	found, next, err := cut(c, img.versions, func(v *version) int64 { return int64(v.number) }, in.MaxResults, in.NextToken, img.id)
	if err != nil {
		return nil, err
	}
	out := newPage(next, len(found))
	for _, v := range found {
		out.items = append(out.items, extended{c.describe(img, v), v.extra(c.now)})
	}
	return out, nil
}

func (c *call) updateMicroVMImageVersion(in *lambdamicrovms.UpdateMicroVMImageVersionInput) (restjson.Encoder, error) {
	img, v, err := c.findVersion(in.ImageIdentifier, in.ImageVersion)
	if err != nil {
		return nil, err
	}
	if img.busy(c.now) {
		return nil, alreadyIn(img.state(c.now))
	}
	if v.failed() {
		c.dependsOn("FailedVersionStatus")
		if c.server.config.answers.FailedVersionStatus == "" {
			return nil, unknown("FailedVersionStatus", "what status a failed version has, nor whether it can be set")
		}
	}
	v.status, v.changedAt = in.Status, c.now
	return extended{c.describe(img, v), v.extra(c.now)}, nil
}

func (c *call) deleteMicroVMImageVersion(in *lambdamicrovms.DeleteMicroVMImageVersionInput) (*lambdamicrovms.DeleteMicroVMImageVersionOutput, error) {
	img, v, err := c.findVersion(in.ImageIdentifier, in.ImageVersion)
	switch number := parseVersion(*in.ImageVersion); {
	case img == nil:
		return nil, err
	case err != nil && 0 < number && number <= img.latest, v != nil && !v.goneAt.IsZero():
		if err := c.repeatedDelete(noVersion(img.arn, *in.ImageVersion)); err != nil {
			return nil, err
		}
		return deletingVersion(in, number), nil
	case err != nil:
		return nil, err
	case len(img.versions) == 1: // this comes before the check for a busy image
		return nil, invalid("This is the last version. Please delete the entire image")
	case img.busy(c.now):
		return nil, alreadyIn(img.state(c.now))
	}
	if len(c.world.running(img, v.number, c.now)) > 0 {
		const message = "Cannot delete microvm image version with running microvms."
		if err := c.settle(c.server.config.answers.VersionInUse, "VersionInUse", "what the delete of a version gets that MicroVMs run", message); err != nil {
			return nil, err
		}
	}
	v.goneAt = c.now.Add(c.server.config.delays.VersionDelete)
	img.begin(c.now, types.MicroVMImageStateUpdating, types.MicroVMImageStateUpdated, v.goneAt)
	return deletingVersion(in, v.number), nil
}

func deletingVersion(in *lambdamicrovms.DeleteMicroVMImageVersionInput, number int) *lambdamicrovms.DeleteMicroVMImageVersionOutput {
	return &lambdamicrovms.DeleteMicroVMImageVersionOutput{
		ImageIdentifier: in.ImageIdentifier,
		ImageVersion:    ptr(strconv.Itoa(number) + ".0"),
		State:           types.MicroVMImageVersionStateDeleting,
	}
}
