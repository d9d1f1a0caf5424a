package fake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestClientToken(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	in := createInput("app")
	in.ClientToken = aws.String("once")

	if _, err := client.CreateMicroVMImage(ctx, in); err != nil {
		t.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().Build)
	again, err := client.CreateMicroVMImage(ctx, in)
	if err != nil || again.State != types.MicroVMImageStateCreated {
		t.Errorf("same token while the image lives: %v, %v", again, err)
	}

	update := updateInput(imageARN)
	update.ClientToken = aws.String("once")
	for range 2 { // the image is busy at the second
		out, err := client.UpdateMicroVMImage(ctx, update)
		if err != nil || *out.ImageVersion != "2.0" {
			t.Errorf("update: %v, %v", out, err)
		}
	}
	srv.Advance(fake.MeasuredDelays().Build)

	other := createInput("other")
	other.ClientToken = in.ClientToken
	_, err = client.CreateMicroVMImage(ctx, other)
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != 501 {
		t.Errorf("same token, other parameters: %v", err)
	}

	if _, err := client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(imageARN)}); err != nil {
		t.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().ImageDelete)
	if _, err := client.CreateMicroVMImage(ctx, in); err != nil {
		t.Fatal(err)
	}
	srv.Advance(24 * time.Hour)
	if state := getImage(t, client, imageARN).State; state != types.MicroVMImageStateCreating {
		t.Errorf("the token's image came back in state %s", state)
	}
	_, err = client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(imageARN)})
	var invalid *types.ValidationException
	if !errors.As(err, &invalid) {
		t.Errorf("delete of the stuck image: %v", err)
	}
}
