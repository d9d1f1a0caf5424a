package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func exampleImage(name string) *lambdamicrovms.CreateMicroVMImageInput {
	return &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String(name),
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/microvm-build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/" + name + ".zip"},
	}
}

// A client of the fake needs no account and no network.
func ExampleNew() {
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	out, err := client.CreateMicroVMImage(context.Background(), exampleImage("shop"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*out.ImageArn, *out.ImageVersion, out.State)
	// Output: arn:aws:lambda:us-east-1:123456789012:microvm-image:shop 1.0 CREATING
}

// With aws-sdk-go-v2/config the configuration comes from the environment and the shared
// files.
func ExampleNewFromConfig() {
	cfg := aws.Config{Region: "us-west-2"} // cfg, err := config.LoadDefaultConfig(ctx)
	client := lambdamicrovms.NewFromConfig(cfg, func(o *lambdamicrovms.Options) {
		o.Validation = lambdamicrovms.ValidationStrict
	})
	fmt.Println(client.Options().Region)
	// Output: us-west-2
}

// Update an image and wait for exactly the version that the update builds.
func ExampleClient_UpdateMicroVMImage() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))
	srv.Advance(10 * time.Minute) // the first build is done

	out, err := client.UpdateMicroVMImage(ctx, &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      image.ImageArn,
		BaseImageArn:         image.BaseImageArn,
		BuildRoleArn:         image.BuildRoleArn,
		CodeArtifact:         image.CodeArtifact,
		EnvironmentVariables: map[string]string{"STAGE": "production"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	waiter := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client)
	version, err := waiter.WaitForOutput(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: out.ImageArn, ImageVersion: out.ImageVersion,
	}, 30*time.Minute)
	fmt.Println(*version.ImageVersion, version.State, version.Status, err)
	// Output: 2.0 SUCCESSFUL ACTIVE <nil>
}

// A failed waiter reports the state. The reason of a failed build is on the builds of the
// version.
func ExampleWaiterFailureError() {
	ctx := context.Background()
	srv := fake.NewServer(fake.WithFault(fake.FailBuild{Reason: "S3_NO_SUCH_KEY"}))
	client := lambdamicrovms.New(srv.Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))

	version := &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: image.ImageArn, ImageVersion: image.ImageVersion}
	err := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client).Wait(ctx, version, 30*time.Minute)
	var failure *lambdamicrovms.WaiterFailureError
	if errors.As(err, &failure) {
		fmt.Println(failure.Waiter, failure.State)
	}
	builds := lambdamicrovms.NewListMicroVMImageBuildsPaginator(client, &lambdamicrovms.ListMicroVMImageBuildsInput{
		ImageIdentifier: image.ImageArn, ImageVersion: image.ImageVersion,
	})
	for build, err := range builds.Items(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(*build.ChipsetGeneration, build.BuildState, *build.StateReason)
	}
	// Output:
	// MicroVMImageVersionSuccessful FAILED
	// 4 FAILED S3_NO_SUCH_KEY
	// 3 FAILED S3_NO_SUCH_KEY
}

// A loop over all items requests each page when it is reached.
func ExampleNewListMicroVMImagesPaginator() {
	ctx := context.Background()
	client := lambdamicrovms.New(fake.NewServer().Options())
	for _, name := range []string{"cart", "shop", "search"} {
		if _, err := client.CreateMicroVMImage(ctx, exampleImage(name)); err != nil {
			fmt.Println(err)
		}
	}
	images := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{MaxResults: aws.Int32(2)})
	for image, err := range images.Items(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(*image.Name, image.State)
	}
	// Unordered output:
	// cart CREATING
	// shop CREATING
	// search CREATING
}

// The service rejects updates of an image that is being built, with one of two errors.
func ExampleIsImageBusy() {
	ctx := context.Background()
	client := lambdamicrovms.New(fake.NewServer().Options())
	image, _ := client.CreateMicroVMImage(ctx, exampleImage("shop"))
	_, err := client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: image.ImageArn})
	fmt.Println(lambdamicrovms.IsImageBusy(err))

	_, err = client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:none"),
	})
	var notFound *types.ResourceNotFoundException
	var response *awshttp.ResponseError
	fmt.Println(lambdamicrovms.IsNotFound(err), errors.As(err, &notFound), errors.As(err, &response) && response.HTTPStatusCode() == 404)
	// Output:
	// true
	// true true true
}

// Validation reports all violations of an input at once, before anything is sent.
func ExampleViolations() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1"})
	_, err := client.RunMicroVM(context.Background(), &lambdamicrovms.RunMicroVMInput{
		MaximumDurationInSeconds: aws.Int32(30000),
		IdlePolicy:               &types.IdlePolicy{MaxIdleDurationSeconds: aws.Int32(5), AutoResumeEnabled: aws.Bool(true)},
	})
	for _, violation := range lambdamicrovms.Violations(err) {
		fmt.Println(violation)
	}
	// Output:
	// missing required field, RunMicroVMInput.ImageIdentifier.
	// RunMicroVMInput.IdlePolicy.MaxIdleDurationSeconds must be at least 60, given 5
	// missing required field, RunMicroVMInput.IdlePolicy.SuspendedDurationSeconds.
	// RunMicroVMInput.MaximumDurationInSeconds must be 1 to 28800, given 30000
}

// oneResponse is an HTTP client that always returns the same body.
type oneResponse string

func (a oneResponse) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// Stub the transport to run the real client, with its validation, serialization and
// retries.
func ExampleHTTPClient() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: oneResponse(`{"state":"UPDATED","latestActiveImageVersion":"3.0"}`)})
	image, err := client.GetMicroVMImage(context.Background(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String("arn")})
	fmt.Println(image.State, *image.LatestActiveImageVersion, err)
	// Output: UPDATED 3.0 <nil>
}

// busyTwice stubs a single operation instead of a whole client.
type busyTwice struct{ polls int }

func (b *busyTwice) GetMicroVMImage(context.Context, *lambdamicrovms.GetMicroVMImageInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	if b.polls++; b.polls <= 2 {
		return &lambdamicrovms.GetMicroVMImageOutput{State: types.MicroVMImageStateUpdating}, nil
	}
	return &lambdamicrovms.GetMicroVMImageOutput{State: types.MicroVMImageStateUpdated}, nil
}

// Waiters and paginators accept any implementation of the operation that they call.
func ExampleGetMicroVMImageAPIClient() {
	stub := &busyTwice{}
	err := lambdamicrovms.NewMicroVMImageUpdatedWaiter(stub).Wait(context.Background(), &lambdamicrovms.GetMicroVMImageInput{}, time.Hour,
		func(o *lambdamicrovms.MicroVMImageUpdatedWaiterOptions) { o.Clock = fake.NewServer().Clock() })
	fmt.Println(stub.polls, err)
	// Output: 3 <nil>
}

// Insert middleware by the IDs of the official clients.
func ExampleWithAPIOptions() {
	printName := func(stack *middleware.Stack) error {
		return stack.Initialize.Insert(middleware.InitializeMiddlewareFunc("PrintName",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				fmt.Println("calling", middleware.GetOperationName(ctx))
				return next.HandleInitialize(ctx, in)
			}), "OperationInputValidation", middleware.After)
	}
	client := lambdamicrovms.New(fake.NewServer().Options())
	_, err := client.ListMicroVMImages(context.Background(), nil, lambdamicrovms.WithAPIOptions(printName))
	fmt.Println(err)
	// Output:
	// calling ListMicrovmImages
	// <nil>
}
