// Package demo starts the service in-process for examples that run without AWS.
package demo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Start returns a fake, a client of it, and the ARN of an image that can run.
func Start(ctx context.Context, options ...fake.Option) (srv *fake.Server, client *lambdamicrovms.Client, image string, err error) {
	srv = fake.NewServer(options...)
	client = lambdamicrovms.New(srv.Options())
	result, err := images.Deploy(ctx, client, images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("demo"),
			BaseImageArn: images.BaseImage(client, "al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/demo.zip"},
		},
	})
	if err != nil {
		return nil, nil, "", err
	}
	return srv, client, result.Image, nil
}

// States returns the states of all MicroVMs, by id.
func States(ctx context.Context, client *lambdamicrovms.Client) (map[string]types.MicroVMState, error) {
	states := make(map[string]types.MicroVMState)
	for vm, err := range lambdamicrovms.NewListMicroVMsPaginator(client, nil).Items(ctx) {
		if err != nil {
			return nil, err
		}
		states[*vm.MicroVMId] = vm.State
	}
	return states, nil
}
