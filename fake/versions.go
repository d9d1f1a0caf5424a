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

// version is a version of an image, with its builds.
type version struct {
	number    int
	config    *types.MicroVMImageVersionSummary // the configuration only; state and times are computed
	createdAt time.Time
	startsAt  time.Time // when its builds become IN_PROGRESS
	endsAt    time.Time // when its builds end
	stuck     bool      // its builds stay PENDING
	builds    []build

	status    types.MicroVMImageVersionStatus // as set by UpdateMicrovmImageVersion, or ""
	changedAt time.Time                       // by a call

	goneAt time.Time // when its deletion ends; zero if it is not being deleted
}

// name returns the version in the form of responses, "1.0".
func (v *version) name() string { return versionName(v.number) }

func versionName(number int) string { return strconv.Itoa(number) + ".0" }

// parseVersion accepts "1" and "1.0". It returns 0 for anything else.
func parseVersion(text string) int {
	n, err := strconv.ParseUint(strings.TrimSuffix(text, ".0"), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// stick keeps the builds PENDING.
func (v *version) stick() { v.stuck = true }

func (v *version) gone(now time.Time) bool { return !v.goneAt.IsZero() && !now.Before(v.goneAt) }

// building reports whether the version counts against the quota of concurrent builds.
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

// updatedAt returns the time of the last change of state or status.
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

// describe returns a version as Get, List and PATCH do, but without the image's ARN and
// the status of a failed version. It points to memory that is never written again:
// responses are encoded without the server's lock.
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

// extra returns the undocumented member, a key of state and hour.
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

// build starts the build of the next version.
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

// findVersion returns the image and the version of a path.
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

// noVersion is the error for a missing version, and for any version of a missing image.
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
	case len(img.versions) == 1: // checked before the image is
		return nil, invalid("This is the last version. Please delete the entire image")
	case img.busy(c.now):
		return nil, alreadyIn(img.state(c.now))
	}
	if len(c.world.running(img, v.number, c.now)) > 0 {
		const message = "Cannot delete microvm image version with running microvms."
		if err := c.settle(c.server.config.answers.VersionInUse, "VersionInUse", "the response to the delete of a version that MicroVMs run", message); err != nil {
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
		ImageVersion:    ptr(versionName(number)),
		State:           types.MicroVMImageVersionStateDeleting,
	}
}
