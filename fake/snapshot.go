package fake

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/types"
)

// A Snapshot is the state of a server at a time, in plain values for go-cmp. It shares no
// memory with the server.
type Snapshot struct {
	Time     time.Time
	Images   []ImageSnapshot   // of all accounts and regions, oldest first, without deleted ones
	MicroVMs []MicroVMSnapshot // of all accounts and regions, oldest first, with terminated ones
}

// An ImageSnapshot is an image in a Snapshot.
type ImageSnapshot struct {
	Account, Region      string
	Name, ARN, ID        string
	State                types.MicroVMImageState
	LatestActiveVersion  string // such as "1.0"; empty if there is none
	LatestFailedVersion  string
	Tags                 map[string]string // nil if there are none
	CreatedAt, UpdatedAt time.Time
	Versions             []VersionSnapshot // oldest first
}

// A VersionSnapshot is a version of an image in a Snapshot.
type VersionSnapshot struct {
	Version              string // such as "1.0"
	State                types.MicroVMImageVersionState
	Status               types.MicroVMImageVersionStatus
	CreatedAt, UpdatedAt time.Time
	// Configuration has the members that configure a build, with the defaults of the
	// service.
	Configuration types.MicroVMImageVersionSummary
	Builds        []BuildSnapshot
}

// A BuildSnapshot is a build of a version in a Snapshot.
type BuildSnapshot struct {
	ID                string
	ChipsetGeneration string
	State             types.BuildState
	StateReason       string
}

// A MicroVMSnapshot is a MicroVM in a Snapshot.
type MicroVMSnapshot struct {
	Account, Region          string
	ID, Endpoint             string
	ImageARN, ImageVersion   string
	State                    types.MicroVMState // empty if unknown, see [Answers].LongSuspension
	StateReason              string
	StartedAt, TerminatedAt  time.Time // TerminatedAt is zero until it is terminated
	MaximumDuration          time.Duration
	IdlePolicy               *types.IdlePolicy
	ExecutionRoleARN         string
	IngressNetworkConnectors []string
	EgressNetworkConnectors  []string
}

// Snapshot returns the state at the server's current time.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	taken := Snapshot{Time: now}
	images, vms := make(map[string]int64), make(map[string]int64)
	for sc, w := range s.worlds {
		w.sweep(now)
		for _, img := range w.order {
			images[img.id] = img.sequence
			taken.Images = append(taken.Images, img.snapshot(sc, now, s.config.answers.FailedVersionStatus))
		}
		for _, vm := range w.microVMOrder {
			vms[vm.id()] = vm.sequence
			taken.MicroVMs = append(taken.MicroVMs, vm.snapshot(sc, now))
		}
	}
	slices.SortFunc(taken.Images, func(a, b ImageSnapshot) int { return cmp.Compare(images[a.ID], images[b.ID]) })
	slices.SortFunc(taken.MicroVMs, func(a, b MicroVMSnapshot) int { return cmp.Compare(vms[a.ID], vms[b.ID]) })
	return taken
}

func (img *image) snapshot(sc scope, now time.Time, failedStatus types.MicroVMImageVersionStatus) ImageSnapshot {
	img.sweep(now)
	told := img.describe(now)
	taken := ImageSnapshot{
		Account: sc.account, Region: sc.region,
		Name: img.name, ARN: img.arn, ID: img.id,
		State:               told.State,
		LatestActiveVersion: aws.ToString(told.LatestActiveImageVersion),
		LatestFailedVersion: aws.ToString(told.LatestFailedImageVersion),
		CreatedAt:           img.createdAt, UpdatedAt: *told.UpdatedAt,
	}
	if len(img.tags) > 0 {
		taken.Tags = maps.Clone(img.tags)
	}
	for _, v := range img.versions {
		taken.Versions = append(taken.Versions, v.snapshot(img, now, failedStatus))
	}
	return taken
}

func (v *version) snapshot(img *image, now time.Time, failedStatus types.MicroVMImageVersionStatus) VersionSnapshot {
	told := v.describe(now)
	taken := VersionSnapshot{
		Version:   *told.ImageVersion,
		State:     told.State,
		Status:    cmp.Or(told.Status, failedStatus),
		CreatedAt: *told.CreatedAt, UpdatedAt: *told.UpdatedAt,
		Configuration: *restjson.Recast(&types.MicroVMImageVersionSummary{}, v.config),
	}
	for i := range v.builds {
		build := v.builds[i].describe(img, v, now)
		taken.Builds = append(taken.Builds, BuildSnapshot{
			ID:                *build.BuildId,
			ChipsetGeneration: *build.ChipsetGeneration,
			State:             build.BuildState,
			StateReason:       aws.ToString(build.StateReason),
		})
	}
	return taken
}

func (vm *microVM) snapshot(sc scope, now time.Time) MicroVMSnapshot {
	told := restjson.Recast(&lambdamicrovms.GetMicroVMOutput{}, vm.describe(now)) // shares no memory with the server
	return MicroVMSnapshot{
		Account: sc.account, Region: sc.region,
		ID: vm.id(), Endpoint: *told.Endpoint,
		ImageARN: *told.ImageArn, ImageVersion: *told.ImageVersion,
		State: told.State, StateReason: aws.ToString(told.StateReason),
		StartedAt: *told.StartedAt, TerminatedAt: aws.ToTime(told.TerminatedAt),
		MaximumDuration:          seconds(*told.MaximumDurationInSeconds),
		IdlePolicy:               told.IdlePolicy,
		ExecutionRoleARN:         aws.ToString(told.ExecutionRoleArn),
		IngressNetworkConnectors: told.IngressNetworkConnectors,
		EgressNetworkConnectors:  told.EgressNetworkConnectors,
	}
}
