package images

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// FindAPI is the set of operations that Find calls.
type FindAPI interface {
	lambdamicrovms.ListMicroVMImagesAPIClient
}

// Find returns the image with exactly this name, in the caller's account and region. The
// filter of the service matches any part of a name and may return empty pages, so Find
// reads all pages, up to 1,000. An image that is being deleted keeps its name until it is
// gone.
//
// If there is no such image, the error is a *NotFoundError, which
// lambdamicrovms.IsNotFound matches. Any other error is an *Error. It wraps:
//
//   - a *lambdamicrovms.PageLimitError if there are more pages;
//   - a *smithy.DeserializationError if an item that could be the image has no valid name
//     or ARN.
func Find(ctx context.Context, api FindAPI, name string) (*types.MicroVMImageSummary, error) {
	if !validName(name) {
		return nil, &Error{Workflow: "find", Image: name, Step: StepCheck, Err: errName}
	}
	fail := func(err error) error { return &Error{Workflow: "find", Image: name, Step: StepFind, Err: err} }
	var unreadable error
	pages := lambdamicrovms.NewListMicroVMImagesPaginator(api, &lambdamicrovms.ListMicroVMImagesInput{NameFilter: &name}, pageLimit)
	items := func(out *lambdamicrovms.ListMicroVMImagesOutput) []types.MicroVMImageSummary { return out.Items }
	for image, err := range list(ctx, listImages, pages, items) {
		if err != nil {
			return nil, fail(err)
		}
		arn, err := ParseARN(aws.ToString(image.ImageArn))
		isNamed := aws.ToString(image.Name) == name
		switch {
		case isNamed && arn.Name == name:
			return &image, nil
		case isNamed, aws.ToString(image.Name) == "" && err != nil:
			unreadable = workflow.Incomplete(listImages, "ImageArn")
		case arn.Name == name:
			unreadable = workflow.Incomplete(listImages, "Name")
		}
	}
	if unreadable != nil {
		return nil, fail(unreadable)
	}
	return nil, &NotFoundError{Name: name}
}

const listImages = "ListMicroVMImages"
