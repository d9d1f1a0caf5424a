package sidebyside

import (
	"context"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
)

// deploy makes the image be what is declared, from the directory, and returns the version
// that serves.
func deploy(ctx context.Context, client *lambdamicrovms.Client, to upload, dir string, image lambdamicrovms.CreateMicroVMImageInput) (string, error) {
	result, err := images.Deploy(ctx, client, images.Deployment{Image: image, Dir: dir, Uploader: images.UploaderFunc(to)})
	if err != nil {
		return "", err
	}
	return result.Version, nil
}
