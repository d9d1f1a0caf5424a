package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// CreateInput returns the input that creates an image.
func CreateInput(name string) *lambdamicrovms.CreateMicroVMImageInput {
	return &lambdamicrovms.CreateMicroVMImageInput{
		Name:         &name,
		BaseImageArn: aws.String(baseArn),
		BuildRoleArn: aws.String(roleArn),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
	}
}

// WithImages returns a client of a fake with n built images.
func WithImages(srv *fake.Server, n int) (*lambdamicrovms.Client, error) {
	client := lambdamicrovms.New(srv.Options())
	for i := range n {
		if _, err := client.CreateMicroVMImage(context.Background(), CreateInput(fmt.Sprintf("shop-%d", i))); err != nil {
			return nil, err
		}
		srv.Advance(time.Hour) // the build ends
	}
	return client, nil
}

// GetImage gets the first image of WithImages.
func GetImage(client *lambdamicrovms.Client) Call {
	in := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageArn + "-0")}
	return func() error { _, err := client.GetMicroVMImage(context.Background(), in); return err }
}

// ListImages lists the n images of WithImages by the paginator.
func ListImages(client *lambdamicrovms.Client, n int) Call {
	return func() error {
		seen := 0
		for _, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, nil).Items(context.Background()) {
			if err != nil {
				return err
			}
			seen++
		}
		if seen != n {
			return fmt.Errorf("%d of %d images are listed", seen, n)
		}
		return nil
	}
}
