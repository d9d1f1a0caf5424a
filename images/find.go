package images

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// FindAPI is what Find calls.
type FindAPI interface {
	lambdamicrovms.ListMicroVMImagesAPIClient
}

// Find returns the image that has exactly this name, in the caller's account and region. The service's own
// filter takes any part of a name and may answer with empty pages; Find goes on to the end. If there is no such
// image the error is a *NotFoundError, for which lambdamicrovms.IsNotFound holds as well. An image that is
// being deleted still has its name.
func Find(ctx context.Context, api FindAPI, name string) (*types.MicroVMImageSummary, error) {
	if !validName(name) {
		return nil, &Error{Workflow: "find", Image: name, Step: StepCheck, Err: errName}
	}
	pages := lambdamicrovms.NewListMicroVMImagesPaginator(api, &lambdamicrovms.ListMicroVMImagesInput{NameFilter: &name})
	for image, err := range pages.Items(ctx) {
		if err != nil {
			return nil, &Error{Workflow: "find", Image: name, Step: StepFind, Err: err}
		}
		if deref(image.Name) == name {
			return &image, nil
		}
	}
	return nil, &NotFoundError{Name: name}
}
