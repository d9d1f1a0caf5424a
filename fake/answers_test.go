package fake_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestAnswers checks that what nobody has measured is 501 with the name of its field, until the field settles it.
func TestAnswers(t *testing.T) {
	ctx := context.Background()
	image, version := aws.String(imageARN), aws.String("1.0")
	update := func(s *session) {
		if _, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN)); err != nil {
			t.Fatal(err)
		}
		s.Advance(fake.MeasuredDelays().Build)
	}
	deleteImage := func(s *session) error {
		_, err := s.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: image})
		return err
	}
	deleteVersion := func(s *session) error {
		_, err := s.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: image, ImageVersion: version})
		return err
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	const noImage = "404 ResourceNotFoundException: MicroVMImage not found for MicroVMImageID: " + imageARN
	const noVersion = "MicroVMImage not found for MicroVMImage: " + imageARN + ", Version: 1.0"
	tests := []struct {
		name, field string
		call        func(s *session) error
		settled     fake.Answers
		want        string
	}{
		{"image that is being deleted", "RepeatedDelete", func(s *session) error {
			must(deleteImage(s))
			return deleteImage(s)
		}, fake.Answers{RepeatedDelete: fake.OutcomeSuccess}, "<nil>"},
		{"image that is gone", "RepeatedDelete", func(s *session) error {
			must(deleteImage(s))
			s.Advance(fake.MeasuredDelays().ImageDelete)
			return deleteImage(s)
		}, fake.Answers{RepeatedDelete: fake.OutcomeNotFound}, noImage},
		{"version that is being deleted", "RepeatedDelete", func(s *session) error {
			update(s)
			must(deleteVersion(s))
			return deleteVersion(s)
		}, fake.Answers{RepeatedDelete: fake.OutcomeConflict}, "409 ConflictException: " + noVersion},
		{"version that is gone", "RepeatedDelete", func(s *session) error {
			update(s)
			must(deleteVersion(s))
			s.Advance(fake.MeasuredDelays().VersionDelete)
			return deleteVersion(s)
		}, fake.Answers{RepeatedDelete: fake.OutcomeSuccess}, "<nil>"},
		{"version with MicroVMs", "VersionInUse", func(s *session) error {
			s.started(nil)
			update(s)
			return deleteVersion(s)
		}, fake.Answers{VersionInUse: fake.OutcomeValidation}, "400 ValidationException: Cannot delete microvm image version with running microvms."},
		{"version with MicroVMs that may go", "VersionInUse", func(s *session) error {
			s.started(nil)
			update(s)
			return deleteVersion(s)
		}, fake.Answers{VersionInUse: fake.OutcomeSuccess}, "<nil>"},
		{"status of a failed version", "FailedVersionStatus", func(s *session) error {
			s.Inject(fake.FailBuild{}, fake.First(1))
			update(s)
			_, err := s.UpdateMicroVMImageVersion(ctx, &lambdamicrovms.UpdateMicroVMImageVersionInput{
				ImageIdentifier: image, ImageVersion: aws.String("2.0"), Status: types.MicroVMImageVersionStatusInactive,
			})
			return err
		}, fake.Answers{FailedVersionStatus: types.MicroVMImageVersionStatusActive}, "<nil>"},
		{"token after the end", "TerminatedToken", func(s *session) error {
			vm := s.started(nil)
			must(s.terminate(vm.MicroVMId))
			s.Advance(fake.MeasuredDelays().Terminate)
			_, err := s.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
				MicroVMIdentifier: vm.MicroVMId, ExpirationInMinutes: aws.Int32(1),
				AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberAllPorts{}},
			})
			return err
		}, fake.Answers{TerminatedToken: fake.OutcomeSuccess}, "<nil>"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			unsettled := verdict(test.call(newSession(t)))
			if !strings.HasPrefix(unsettled, "501 UnknownBehaviorException: fake: it is not known ") || !strings.Contains(unsettled, "fake.Answers{"+test.field+":") {
				t.Errorf("unsettled: %s", unsettled)
			}
			if diff := cmp.Diff(test.want, verdict(test.call(newSession(t, fake.WithAnswers(test.settled))))); diff != "" {
				t.Errorf("settled: -want +got:\n%s", diff)
			}
		})
	}
}

// TestAnswersOfAFailedBuild checks the two members of which nobody knows what is in them.
func TestAnswersOfAFailedBuild(t *testing.T) {
	ctx := context.Background()
	look := func(answers fake.Answers) []string {
		s := newSession(t, fake.WithAnswers(answers))
		s.Inject(fake.FailBuild{})
		updated, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN))
		if err != nil {
			t.Fatal(err)
		}
		s.Advance(fake.MeasuredDelays().FailedBuild)
		version, err := s.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: updated.ImageArn, ImageVersion: updated.ImageVersion})
		if err != nil {
			t.Fatal(err)
		}
		builds, err := s.ListMicroVMImageBuilds(ctx, &lambdamicrovms.ListMicroVMImageBuildsInput{ImageIdentifier: updated.ImageArn, ImageVersion: updated.ImageVersion})
		if err != nil {
			t.Fatal(err)
		}
		build, err := s.GetMicroVMImageBuild(ctx, &lambdamicrovms.GetMicroVMImageBuildInput{
			ImageIdentifier: updated.ImageArn, ImageVersion: updated.ImageVersion, BuildId: builds.Items[0].BuildId,
		})
		if err != nil {
			t.Fatal(err)
		}
		return []string{string(version.Status), aws.ToString(builds.Items[0].StateReason), aws.ToString(build.StateReason)}
	}
	if diff := cmp.Diff([]string{"", fake.ReasonContainerBuild, ""}, look(fake.Answers{})); diff != "" {
		t.Errorf("unsettled: -want +got:\n%s", diff)
	}
	settled := fake.Answers{FailedVersionStatus: types.MicroVMImageVersionStatusInactive, FailedBuildReason: true}
	if diff := cmp.Diff([]string{"INACTIVE", fake.ReasonContainerBuild, fake.ReasonContainerBuild}, look(settled)); diff != "" {
		t.Errorf("settled: -want +got:\n%s", diff)
	}
}
