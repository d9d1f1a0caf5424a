package fake_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// FuzzLoadState checks that a server works with every file that it accepts.
func FuzzLoadState(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "state.json")
	srv := fake.New(f)
	client := lambdamicrovms.New(srv.Options())
	ctx := context.Background()
	out, err := client.CreateMicroVMImage(ctx, createInput("app"))
	if err != nil {
		f.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().Build)
	if _, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: out.ImageArn}); err != nil {
		f.Fatal(err)
	}
	if err := srv.SaveState(path); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(regexp.MustCompile(`"sha256": "[0-9a-f]*",`).ReplaceAllString(string(text), ""))) // so that changes get in
	f.Add([]byte(`{"format": "github.com/microvm-go/lambdamicrovms/fake", "version": 1, "state": {"worlds": [{"account": "1", "region": "us-east-1"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		srv := fake.New(t)
		if err := srv.LoadState(path); err != nil {
			var state *fake.StateError
			if !errors.As(err, &state) {
				t.Errorf("%v is a %T", err, err)
			}
			return
		}
		client := lambdamicrovms.New(srv.Options())
		before := srv.Snapshot()
		srv.Advance(24 * time.Hour)
		_ = srv.Snapshot()
		for _, vm := range before.MicroVMs {
			_, _ = client.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: &vm.ID})
		}
		for _, img := range before.Images {
			_, _ = client.UpdateMicroVMImage(ctx, updateInput(img.ARN))
			_, _ = client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(img.ARN)})
		}
		if _, err := client.ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{}); err != nil && !strings.Contains(err.Error(), "LongSuspension") {
			t.Error(err)
		}
	})
}
