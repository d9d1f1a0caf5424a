//go:build go1.25

package sidebyside

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Both make the same of a directory: a new image, its next version although it is busy,
// and an error with the reason of a build that failed.
func TestBothDeploy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := func(_ context.Context, name string, _ io.ReadSeeker, _ int64) (string, error) {
		return "s3://bucket/" + name, nil
	}
	for name, deploy := range map[string]func(context.Context, *lambdamicrovms.Client, upload, string, lambdamicrovms.CreateMicroVMImageInput) (string, error){
		"plain": deployPlain, "workflow": deploy,
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := fake.New(t, fake.WithRealTime())
			client := lambdamicrovms.New(srv.Options())
			declared := func(memory int32) lambdamicrovms.CreateMicroVMImageInput {
				return lambdamicrovms.CreateMicroVMImageInput{
					Name:         aws.String("app"),
					BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
					BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
					Resources:    []types.Resources{{MinimumMemoryInMiB: &memory}},
					Tags:         map[string]string{"team": "a"},
				}
			}
			ctx := context.Background()
			if version, err := deploy(ctx, client, store, dir, declared(1024)); version != "1.0" || err != nil {
				t.Fatalf("%s: create: %s, %v", name, version, err)
			}
			// Somebody else begins a build right before.
			arn := images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"}.String()
			live, err := client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &arn, ImageVersion: aws.String("1.0")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.UpdateMicroVMImage(ctx, images.InputFrom(live)); err != nil {
				t.Fatal(err)
			}
			if version, err := deploy(ctx, client, store, dir, declared(4096)); version != "3.0" || err != nil {
				t.Fatalf("%s: update: %s, %v", name, version, err)
			}
			live, err = client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: &arn, ImageVersion: aws.String("3.0")})
			if err != nil || *live.Resources[0].MinimumMemoryInMiB != 4096 {
				t.Errorf("%s: %v, %v", name, live, err)
			}
			srv.Inject(fake.FailBuild{Reason: fake.ReasonReadyTimeout})
			_, err = deploy(ctx, client, store, dir, declared(512))
			if err == nil || !strings.Contains(err.Error(), "Ready hook invocation timed out after PT5M") {
				t.Errorf("%s: a build fails: %v", name, err)
			}
			time.Sleep(time.Hour) // let all builds of the fake end with the test
		})
	}
}

// The README gives the length of both.
func TestReadmeCounts(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("| Lines of code | %d | %d |", lines(t, "plain.go"), lines(t, "workflow.go"))
	if !bytes.Contains(readme, []byte(want)) {
		t.Errorf("README.md does not say %q", want)
	}
	source, err := os.ReadFile("workflow.go")
	_, rest, _ := strings.Cut(string(readme), "# One deployment, written twice")
	_, rest, _ = strings.Cut(rest, "```go\n")
	if shown, _, _ := strings.Cut(rest, "```"); err != nil || shown == "" || !bytes.Contains(source, []byte(shown)) {
		t.Errorf("README.md shows %q, workflow.go does not have it (%v)", shown, err)
	}
	_, table, found := strings.Cut(string(readme), want)
	handled, open := 0, 0
	for _, row := range strings.Split(strings.TrimPrefix(table, "\n"), "\n") {
		cells := strings.Split(row, " | ")
		if len(cells) != 3 {
			break
		}
		if cells[1] == "no" {
			open++
		} else {
			handled++
		}
	}
	want = fmt.Sprintf("It handles %d of the %d pitfalls below with custom code and ignores the other %d.", handled, handled+open, open)
	if !found || !bytes.Contains(readme, []byte(want)) {
		t.Errorf("README.md does not say %q", want)
	}
}

// lines counts what is neither blank nor comment, after the imports.
func lines(t *testing.T, file string) int {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "\n)\n")
	n := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}
