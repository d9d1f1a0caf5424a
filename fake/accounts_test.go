package fake_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestAccountsAndRegions checks that one server serves many accounts in many regions.
func TestAccountsAndRegions(t *testing.T) {
	ctx := context.Background()
	stranger := aws.Credentials{AccessKeyID: "AKIDSTRANGER", SecretAccessKey: "secret", AccountID: "210987654321"}
	unnamed := aws.Credentials{AccessKeyID: "AKIDUNNAMED", SecretAccessKey: "secret"}
	srv := fake.New(t, fake.WithAccount("111111111111"), fake.WithCredentials(stranger, unnamed), fake.WithStrictSigning())
	client := func(region string, credentials aws.Credentials) *lambdamicrovms.Client {
		return lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
			o.Region = region
			if credentials.AccessKeyID != "" {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
			}
		})
	}
	for _, c := range []*lambdamicrovms.Client{
		client("us-east-1", aws.Credentials{}), client("eu-west-1", aws.Credentials{}), client("us-east-1", stranger),
	} {
		if _, err := c.CreateMicroVMImage(ctx, createInput("app")); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, img := range srv.Snapshot().Images {
		got = append(got, img.Account+" "+img.Region+" "+img.ARN)
	}
	want := []string{
		"111111111111 us-east-1 arn:aws:lambda:us-east-1:111111111111:microvm-image:app",
		"111111111111 eu-west-1 arn:aws:lambda:eu-west-1:111111111111:microvm-image:app",
		"210987654321 us-east-1 arn:aws:lambda:us-east-1:210987654321:microvm-image:app",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	_, err := client("us-east-1", unnamed).CreateMicroVMImage(ctx, createInput("app"))
	if !lambdamicrovms.IsAlreadyExists(err) {
		t.Errorf("a caller without an account of its own: %v", err)
	}
	_, err = client("us-east-1", stranger).GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(want[0][len("111111111111 us-east-1 "):])})
	if code(err) != "AccessDeniedException" {
		t.Errorf("get of another account's: %v", err)
	}
	_, err = client("eu-central-1", aws.Credentials{}).CreateMicroVMImage(ctx, createInput("app"))
	if code(err) != "AccessDeniedException" {
		t.Errorf("create in a region without the service: %v", err)
	}
}
