package sidebyside

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// deployPlain does the same with calls and waiters, and leaves open what the README says.
func deployPlain(ctx context.Context, client *lambdamicrovms.Client, to upload, dir string, image lambdamicrovms.CreateMicroVMImageInput) (string, error) {
	archive, err := zipDirectory(dir)
	if err != nil {
		return "", err
	}
	token := rand.Text() // random, and reused on every retry: the service never forgets a token
	uri, err := to(ctx, *image.Name+"/"+token+".zip", bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return "", err
	}
	image.CodeArtifact, image.ClientToken = &types.CodeArtifactMemberUri{Value: uri}, &token
	arn, err := findImage(ctx, client, *image.Name)
	if err != nil {
		return "", err
	}
	if arn == nil {
		out, err := client.CreateMicroVMImage(ctx, &image)
		if err != nil {
			return "", err
		}
		return *out.ImageVersion, waitForVersion(ctx, client, out.ImageArn, out.ImageVersion)
	}
	version, err := updateImage(ctx, client, &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:          arn,
		ClientToken:              &token,
		BaseImageArn:             image.BaseImageArn,
		BaseImageVersion:         image.BaseImageVersion,
		BuildRoleArn:             image.BuildRoleArn,
		CodeArtifact:             image.CodeArtifact,
		AdditionalOsCapabilities: image.AdditionalOsCapabilities, // what is left out is wiped
		CpuConfigurations:        image.CpuConfigurations,
		Description:              image.Description,
		EgressNetworkConnectors:  image.EgressNetworkConnectors,
		EnvironmentVariables:     image.EnvironmentVariables,
		Hooks:                    image.Hooks,
		Logging:                  image.Logging,
		Resources:                image.Resources,
	})
	if err != nil {
		return "", err
	}
	if err := waitForVersion(ctx, client, arn, version); err != nil {
		return "", err
	}
	if len(image.Tags) > 0 { // an update has none
		_, err = client.TagResource(ctx, &lambdamicrovms.TagResourceInput{Resource: arn, Tags: image.Tags})
	}
	return *version, err
}

func zipDirectory(dir string) ([]byte, error) {
	if _, err := os.Stat(dir + "/Dockerfile"); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		return nil, err
	}
	return buf.Bytes(), w.Close()
}

// findImage goes through all pages: the filter takes any part of a name.
func findImage(ctx context.Context, client *lambdamicrovms.Client, name string) (*string, error) {
	pages := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{NameFilter: &name})
	for image, err := range pages.Items(ctx) {
		if err != nil {
			return nil, err
		}
		if *image.Name == name {
			return image.ImageArn, nil
		}
	}
	return nil, nil
}

// updateImage waits while the image is busy or too many builds are under way.
func updateImage(ctx context.Context, client *lambdamicrovms.Client, in *lambdamicrovms.UpdateMicroVMImageInput) (*string, error) {
	for deadline := time.Now().Add(45 * time.Minute); ; {
		out, err := client.UpdateMicroVMImage(ctx, in)
		switch {
		case err == nil:
			return out.ImageVersion, nil
		case !lambdamicrovms.IsImageBusy(err) && !lambdamicrovms.IsQuotaExceeded(err), time.Now().After(deadline):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(30 * time.Second):
		}
	}
}

// waitForVersion collects the reasons of a failure, which are with the builds.
func waitForVersion(ctx context.Context, client *lambdamicrovms.Client, arn, version *string) error {
	in := &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: arn, ImageVersion: version}
	err := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client).Wait(ctx, in, 30*time.Minute)
	var failed *lambdamicrovms.WaiterFailureError
	if !errors.As(err, &failed) {
		return err
	}
	builds := lambdamicrovms.NewListMicroVMImageBuildsPaginator(client, &lambdamicrovms.ListMicroVMImageBuildsInput{ImageIdentifier: arn, ImageVersion: version})
	for build, listErr := range builds.Items(ctx) {
		if listErr != nil {
			return errors.Join(err, listErr)
		}
		if build.StateReason != nil {
			err = fmt.Errorf("%w; %s generation %s: %s", err, build.Chipset, *build.ChipsetGeneration, *build.StateReason)
		}
	}
	return err
}
