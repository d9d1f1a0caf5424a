package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Find an error of the service by its type, its code, or its response.
func ExampleIsNotFound() {
	client := lambdamicrovms.New(fake.NewServer().Options())
	_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{
		MicroVMIdentifier: aws.String("microvm-00000000-0000-4000-8000-000000000000"),
	})
	var notFound *types.ResourceNotFoundException
	var api smithy.APIError
	var response *awshttp.ResponseError
	if errors.As(err, &notFound) && errors.As(err, &api) && errors.As(err, &response) {
		fmt.Println(lambdamicrovms.IsNotFound(err), api.ErrorCode(), response.HTTPStatusCode(), response.ServiceRequestID() != "")
	}
	fmt.Println(notFound.ErrorMessage())
	// Output:
	// true ResourceNotFoundException 404 true
	// MicroVM not found: microvm-00000000-0000-4000-8000-000000000000
}

func ExampleIsAlreadyExists() {
	ctx := context.Background()
	client := lambdamicrovms.New(fake.NewServer().Options())
	_, first := client.CreateMicroVMImage(ctx, exampleImage("shop"))
	_, second := client.CreateMicroVMImage(ctx, exampleImage("shop"))
	fmt.Println(lambdamicrovms.IsAlreadyExists(first), lambdamicrovms.IsAlreadyExists(second))
	// Output: false true
}

// A quota stays used up until something else ends, so the client does not retry.
func ExampleIsQuotaExceeded() {
	client := lambdamicrovms.New(fake.NewServer(fake.WithFault(fake.QuotaExceeded{})).Options())
	_, err := client.CreateMicroVMImage(context.Background(), exampleImage("shop"))
	fmt.Println(lambdamicrovms.IsQuotaExceeded(err), lambdamicrovms.IsThrottle(err))
	// Output: true false
}

// The client has already retried a throttled call as often as its retryer permits.
func ExampleIsThrottle() {
	client := lambdamicrovms.New(fake.NewServer(fake.WithFault(fake.Throttle{})).Options(), func(o *lambdamicrovms.Options) {
		o.Retryer = aws.NopRetryer{}
	})
	_, err := client.ListMicroVMs(context.Background(), nil)
	var throttled *types.ThrottlingException
	fmt.Println(lambdamicrovms.IsThrottle(err), errors.As(err, &throttled))
	// Output: true true
}

// The client stops reading a response that is longer than its limit.
func ExampleResponseSizeError() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: oneResponse(`{"items":[]}`), MaxResponseBytes: 10})
	_, err := client.ListMicroVMs(context.Background(), nil)
	var size *lambdamicrovms.ResponseSizeError
	fmt.Println(errors.As(err, &size), size)
	// Output: true the response is longer than 10 bytes
}

// The parts of a violation, for programs that show it next to a form field.
func ExampleConstraintError() {
	err := lambdamicrovms.Validate(&lambdamicrovms.ListMicroVMsInput{MaxResults: aws.Int32(51)}, lambdamicrovms.ValidationModel)
	for _, v := range lambdamicrovms.Violations(err) {
		fmt.Printf("%s: %s %s, not %s\n", v.Path, v.Rule, v.Limit, v.Given)
	}
	// Output: MaxResults: range 1 to 50, not 51
}
