package fake_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// lived returns a server with resources in many states.
func lived(t *testing.T) *session {
	t.Helper()
	ctx := context.Background()
	s := newSession(t, fake.WithFault(fake.FailBuild{}, fake.Image("broken")))
	in := createInput("other")
	in.ClientToken = aws.String("create")
	in.Tags = map[string]string{"a": "b"}
	in.EnvironmentVariables = map[string]string{"KEY": "value"}
	if _, err := s.CreateMicroVMImage(ctx, in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateMicroVMImage(ctx, createInput("broken")); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().FailedBuild)
	if _, err := s.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(strings.Replace(imageARN, "app", "broken", 1))}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateMicroVMImage(ctx, updateInput(imageARN)); err != nil {
		t.Fatal(err)
	}
	ended := s.started(nil)
	s.started(func(in *lambdamicrovms.RunMicroVMInput) {
		in.ClientToken = aws.String("run")
		in.IdlePolicy = &types.IdlePolicy{AutoResumeEnabled: aws.Bool(true), MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(300)}
	})
	if err := s.terminate(ended.MicroVMId); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStateComesBack saves the state of a server and checks that another server continues
// from it.
func TestStateComesBack(t *testing.T) {
	ctx := context.Background()
	old := lived(t)
	path := filepath.Join(t.TempDir(), "state.json")
	if err := old.SaveState(path); err != nil {
		t.Fatal(err)
	}
	srv := fake.New(t)
	if err := srv.LoadState(path); err != nil {
		t.Fatal(err)
	}
	client := lambdamicrovms.New(srv.Options())
	next := &session{srv, client, t}

	for _, d := range []time.Duration{0, 30 * time.Second, time.Minute, time.Minute} {
		old.Advance(d)
		srv.Advance(d)
		if diff := cmp.Diff(old.Snapshot(), srv.Snapshot()); diff != "" {
			t.Errorf("after %v more: -saved +loaded:\n%s", d, diff)
		}
	}
	vm := srv.Snapshot().MicroVMs[1]
	if got := next.ask(vm.Endpoint, old.token(&vm.ID), ""); !strings.HasPrefix(got, "200") {
		t.Errorf("the endpoint responds with %s", got)
	}

	in := createInput("other")
	in.ClientToken = aws.String("create")
	in.Tags = map[string]string{"a": "b"}
	in.EnvironmentVariables = map[string]string{"KEY": "value"}
	if _, err := client.CreateMicroVMImage(ctx, in); err != nil {
		t.Errorf("the client token is forgotten: %v", err)
	}
	known := srv.Snapshot().MicroVMs
	fresh := next.run(nil)
	for _, vm := range known {
		if vm.ID == *fresh.MicroVMId {
			t.Errorf("the id %s came twice", vm.ID)
		}
	}
}

func TestStateFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := lived(t).SaveState(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("the file has no %s", old)
		}
		return strings.Replace(string(good), old, new, 1)
	}
	sum := regexp.MustCompile(`"sha256": "[0-9a-f]*",`).FindString(string(good))

	tests := []struct {
		name    string
		content string
		want    fake.StateProblem
	}{
		{"some bytes", string(good[:20]), fake.StateTorn},
		{"half", string(good[:len(good)/2]), fake.StateTorn},
		{"the last brace is missing", string(good[:len(good)-2]), fake.StateTorn},
		{"a hole", string(good[:300]) + strings.Repeat("\x00", 100) + string(good[400:]), fake.StateTorn},
		{"another value", edit(`"name": "other"`, `"name": "ether"`), fake.StateTorn},
		{"no JSON", "state: none", fake.StateForeign},
		{"other JSON", `{"format": "terraform", "version": 4}`, fake.StateForeign},
		{"a list", `[]`, fake.StateForeign},
		{"a later version", edit(`"version": 1,`, `"version": 2,`), fake.StateOtherFormat},
		{"no state", `{"format": "github.com/microvm-go/lambdamicrovms/fake", "version": 1, "state": null}`, fake.StateInvalid},
		{"an unknown member", strings.Replace(edit(sum, ""), `"sequence"`, `"sequins"`, 1), fake.StateInvalid},
		{"no phases", strings.Replace(edit(sum, ""), `"phases": [`, `"phases": [], "x": [`, 1), fake.StateInvalid},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(dir, "refused.json")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s := newSession(t)
			before := s.Snapshot()
			for how, load := range map[string]func(string) error{"load": s.LoadState, "keep": s.KeepState} {
				err := load(path)
				var state *fake.StateError
				if !errors.As(err, &state) || !errors.Is(err, test.want) {
					t.Errorf("%s: %v, want that it %v", how, err, test.want)
				}
			}
			if diff := cmp.Diff(before, s.Snapshot()); diff != "" {
				t.Errorf("the state is another:\n%s", diff)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != test.content {
				t.Errorf("the file is another: %v", err)
			}
		})
	}

	srv := fake.New(t)
	if err := srv.LoadState(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, fake.StateUnreadable) {
		t.Errorf("a file that is not there: %v", err)
	}
	// Without its checksum an edited file is accepted.
	if err := os.WriteFile(path, []byte(strings.Replace(edit(sum, ""), `"name": "other"`, `"name": "ether"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := srv.LoadState(path); err != nil {
		t.Error(err)
	}
}

// TestKeepState checks that the file contains every confirmed change, and is complete at
// every moment.
func TestKeepState(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	first := fake.New(t)
	if err := first.KeepState(path); err != nil {
		t.Fatal(err)
	}
	client := lambdamicrovms.New(first.Options())
	names := []string{"a", "b", "c", "d", "e", "f"}
	done := make(chan error)
	for _, name := range names {
		go func() {
			_, err := client.CreateMicroVMImage(ctx, createInput(name))
			if err == nil {
				err = fake.NewServer().LoadState(path)
			}
			done <- err
		}()
	}
	for range names {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}

	before := first.Snapshot()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v: want the state and nothing else", files, err)
	}
	second := fake.New(t)
	if err := second.KeepState(path); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, second.Snapshot()); diff != "" {
		t.Errorf("-first +second:\n%s", diff)
	}
	if len(second.Snapshot().Images) != len(names) {
		t.Errorf("%d images, want %d", len(second.Snapshot().Images), len(names))
	}

	// A change that cannot be saved is not confirmed.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	once := lambdamicrovms.New(second.Options(), func(o *lambdamicrovms.Options) { o.RetryMaxAttempts = 1 })
	if _, err := once.CreateMicroVMImage(ctx, createInput("g")); !strings.HasPrefix(verdict(err), "500 InternalServerException: fake: state file") {
		t.Errorf("create without a disk: %v", err)
	}
}
