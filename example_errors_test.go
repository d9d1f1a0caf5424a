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

// An error of the service is found by its type, its code, and the response that it came with.
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

// A quota lasts until something else ends: the call is not tried again.
func ExampleIsQuotaExceeded() {
	client := lambdamicrovms.New(fake.NewServer(fake.WithFault(fake.QuotaExceeded{})).Options())
	_, err := client.CreateMicroVMImage(context.Background(), exampleImage("shop"))
	fmt.Println(lambdamicrovms.IsQuotaExceeded(err), lambdamicrovms.IsThrottle(err))
	// Output: true false
}

// A throttled call has been tried as often as the retryer allows.
func ExampleIsThrottle() {
	client := lambdamicrovms.New(fake.NewServer(fake.WithFault(fake.Throttle{})).Options(), func(o *lambdamicrovms.Options) {
		o.Retryer = aws.NopRetryer{}
	})
	_, err := client.ListMicroVMs(context.Background(), nil)
	var throttled *types.ThrottlingException
	fmt.Println(lambdamicrovms.IsThrottle(err), errors.As(err, &throttled))
	// Output: true true
}

// An answer that is longer than anything the service sends is not read to its end.
func ExampleResponseSizeError() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: oneAnswer(`{"items":[]}`), MaxResponseBytes: 10})
	_, err := client.ListMicroVMs(context.Background(), nil)
	var size *lambdamicrovms.ResponseSizeError
	fmt.Println(errors.As(err, &size), size)
	// Output: true the response is longer than 10 bytes
}

// A violation has parts, for those who show it at a field of a form.
func ExampleConstraintError() {
	err := lambdamicrovms.Validate(&lambdamicrovms.ListMicroVMsInput{MaxResults: aws.Int32(51)}, lambdamicrovms.ValidationModel)
	for _, v := range lambdamicrovms.Violations(err) {
		fmt.Printf("%s: %s %s, not %s\n", v.Path, v.Rule, v.Limit, v.Given)
	}
	// Output: MaxResults: range 1 to 50, not 51
}
