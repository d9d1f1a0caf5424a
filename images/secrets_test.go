package images_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The reason of a failed build may repeat environment variables of the image.
func TestReasonsHoldNoSecrets(t *testing.T) {
	const secret = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	srv := fake.New(t)
	srv.Inject(fake.FailBuild{Reason: "cannot reach \x1b[31m" + secret + "\u202e: no such host"})
	var told []string
	_, err := images.Deploy(context.Background(), lambdamicrovms.New(srv.Options()), images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name: aws.String("shop"), BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/microvm-build"), CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://b/k.zip"},
			EnvironmentVariables: map[string]string{"PASSWORD": secret},
		},
	}, func(o *images.DeployOptions) {
		o.Clock = srv.Clock()
		o.Progress = func(e images.Event) { told = append(told, fmt.Sprint(e)) }
	})
	var failed *images.BuildFailedError
	if !errors.As(err, &failed) || len(failed.Builds) == 0 {
		t.Fatalf("error %v, want a BuildFailedError with builds", err)
	}
	if want := "cannot reach [31m[REDACTED]: no such host"; failed.Builds[0].Reason != want {
		t.Errorf("reason %q, want %q", failed.Builds[0].Reason, want)
	}
	if text := fmt.Sprintf("%v %+v %s", err, *failed, strings.Join(told, "\n")); strings.Contains(text, secret[:20]) || strings.Contains(text, "\x1b") {
		t.Errorf("printed: %s", text)
	}
}
