package fake_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// A build takes two minutes of the server's time and no real time. The second of two
// builds fails, and the image keeps its active version.
func ExampleFailBuild() {
	ctx := context.Background()
	srv := fake.NewServer() // in a test: fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	created, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	check(err)
	srv.Advance(fake.MeasuredDelays().Build)

	srv.Inject(fake.FailBuild{Reason: fake.ReasonReadyTimeout}, fake.Image("app"), fake.First(1))
	updated, err := client.UpdateMicroVMImage(ctx, &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: created.ImageArn,
		BaseImageArn:    created.BaseImageArn,
		BuildRoleArn:    created.BuildRoleArn,
		CodeArtifact:    &types.CodeArtifactMemberUri{Value: "s3://bucket/app-2.zip"},
	})
	check(err)
	err = lambdamicrovms.NewMicroVMImageUpdatedWaiter(client).Wait(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: updated.ImageArn}, 30*time.Minute)
	fmt.Println("waited in vain:", err != nil)

	builds, err := client.ListMicroVMImageBuilds(ctx, &lambdamicrovms.ListMicroVMImageBuildsInput{
		ImageIdentifier: updated.ImageArn, ImageVersion: updated.ImageVersion,
	})
	check(err)
	for _, b := range builds.Items {
		fmt.Println("generation", *b.ChipsetGeneration, b.BuildState, *b.StateReason)
	}
	image, err := client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: updated.ImageArn})
	check(err)
	fmt.Println(image.State, "active", *image.LatestActiveImageVersion, "failed", *image.LatestFailedImageVersion)

	// Output:
	// waited in vain: true
	// generation 4 FAILED Ready hook invocation timed out after PT5M
	// generation 3 FAILED Ready hook invocation timed out after PT5M
	// UPDATE_FAILED active 1.0 failed 2.0
}

// A program that makes its client from a configuration of the AWS SDK. The build takes
// two minutes of the server's time, which the workflow's waits advance.
func ExampleServer_Config() {
	deploy := func(ctx context.Context, cfg aws.Config) (*images.Result, error) { // the program
		client := lambdamicrovms.NewFromConfig(cfg)
		return images.Deploy(ctx, client, images.Deployment{Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: images.BaseImage(client, "al2023-1"),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		}})
	}

	srv := fake.NewServer() // in a test: fake.New(t)
	began := srv.Now()
	result, err := deploy(context.Background(), srv.Config())
	check(err)
	fmt.Println(result.Version, "took minutes:", srv.Now().Sub(began) > time.Minute)
	// Output:
	// 1.0 took minutes: true
}

// The service throttles the first two attempts, and the client's third succeeds.
func ExampleThrottle() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())

	srv.Inject(fake.Throttle{}, fake.On(fake.ListMicroVMImages), fake.First(2))
	_, err := client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{})
	fmt.Println("with retries:", err)
	for _, call := range srv.Calls() {
		fmt.Println(call.Operation, call.Status)
	}

	srv.Inject(fake.Throttle{}, fake.On(fake.ListMicroVMImages), fake.First(1))
	_, err = client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{}, func(o *lambdamicrovms.Options) {
		o.Retryer = aws.NopRetryer{}
	})
	fmt.Println("without retries, throttled:", lambdamicrovms.IsThrottle(err))

	// Output:
	// with retries: <nil>
	// ListMicrovmImages 429
	// ListMicrovmImages 429
	// ListMicrovmImages 200
	// without retries, throttled: true
}

// The service starts a MicroVM, but the response is lost. The client retries with the
// same client token, so only one MicroVM is started.
func ExampleLoseAnswer() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	image, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	check(err)
	srv.Advance(fake.MeasuredDelays().Build)

	srv.Inject(fake.LoseAnswer{}, fake.On(fake.RunMicroVM), fake.First(1))
	_, err = client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: image.ImageArn})
	check(err)

	attempts := fake.Inputs[lambdamicrovms.RunMicroVMInput](srv)
	fmt.Println("attempts:", len(attempts))
	fmt.Println("same token:", *attempts[0].ClientToken == *attempts[1].ClientToken)
	list, err := client.ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{})
	check(err)
	fmt.Println("MicroVMs:", len(list.Items))

	// Output:
	// attempts: 2
	// same token: true
	// MicroVMs: 1
}

// A page without items need not be the last. Programs that stop at an empty page stop too
// early; paginators do not.
func ExampleEmptyPages() {
	ctx := context.Background()
	srv := fake.NewServer(fake.WithFault(fake.EmptyPages{}, fake.On(fake.ListManagedMicroVMImages)))
	client := lambdamicrovms.New(srv.Options())

	pages := lambdamicrovms.NewListManagedMicroVMImagesPaginator(client, &lambdamicrovms.ListManagedMicroVMImagesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		fmt.Println("items:", len(page.Items), "more:", page.NextToken != nil)
	}

	// Output:
	// items: 0 more: true
	// items: 1 more: false
}

// A Server is a handler, so that other clients can use it over HTTP.
func ExampleServer_ServeHTTP() {
	srv := fake.NewServer(fake.WithRealTime(), fake.WithDelays(fake.Delays{}))
	server := httptest.NewServer(srv)
	defer server.Close()

	response, err := http.Get(server.URL + "/2025-09-09/microvm-images")
	check(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	check(err)
	fmt.Println(response.Status, string(body))

	// Output:
	// 200 OK {"items":[],"nextToken":null}
}
