package fake_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestSnapshot(t *testing.T) {
	s := newSession(t)
	start := s.Now().Add(-fake.MeasuredDelays().Build)
	s.Inject(fake.FailBuild{Reason: "no"})
	if _, err := s.UpdateMicroVMImage(context.Background(), updateInput(imageARN)); err != nil {
		t.Fatal(err)
	}
	updated := s.Now()
	s.Advance(time.Hour)
	vm := s.started(nil)
	taken := s.Snapshot()
	if err := s.terminate(vm.MicroVMId); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Hour)

	built := types.MicroVMImageVersionSummary{
		BaseImageArn: ptr(baseImage), BaseImageVersion: ptr("1.0"), BuildRoleArn: ptr(buildRole),
		CodeArtifact:            &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		EgressNetworkConnectors: []string{egress},
		Resources:               []types.Resources{{MinimumMemoryInMiB: ptr(int32(2048))}},
	}
	want := fake.Snapshot{
		Time: updated.Add(time.Hour + fake.MeasuredDelays().Run),
		Images: []fake.ImageSnapshot{{
			Account: "123456789012", Region: "us-east-1", Name: "app", ARN: imageARN,
			State: types.MicroVMImageStateUpdateFailed, LatestActiveVersion: "1.0", LatestFailedVersion: "2.0",
			CreatedAt: start, UpdatedAt: updated.Add(fake.MeasuredDelays().FailedBuild),
			Versions: []fake.VersionSnapshot{
				{
					Version: "1.0", State: types.MicroVMImageVersionStateSuccessful, Status: types.MicroVMImageVersionStatusActive,
					CreatedAt: start, UpdatedAt: updated, Configuration: built,
					Builds: []fake.BuildSnapshot{
						{ChipsetGeneration: "4", State: types.BuildStateSuccessful},
						{ChipsetGeneration: "3", State: types.BuildStateSuccessful},
					},
				},
				{
					Version: "2.0", State: types.MicroVMImageVersionStateFailed,
					CreatedAt: updated, UpdatedAt: updated.Add(fake.MeasuredDelays().FailedBuild), Configuration: built,
					Builds: []fake.BuildSnapshot{
						{ChipsetGeneration: "4", State: types.BuildStateFailed, StateReason: "no"},
						{ChipsetGeneration: "3", State: types.BuildStateFailed, StateReason: "no"},
					},
				},
			},
		}},
		MicroVMs: []fake.MicroVMSnapshot{{
			Account: "123456789012", Region: "us-east-1", ID: *vm.MicroVMId, Endpoint: *vm.Endpoint,
			ImageARN: imageARN, ImageVersion: "1.0", State: types.MicroVMStateRunning,
			StartedAt: updated.Add(time.Hour), MaximumDuration: 8 * time.Hour,
			IngressNetworkConnectors: []string{ingress}, EgressNetworkConnectors: []string{egress},
		}},
	}
	ids := cmp.Options{cmpopts.IgnoreFields(fake.ImageSnapshot{}, "ID"), cmpopts.IgnoreFields(fake.BuildSnapshot{}, "ID")}
	if diff := cmp.Diff(want, taken, ids); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func ptr[T any](v T) *T { return &v }
