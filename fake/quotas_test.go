package fake_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// In TestQuotas, the first call after the image "app" exceeds the limit.
func TestQuotas(t *testing.T) {
	ctx := context.Background()
	run := func(s *session) error {
		_, err := s.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(imageARN)})
		return err
	}
	update := func(s *session) error {
		_, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN))
		return err
	}
	another := func(s *session) error {
		_, err := s.CreateMicroVMImage(ctx, createInput("another"))
		return err
	}
	must := func(calls ...func(*session) error) func(*testing.T, *session) {
		return func(t *testing.T, s *session) {
			for _, call := range calls {
				if err := call(s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	const memory = "402 ServiceQuotaExceededException: The base maximum allocated memory limit has been reached for this account."
	const builds = "402 ServiceQuotaExceededException: Account 123456789012 has reached the maximum number of concurrent builds allowed."
	tests := []struct {
		name   string
		quotas fake.Quotas
		before func(*testing.T, *session)
		call   func(*session) error
		want   string
	}{
		{"memory is enough", fake.Quotas{MemoryInMiB: 4096}, must(run), run, "<nil>"},
		{"memory of MicroVMs", fake.Quotas{MemoryInMiB: 4096}, must(run, run), run, memory},
		{"memory of builds", fake.Quotas{MemoryInMiB: 4096}, must(update), run, memory},
		{"memory of the TERMINATING", fake.Quotas{MemoryInMiB: 2048}, func(t *testing.T, s *session) {
			must(func(s *session) error { return s.terminate(s.run(nil).MicroVMId) })(t, s)
		}, run, memory},
		{"memory of the TERMINATED", fake.Quotas{MemoryInMiB: 2048}, func(t *testing.T, s *session) {
			must(func(s *session) error { return s.terminate(s.run(nil).MicroVMId) })(t, s)
			s.Advance(fake.MeasuredDelays().Terminate)
		}, run, "<nil>"},
		{"builds", fake.Quotas{ConcurrentBuilds: 1}, must(update), another, builds},
		{"images", fake.Quotas{Images: 1}, nil, another, "402 ServiceQuotaExceededException: Account 123456789012 has reached the maximum number of MicroVM images allowed."},
		{"versions", fake.Quotas{VersionsPerImage: 1}, nil, update, "402 ServiceQuotaExceededException: MicroVM image " + imageARN + " has reached the maximum number of versions allowed."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(t, fake.WithQuotas(test.quotas))
			if test.before != nil {
				test.before(t, s)
			}
			if diff := cmp.Diff(test.want, verdict(test.call(s))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTagQuota(t *testing.T) {
	ctx := context.Background()
	s := newSession(t, fake.WithQuotas(fake.Quotas{TagsPerImage: 2}))
	tag := func(keys ...string) error {
		tags := make(map[string]string)
		for _, key := range keys {
			tags[key] = "x"
		}
		_, err := s.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: aws.String(imageARN), Tags: tags})
		return err
	}
	const full = "400 InvalidParameterValueException: A resource can have at most 2 tags."
	for _, step := range []struct {
		keys []string
		want string
	}{
		{[]string{"a", "b"}, "<nil>"},
		{[]string{"a", "b"}, "<nil>"}, // they replace what is there
		{[]string{"c"}, full},
		{[]string{"a", "c"}, full},
	} {
		if got := verdict(tag(step.keys...)); got != step.want {
			t.Errorf("%v: got %s, want %s", step.keys, got, step.want)
		}
	}
	in := createInput("other")
	in.Tags = map[string]string{"a": "1", "b": "2", "c": "3"}
	if _, err := s.CreateMicroVMImage(ctx, in); verdict(err) != "400 ValidationException: A resource can have at most 2 tags." {
		t.Errorf("create: %v", err)
	}
}
