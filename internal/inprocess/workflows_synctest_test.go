//go:build go1.25

package inprocess_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestWorkflowsTakeNoTime runs each kind of workflow with a client of the fake and no
// other option. In a bubble the time would move if any of them waited for real.
func TestWorkflowsTakeNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ctx := time.Now(), t.Context()
		hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		srv := fake.New(t, fake.WithApplication(hello))
		client := lambdamicrovms.New(srv.Options())
		srv.Inject(fake.Throttle{RetryAfter: 7 * time.Second}, fake.Nth(2, 4))

		image, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := images.Update(ctx, client, *image.ImageArn, func(*lambdamicrovms.UpdateMicroVMImageInput) error { return nil }); err != nil {
			t.Fatal(err)
		}
		s, err := session.Run(ctx, client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: image.ImageArn})
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Client().Get("/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if string(body) != "hello" || err != nil {
			t.Errorf("got %q, %v", body, err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := session.Sweep(ctx, client, func(o *session.SweepOptions) { o.ImageIdentifier = *image.ImageArn }); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}
