package images

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// FindAPI is what Find calls.
type FindAPI interface {
	lambdamicrovms.ListMicroVMImagesAPIClient
}

// Find returns the image that has exactly this name, in the caller's account and region. The
// service's own filter matches any part of a name, and may return empty pages; Find reads all
// pages, up to 1,000. If there is no such image, the error is a *NotFoundError, which also
// matches lambdamicrovms.IsNotFound. An image that is being deleted keeps its name until it is
// gone.
//
// Any other error is an *Error. It wraps a *lambdamicrovms.PageLimitError if there are more
// pages, and a *smithy.DeserializationError if the list has no readable name or ARN where the
// image could be.
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
		arn, err := ParseARN(deref(image.ImageArn))
		isNamed := deref(image.Name) == name
		switch {
		case isNamed && arn.Name == name:
			return &image, nil
		case isNamed, deref(image.Name) == "" && err != nil:
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
