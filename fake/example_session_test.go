package fake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// A MicroVM is started, receives an HTTP request, is suspended and terminated, without a
// network and without real waiting.
func Example_session() {
	ctx := context.Background()
	srv := fake.NewServer() // in a test: fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	image, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
	})
	check(err)
	srv.Advance(fake.MeasuredDelays().Build)

	vm, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: image.ImageArn})
	check(err)
	fmt.Println("started:", vm.State)
	running, err := lambdamicrovms.NewMicroVMRunningWaiter(client).WaitForOutput(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId}, time.Minute)
	check(err)
	fmt.Println("after a while:", running.State)

	token, err := client.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
		MicroVMIdentifier:   vm.MicroVMId,
		ExpirationInMinutes: aws.Int32(15),
		AllowedPorts:        []types.PortSpecification{&types.PortSpecificationMemberPort{Value: 8080}},
	})
	check(err)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+*vm.Endpoint+"/greet?name=Ada", strings.NewReader("hello"))
	check(err)
	for name, value := range token.AuthToken {
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{Transport: srv}).Do(request)
	check(err)
	defer func() { _ = response.Body.Close() }()
	var echo fake.Echo
	check(json.NewDecoder(response.Body).Decode(&echo))
	fmt.Println("the application got:", echo.Method, echo.URL, echo.Body, "on port", echo.Port)

	_, err = client.SuspendMicroVM(ctx, &lambdamicrovms.SuspendMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	check(err)
	srv.Advance(fake.MeasuredDelays().Suspend)
	suspended, err := client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	check(err)
	fmt.Println("suspended:", suspended.State)

	_, err = client.TerminateMicroVM(ctx, &lambdamicrovms.TerminateMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	check(err)
	srv.Advance(fake.MeasuredDelays().Terminate)
	ended, err := client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	check(err)
	fmt.Println("ended:", ended.State, *ended.StateReason)

	// Output:
	// started: PENDING
	// after a while: RUNNING
	// the application got: POST /greet?name=Ada hello on port 8080
	// suspended: SUSPENDED
	// ended: TERMINATED Success.
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
