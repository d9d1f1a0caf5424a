package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// The responses to all attempts were lost. The token later shows what happened.
func ExampleUncertainError() {
	ctx := context.Background()
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options())
	in := exampleImage("shop")
	repair := srv.Inject(fake.LoseAnswer{})
	_, err := client.CreateMicroVMImage(ctx, in)
	repair()

	var uncertain *lambdamicrovms.UncertainError
	if errors.As(err, &uncertain) {
		in.ClientToken = aws.String(uncertain.ClientToken)
		var out *lambdamicrovms.CreateMicroVMImageOutput
		if out, err = client.CreateMicroVMImage(ctx, in); err == nil {
			fmt.Println(*out.Name, *out.ImageVersion, out.State, "of", len(srv.Snapshot().Images), "image")
		}
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output: shop 1.0 CREATING of 1 image
}
