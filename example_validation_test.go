package lambdamicrovms_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Check an input before slow work, such as an upload.
func ExampleValidate() {
	in := &lambdamicrovms.CreateMicroVMImageInput{
		BaseImageArn:         aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BaseImageVersion:     aws.String("1.0"),
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://bucket/my shop.zip"},
		Name:                 aws.String("shop"),
		EnvironmentVariables: map[string]string{"API KEY": "secret"},
	}
	err := lambdamicrovms.Validate(in, lambdamicrovms.ValidationStrict)
	for _, violation := range lambdamicrovms.Violations(err) {
		fmt.Printf("%-8s %s\n", violation.Rule, violation)
	}
	// Output:
	// required missing required field, CreateMicroVMImageInput.BuildRoleArn.
	// pattern  CreateMicroVMImageInput.CodeArtifact.Uri must match ^[^\s]+$, given "s3://bucket/my shop.zip"
	// pattern  CreateMicroVMImageInput.EnvironmentVariables["API KEY"] key must match ^[^\s]+$, given "API KEY"
	// service  CreateMicroVMImageInput.BaseImageVersion must be a bare major version, such as "1", given "1.0"
}
