package lambdamicrovms

import (
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/types"
)

// doFunc is an HTTP client in one function.
type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// empty responds with an object that has no members.
func empty(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{}`))}, nil
}

func strictUpdateInput() *UpdateMicroVMImageInput {
	create := strictCreateInput()
	return &UpdateMicroVMImageInput{
		BaseImageArn:    create.BaseImageArn,
		BuildRoleArn:    create.BuildRoleArn,
		CodeArtifact:    create.CodeArtifact,
		ImageIdentifier: aws.String(imageARN),
	}
}

func strictCreateInput() *CreateMicroVMImageInput {
	return &CreateMicroVMImageInput{
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
		Name:         aws.String("shop"),
	}
}
