package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

func TestRun(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	var log strings.Builder
	if err := run(t.Context(), []string{"-output", output}, &log); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(output)
	if string(text) != "version=1.0\n" || err != nil || !strings.HasSuffix(log.String(), "serving version 1.0\n") {
		t.Errorf("got %q, %v, log %s", text, err, log.String())
	}
}

func TestDeployments(t *testing.T) {
	healthy := true
	srv := fake.New(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !healthy {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})))
	client := lambdamicrovms.New(srv.Options())
	d := deployment{client: client, name: "shop", role: "arn:aws:iam::123456789012:role/build", test: "/health", keep: 2, log: io.Discard}
	for _, step := range []struct {
		artifact string
		healthy  bool
		fault    fake.Effect
		version  string
		err      []string
		serving  string
	}{
		{"s3://bucket/1.zip", false, nil, "", []string{"version 1.0: GET /health: 500", "version 1.0 still serves"}, "1.0"},
		{"s3://bucket/1.zip", false, nil, "", []string{"version 1.0: GET /health: 500", "version 1.0 still serves"}, "1.0"}, // the job is repeated
		{"s3://bucket/1.zip", true, nil, "1.0", nil, "1.0"},
		{"s3://bucket/2.zip", true, nil, "2.0", nil, "2.0"},
		{"s3://bucket/3.zip", false, nil, "", []string{"version 3.0: GET /health: 500", "version 2.0 serves again"}, "2.0"},
		{"s3://bucket/4.zip", true, fake.FailBuild{Reason: fake.ReasonReadyTimeout}, "", []string{fake.ReasonReadyTimeout}, "2.0"},
		{"s3://bucket/5.zip", true, nil, "5.0", nil, "5.0"},
	} {
		healthy, d.artifact = step.healthy, step.artifact
		if step.fault != nil {
			srv.Inject(step.fault, fake.On(fake.UpdateMicroVMImage), fake.First(1))
		}
		version, err := d.run(t.Context())
		if version != step.version || (err == nil) != (step.err == nil) {
			t.Errorf("%s: got version %q, error %v", step.artifact, version, err)
		}
		for _, text := range step.err {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got error %v, want %s", step.artifact, err, text)
			}
		}
		found, err := images.Find(t.Context(), client, "shop")
		if err != nil || aws.ToString(found.LatestActiveImageVersion) != step.serving {
			t.Errorf("%s: serving %s, %v; want %s", step.artifact, aws.ToString(found.LatestActiveImageVersion), err, step.serving)
		}
	}
}
