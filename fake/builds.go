package fake

import (
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Reasons of failed builds, in the words of the service.
const (
	ReasonContainerBuild   = "The container image build failed."
	ReasonReadyTimeout     = "Ready hook invocation timed out after PT5M"
	ReasonReadyClientError = "Ready hook check failed: the application returned a client error (HTTP 4xx) response"
	ReasonInterrupted      = "Build workflow was interrupted by an exception"
)

// build is the build of a version for one chipset generation.
type build struct {
	id         string
	generation string
	failure    *string // the reason; nil if it succeeds
}

// newBuilds returns one build for each generation, newest first.
func (c *call) newBuilds() []build {
	builds := make([]build, 0, 2)
	for _, generation := range []string{"4", "3"} {
		builds = append(builds, build{id: c.server.ids.uuid(), generation: generation})
	}
	return builds
}

func (b *build) state(v *version, now time.Time) types.BuildState {
	switch {
	case v.stuck || now.Before(v.startsAt):
		return types.BuildStatePending
	case now.Before(v.endsAt):
		return types.BuildStateInProgress
	case b.failure != nil:
		return types.BuildStateFailed
	}
	return types.BuildStateSuccessful
}

func (b *build) describe(img *image, v *version, now time.Time) *types.MicroVMImageBuildSummary {
	out := &types.MicroVMImageBuildSummary{
		Architecture:      types.ArchitectureArm64,
		BuildId:           ptr(b.id),
		BuildState:        b.state(v, now),
		Chipset:           types.ChipsetGraviton,
		ChipsetGeneration: ptr(b.generation),
		CreatedAt:         ptr(v.createdAt),
		ImageArn:          ptr(img.arn),
		ImageVersion:      ptr(v.name()),
	}
	if out.BuildState == types.BuildStateFailed {
		out.StateReason = b.failure
	}
	return out
}

func (*build) extra() []extra { return []extra{{name: "terminationReasonCode"}} }

// sizes returns the sizes that a build reports, or nil.
func (b *build) sizes(state types.BuildState) *types.SnapshotBuild {
	switch {
	case state == types.BuildStateSuccessful:
		return &types.SnapshotBuild{
			CodeInstallSizeInBytes:    ptr(int64(186400768)),
			DiskSnapshotSizeInBytes:   ptr(int64(25600000)),
			MemorySnapshotSizeInBytes: ptr(int64(609087488)),
		}
	case state == types.BuildStateFailed && strings.HasPrefix(*b.failure, "Ready hook"):
		return &types.SnapshotBuild{CodeInstallSizeInBytes: ptr(int64(186400768))} // the code was installed
	}
	return nil
}

func (c *call) listMicroVMImageBuilds(in *lambdamicrovms.ListMicroVMImageBuildsInput) (*page, error) {
	img, v, err := c.findVersion(in.ImageIdentifier, in.ImageVersion)
	if err != nil {
		return nil, err
	}
	place := func(b build) int64 { return int64(slices.Index(v.builds, b)) + 1 }
	found, next, err := cut(c, v.builds, place, in.MaxResults, in.NextToken, img.id+v.name())
	if err != nil {
		return nil, err
	}
	out := newPage(next, len(found))
	for _, b := range found {
		item := b.describe(img, v, c.now)
		if in.ChipsetGeneration != nil && *in.ChipsetGeneration != b.generation ||
			in.Chipset != "" && in.Chipset != item.Chipset ||
			in.Architecture != "" && in.Architecture != item.Architecture {
			continue
		}
		out.items = append(out.items, extended{item, b.extra()})
	}
	return out, nil
}

func (c *call) getMicroVMImageBuild(in *lambdamicrovms.GetMicroVMImageBuildInput) (restjson.Encoder, error) {
	img, v, err := c.findVersion(in.ImageIdentifier, in.ImageVersion)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(v.builds, func(b build) bool { return b.id == *in.BuildId })
	if i < 0 {
		return nil, notFound("MicroVMImageBuild not found for build ID: %s", *in.BuildId)
	}
	b := &v.builds[i]
	out := b.describe(img, v, c.now)
	switch {
	case out.StateReason == nil:
	case c.server.config.answers.FailedBuildReason:
		c.dependsOn("FailedBuildReason")
	default:
		out.StateReason = nil
	}
	return extended{buildWithSizes{out, b.sizes(out.BuildState)}, b.extra()}, nil
}

// buildWithSizes is the output of GetMicrovmImageBuild.
type buildWithSizes struct {
	*types.MicroVMImageBuildSummary
	sizes *types.SnapshotBuild
}

// EncodeJSON leaves unknown sizes out, where other unset members are null.
func (b buildWithSizes) EncodeJSON(w *restjson.Writer) {
	b.MicroVMImageBuildSummary.EncodeJSON(w)
	if b.sizes == nil {
		return
	}
	var sizes restjson.Writer
	b.sizes.EncodeJSON(&sizes)
	w.Reopen()
	w.Key("snapshotBuild")
	w.Raw(sizes.Bytes())
	w.End()
}
