// Command ours makes one call with lambdamicrovms.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

func main() {
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(os.Args[1]),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "SECRET"}, nil
		}),
	})
	_, err := client.UpdateMicroVMImage(context.Background(), &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"),
		BaseImageArn:    aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn:    aws.String("arn:aws:iam::123456789012:role/microvm-build"),
		CodeArtifact:    &types.CodeArtifactMemberUri{Value: "s3://shop-artifacts/checkout-worker.zip"},
	})
	if err != nil {
		log.Fatal(err)
	}
}
