package images_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// service returns a fake with an image, and a client. A program has a client from
// lambdamicrovms.NewFromConfig(cfg) instead.
func service(versions int) (*fake.Server, *lambdamicrovms.Client) {
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	for i := range versions {
		_, err := images.Deploy(context.Background(), client, images.Deployment{Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: images.BaseImage(client, "al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: fmt.Sprintf("s3://bucket/%d.zip", i+1)},
			Description:  aws.String("my app"),
			Tags:         map[string]string{"team": "a"},
		}})
		if err != nil {
			panic(err)
		}
	}
	return srv, client
}

// directoryWithDockerfile makes a directory to deploy.
func directoryWithDockerfile() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600)
	}
	if err != nil {
		panic(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

func ExampleUpdate() {
	_, client := service(1)
	image := images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"}.String()

	result, err := images.Update(context.Background(), client, image, func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(4096)}}
		return nil
	}, func(o *images.UpdateOptions) {
		o.Retries = 3 // start over after a concurrent update
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s is now %s\n%v\n", result.From, result.Version, result.Changes)
	// Output:
	// 1.0 is now 2.0
	// ~ Resources[0].MinimumMemoryInMiB: 2048 -> 4096
}

func ExampleUpdate_failedBuild() {
	srv, client := service(1)
	srv.Inject(fake.FailBuild{Reason: fake.ReasonReadyTimeout, Generations: []string{"3"}})
	image := images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"}.String()

	_, err := images.Update(context.Background(), client, image, nil)
	var failed *images.BuildFailedError
	if errors.As(err, &failed) {
		for _, build := range failed.Builds {
			fmt.Printf("%s %s: %s %q\n", build.Chipset, build.Generation, build.State, build.Reason)
		}
		fmt.Println("see", failed.LogGroup, "- version", failed.Serving, "remains active")
	}
	// Output:
	// GRAVITON 4: SUCCESSFUL ""
	// GRAVITON 3: FAILED "Ready hook invocation timed out after PT5M"
	// see /aws/lambda-microvms/app - version 1.0 remains active
}

func ExampleDiff() {
	_, client := service(1)
	ctx, image := context.Background(), "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	live, err := client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: &image, ImageVersion: aws.String("1.0"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// An update with the required members and one more resets all other members to their
	// defaults.
	fmt.Println(images.Diff(live, &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      &image,
		BaseImageArn:         live.BaseImageArn,
		BuildRoleArn:         live.BuildRoleArn,
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://bucket/2.zip"},
		EnvironmentVariables: map[string]string{"API_KEY": "secret"},
	}))
	// Output:
	// ~ CodeArtifact.Uri: "s3://bucket/1.zip" -> "s3://bucket/2.zip"
	// - Description: "my app"
	// + EnvironmentVariables["API_KEY"]: [REDACTED]
}

// upload stands for an Uploader; module s3upload has one over S3.
func upload(_ context.Context, name string, _ io.ReadSeeker, _ int64) (uri string, err error) {
	return "s3://bucket/" + name, nil
}

func ExampleDeploy() {
	_, client := service(0)
	dir, remove := directoryWithDockerfile()
	defer remove()
	deployment := images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: images.BaseImage(client, "al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		},
		Dir:      dir,
		Uploader: images.UploaderFunc(upload),
	}
	for range 2 { // the second deployment finds nothing to do
		result, err := images.Deploy(context.Background(), client, deployment)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Version, "created:", result.Created, "unchanged:", result.Unchanged)
	}
	// Output:
	// 1.0 created: true unchanged: false
	// 1.0 created: false unchanged: true
}

// Deploy an archive that is already stored, by its URI. Without a ContentHash each call
// would build again, because the content at the URI may have changed.
func ExampleDeploy_uri() {
	_, client := service(0)
	deployment := images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: images.BaseImage(client, "al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		},
		ContentHash: "commit 1f2e3d",
	}
	for _, memory := range []int32{1024, 1024, 4096} {
		deployment.Image.Resources = []types.Resources{{MinimumMemoryInMiB: &memory}}
		result, err := images.Deploy(context.Background(), client, deployment)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(result.Version, "unchanged:", result.Unchanged)
	}
	// Output:
	// 1.0 unchanged: false
	// 1.0 unchanged: true
	// 2.0 unchanged: false
}

func ExamplePrune() {
	_, client := service(5)
	ctx, image := context.Background(), "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"
	_, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: &image, ImageVersion: aws.String("2.0")})
	if err != nil {
		fmt.Println(err)
		return
	}

	result, err := images.Prune(ctx, client, image, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("deleted:", strings.Join(result.Deleted, ", "))
	for _, kept := range result.Kept {
		fmt.Println("kept", kept)
	}
	// Output:
	// deleted: 1.0, 3.0
	// kept 2.0: in use (1 MicroVMs)
	// kept 4.0: one of the newest
	// kept 5.0: latest active version
}

func ExampleRollback() {
	_, client := service(3)
	image := "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"

	result, err := images.Rollback(context.Background(), client, image, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("from", result.From, "to", result.To)
	// Output:
	// from 3.0 to 2.0
}

func ExampleSyncTags() {
	_, client := service(1)
	image := "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"

	changes, err := images.SyncTags(context.Background(), client, image, map[string]string{"stage": "live"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("written:", changes.Written, "removed:", changes.Removed)
	// Output:
	// written: map[stage:live] removed: [team]
}

func ExampleFind() {
	_, client := service(1)
	image, err := images.Find(context.Background(), client, "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*image.ImageArn, image.State)
	_, err = images.Find(context.Background(), client, "ap")
	fmt.Println(lambdamicrovms.IsNotFound(err), err)
	// Output:
	// arn:aws:lambda:us-east-1:123456789012:microvm-image:app CREATED
	// true images: there is no image named "ap" in this account and region
}

func ExampleARN() {
	fmt.Println(images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"})
	fmt.Println(images.BaseImageARN("us-gov-west-1", "al2023-1"))
	fmt.Println(images.ConnectorARN("us-east-1", "SHELL_INGRESS"))
	// Output:
	// arn:aws:lambda:us-east-1:123456789012:microvm-image:app
	// arn:aws-us-gov:lambda:us-gov-west-1:aws:microvm-image:al2023-1
	// arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:SHELL_INGRESS
}

func ExampleParseARN() {
	image, err := images.ParseARN("arn:aws:lambda:us-east-1:123456789012:microvm-image:app")
	fmt.Println(image.Name, image.Region, err)
	_, err = images.ParseARN("app")
	fmt.Println(err)
	// Output:
	// app us-east-1 <nil>
	// images: "app" is not the ARN of an image: this is a bare name, and image operations take ARNs only (arn:aws:lambda:<region>:<account>:microvm-image:app): build it with ARN, or look it up with Find
}

func ExampleZip() {
	dir, remove := directoryWithDockerfile()
	defer remove()
	archive, err := images.Zip(context.Background(), io.Discard, dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(archive.Files, "file,", archive.Bytes, "bytes,", archive.Hash[:6])
	// Output:
	// 1 file, 13 bytes, sha256
}
