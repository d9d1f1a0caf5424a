package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

func describe(t *testing.T, dir, name, stage string) {
	t.Helper()
	text := fmt.Sprintf(`{
		"name": %q,
		"baseImageArn": "arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1",
		"buildRoleArn": "arn:aws:iam::123456789012:role/build",
		"codeArtifact": {"uri": "s3://bucket/app.zip"},
		"environmentVariables": {"STAGE": %q}
	}`, name, stage)
	if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRounds(t *testing.T) {
	dir := t.TempDir()
	srv := fake.New(t)
	c := newController(lambdamicrovms.New(srv.Options()), dir, slog.New(slog.DiscardHandler))
	builds := func() int {
		return len(fake.Inputs[lambdamicrovms.CreateMicroVMImageInput](srv)) + len(fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](srv))
	}
	round := func(wantBuilds int, wantErr string) {
		t.Helper()
		err := c.round(t.Context())
		if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Errorf("got error %v, want %q", err, wantErr)
		}
		if got := builds(); got != wantBuilds {
			t.Errorf("%d builds, want %d", got, wantBuilds)
		}
	}

	describe(t, dir, "one", "test")
	describe(t, dir, "two", "test")
	round(2, "")
	round(2, "") // nothing differs
	describe(t, dir, "two", "prod")
	round(3, "")

	if err := os.WriteFile(filepath.Join(dir, "one.json"), []byte(`{"namen": "one"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	describe(t, dir, "two", "next")
	round(4, "one.json: ") // the other one is reconciled

	describe(t, dir, "one", "broken")
	srv.Inject(fake.FailBuild{Reason: fake.ReasonContainerBuild}, fake.Image("one"), fake.First(1))
	round(5, "one.json: ")
	round(5, "tried again when the file changes")
	describe(t, dir, "one", "mended")
	round(6, "")
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	describe(t, dir, "one", "test")
	if err := run(t.Context(), []string{"-once", dir}); err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), nil); err == nil {
		t.Error("no directory, and no error")
	}
}

func TestLoopEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newController(nil, t.TempDir(), slog.New(slog.DiscardHandler))
	if err := c.loop(ctx, time.Hour); err != nil {
		t.Error(err)
	}
}
