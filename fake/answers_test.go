package fake_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestAnswers checks that unmeasured behavior is a 501 with the name of its field, until
// the field is set.
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
			if !strings.HasPrefix(unsettled, "501 UnknownBehaviorException: fake: nobody has measured ") || !strings.Contains(unsettled, "fake.Answers{"+test.field+":") {
				t.Errorf("unsettled: %s", unsettled)
			}
			assumed := newSession(t, fake.WithAssumedAnswers())
			if got := verdict(test.call(assumed)); strings.HasPrefix(got, "501") {
				t.Errorf("assumed: %s", got)
			}
			if last := assumed.Calls()[len(assumed.Calls())-1].Assumed; !slices.Contains(last, test.field) {
				t.Errorf("assumed: the last response is marked %q, want %s", last, test.field)
			}
			if diff := cmp.Diff(test.want, verdict(test.call(newSession(t, fake.WithAnswers(test.settled), fake.WithAssumedAnswers())))); diff != "" {
				t.Errorf("settled: -want +got:\n%s", diff)
			}
		})
	}
}

// TestAnswersOfAFailedBuild checks the two members of a failed build whose values nobody
// has measured.
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

// TestAssumedAnswers checks unmeasured behavior that has no field in Answers: it is a 501
// by default.
func TestAssumedAnswers(t *testing.T) {
	ctx := context.Background()
	only := func(connector string) func(*lambdamicrovms.RunMicroVMInput) {
		return func(in *lambdamicrovms.RunMicroVMInput) {
			in.IngressNetworkConnectors = []string{"arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:" + connector}
		}
	}
	ask := func(s *session, vm *lambdamicrovms.RunMicroVMOutput, token string) string {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+*vm.Endpoint+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-aws-proxy-auth", token)
		response, err := s.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		return response.Status + " " + response.Header.Get("X-Fake-Assumed")
	}
	for _, test := range []struct {
		name string
		call func(s *session) string
		want string // prefix
	}{
		{"a token whose version was deleted", func(s *session) string {
			in := createInput("other")
			in.ClientToken = aws.String("token")
			created, err := s.CreateMicroVMImage(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			s.Advance(fake.MeasuredDelays().Build)
			if _, err := s.UpdateMicroVMImage(ctx, updateInput(*created.ImageArn)); err != nil {
				t.Fatal(err)
			}
			s.Advance(fake.MeasuredDelays().Build)
			if _, err := s.DeleteMicroVMImageVersion(ctx, &lambdamicrovms.DeleteMicroVMImageVersionInput{ImageIdentifier: created.ImageArn, ImageVersion: aws.String("1.0")}); err != nil {
				t.Fatal(err)
			}
			s.Advance(fake.MeasuredDelays().VersionDelete)
			_, err = s.CreateMicroVMImage(ctx, in)
			return verdict(err)
		}, "404"},
		{"a base image that does not exist", func(s *session) string {
			in := createInput("other")
			in.BaseImageArn = aws.String(strings.Replace(imageARN, ":app", ":none", 1))
			_, err := s.CreateMicroVMImage(ctx, in)
			return verdict(err)
		}, "404"},
		{"a run of a managed image", func(s *session) string {
			_, err := s.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(baseImage)})
			return verdict(err)
		}, "404"},
		{"tags of a function", func(s *session) string {
			_, err := s.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: aws.String("arn:aws:lambda:us-east-1:123456789012:capacity-provider:x")})
			return verdict(err)
		}, "4"},
		{"no ingress", func(s *session) string {
			vm := s.started(only("NO_INGRESS"))
			return ask(s, vm, s.token(vm.MicroVMId))
		}, "403 Forbidden the response of the endpoint"},
		{"a shell", func(s *session) string {
			vm := s.started(only("SHELL_INGRESS"))
			out, err := s.CreateMicroVMShellAuthToken(ctx, &lambdamicrovms.CreateMicroVMShellAuthTokenInput{MicroVMIdentifier: vm.MicroVMId, ExpirationInMinutes: aws.Int32(1)})
			if err != nil {
				t.Fatal(err)
			}
			return ask(s, vm, out.AuthToken["X-aws-proxy-auth"])
		}, "502 Bad Gateway the protocol of the shell"},
		{"a long suspension", func(s *session) string {
			vm := s.started(func(in *lambdamicrovms.RunMicroVMInput) {
				in.IdlePolicy = &types.IdlePolicy{AutoResumeEnabled: aws.Bool(true), MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(60)}
			})
			token := s.token(vm.MicroVMId)
			s.Advance(5 * time.Minute)
			out, err := s.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
			if err != nil || out.State != types.MicroVMStateTerminated {
				t.Errorf("%v, %v", out, err)
			}
			if last := s.Calls(fake.GetMicroVM); !slices.Equal(last[len(last)-1].Assumed, []string{"LongSuspension"}) {
				t.Errorf("Get is marked %q", last[len(last)-1].Assumed)
			}
			return ask(s, vm, token)
		}, "502 Bad Gateway LongSuspension"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.call(newSession(t, fake.WithAssumedAnswers())); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Assumed responses are marked by a header, and measured ones are not.
func TestAssumedHeader(t *testing.T) {
	s := newSession(t, fake.WithAssumedAnswers())
	vm := s.started(nil)
	marks := func(method, path string) []string {
		r, err := http.NewRequestWithContext(t.Context(), method, "https://lambda.us-east-1.amazonaws.com"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		return response.Header.Values("X-Fake-Assumed")
	}
	path := "/2025-09-09/microvms/" + *vm.MicroVMId
	if got := marks(http.MethodGet, path); got != nil {
		t.Errorf("Get is marked %q", got)
	}
	if diff := cmp.Diff([]string{"OutOfTurn"}, marks(http.MethodPost, path+"/resume")); diff != "" {
		t.Errorf("Resume of a RUNNING MicroVM: -want +got:\n%s", diff)
	}
}
