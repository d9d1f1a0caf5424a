package lambdamicrovms_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Change the options for a single call. The client's options stay the same.
func ExampleOptions() {
	client := lambdamicrovms.New(fake.NewServer().Options())
	out, err := client.ListMicroVMs(context.Background(), nil, func(o *lambdamicrovms.Options) {
		o.Region = "eu-west-1"
		o.RetryMaxAttempts = 5
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	response := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	attempts, _ := retry.GetAttemptResults(out.ResultMetadata)
	fmt.Println(len(out.Items), response.StatusCode, len(attempts.Results), client.Options().Region)
	// Output: 0 200 1 us-east-1
}

// Select the validation of inputs for a client or, as here, for a single call.
func ExampleValidationMode() {
	client := lambdamicrovms.New(fake.NewServer().Options())
	in := exampleImage("shop")
	in.BaseImageVersion = aws.String("1.0") // the form of responses; a request must say "1"
	for _, mode := range []lambdamicrovms.ValidationMode{lambdamicrovms.ValidationStrict, lambdamicrovms.ValidationNone} {
		_, err := client.CreateMicroVMImage(context.Background(), in, func(o *lambdamicrovms.Options) { o.Validation = mode })
		fmt.Println(len(lambdamicrovms.Violations(err)) > 0, err != nil) // found before the call, or by the service
	}
	// Output:
	// true true
	// false true
}

// Send an enum value that is newer than this module. All other checks stay on.
func ExampleOptions_allowUnknownEnums() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: oneResponse(`{"state":"CREATING"}`)})
	in := exampleImage("shop")
	in.CpuConfigurations = []types.CpuConfiguration{{Architecture: "RISCV_64"}}
	_, err := client.CreateMicroVMImage(context.Background(), in)
	fmt.Println(lambdamicrovms.Violations(err))
	_, err = client.CreateMicroVMImage(context.Background(), in, func(o *lambdamicrovms.Options) { o.AllowUnknownEnums = true })
	fmt.Println(err)
	// Output:
	// [CreateMicroVMImageInput.CpuConfigurations[0].Architecture must be ARM_64, given "RISCV_64"]
	// <nil>
}

// hostSeen is an HTTP client that prints the target of a request.
type hostSeen struct{}

func (hostSeen) Do(r *http.Request) (*http.Response, error) {
	fmt.Println(r.Method, r.URL)
	return oneResponse(`{}`).Do(r)
}

// gateway sends all requests through one host.
type gateway string

func (g gateway) ResolveEndpoint(_ context.Context, params lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
	u, err := url.Parse(string(g) + "/" + aws.ToString(params.Region))
	if err != nil {
		return smithyendpoints.Endpoint{}, err
	}
	return smithyendpoints.Endpoint{URI: *u}, nil
}

// BaseEndpoint sets another host. A resolver can choose the endpoint for each call.
func ExampleWithEndpointResolverV2() {
	ctx := context.Background()
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: hostSeen{}})
	calls := []func(*lambdamicrovms.Options){
		func(o *lambdamicrovms.Options) { o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled },
		func(o *lambdamicrovms.Options) { o.BaseEndpoint = aws.String("http://localhost:4290") },
		lambdamicrovms.WithEndpointResolverV2(gateway("https://gateway.example.com")),
	}
	for _, option := range calls {
		if _, err := client.ListMicroVMs(ctx, nil, option); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// GET https://lambda-fips.us-east-1.amazonaws.com/2025-09-09/microvms
	// GET http://localhost:4290/2025-09-09/microvms
	// GET https://gateway.example.com/us-east-1/2025-09-09/microvms
}

func ExampleNewDefaultEndpointResolverV2() {
	endpoint, err := lambdamicrovms.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), lambdamicrovms.EndpointParameters{
		Region: aws.String("eu-west-1"), UseDualStack: aws.Bool(true),
	})
	fmt.Println(endpoint.URI.String(), err)
	// Output: https://lambda.eu-west-1.api.aws <nil>
}

// scopeSeen is an HTTP client that prints the credential scope of the signature.
type scopeSeen struct{}

func (scopeSeen) Do(r *http.Request) (*http.Response, error) {
	var date, scope string
	_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/%8s/%s", &date, &scope)
	fmt.Println(strings.TrimSuffix(scope, ","))
	return oneResponse(`{}`).Do(r)
}

// A proxy that signs requests again may require signatures for its own service name.
func ExampleWithSigV4SigningName() {
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", HTTPClient: scopeSeen{}, Credentials: staticCredentials})
	_, err := client.ListMicroVMs(context.Background(), nil,
		lambdamicrovms.WithSigV4SigningName("execute-api"), lambdamicrovms.WithSigV4SigningRegion("eu-west-1"))
	fmt.Println(err)
	// Output:
	// eu-west-1/execute-api/aws4_request
	// <nil>
}

// numbered makes predictable tokens, for a test. A program must never use a token twice.
type numbered struct{ last int }

func (n *numbered) GetIdempotencyToken() (string, error) {
	n.last++
	return fmt.Sprintf("token-%d", n.last), nil
}

// The generated token is in the request. The caller's input stays unchanged.
func ExampleIdempotencyTokenProvider() {
	srv := fake.NewServer()
	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) { o.IdempotencyTokenProvider = &numbered{} })
	in := exampleImage("shop")
	_, err := client.CreateMicroVMImage(context.Background(), in)
	sent := fake.Inputs[lambdamicrovms.CreateMicroVMImageInput](srv)
	fmt.Println(*sent[0].ClientToken, in.ClientToken, err)
	// Output: token-1 <nil> <nil>
}

// Read an input from a file in the format of the AWS CLI's --cli-input-json. Unknown
// members are errors, because a typo in an update would reset a setting to its default.
func ExampleUpdateMicroVMImageInput() {
	var in lambdamicrovms.UpdateMicroVMImageInput
	err := json.Unmarshal([]byte(`{
		"imageIdentifier": "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop",
		"codeArtifact": {"uri": "s3://bucket/shop.zip"},
		"hooks": {"port": 9000, "microvmImageHooks": {"ready": "ENABLED"}}
	}`), &in)
	fmt.Println(in.CodeArtifact.(*types.CodeArtifactMemberUri).Value, in.Hooks.MicroVMImageHooks.Ready, err)

	err = json.Unmarshal([]byte(`{"hooks": {"prot": 9000}}`), &in)
	fmt.Println(err)

	text, err := json.Marshal(&lambdamicrovms.UpdateMicroVMImageInput{Logging: &types.LoggingMemberDisabled{}})
	fmt.Println(string(text), err)
	// Output:
	// s3://bucket/shop.zip ENABLED <nil>
	// unexpected JSON in hooks.prot at line 1, column 12: unknown member, did you mean "port"?
	// {"logging":{"disabled":{}}} <nil>
}

// Structs print their secrets as [REDACTED], in fmt and in slog.
func ExampleRunMicroVMInput() {
	in := &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String("arn"), RunHookPayload: aws.String("password")}
	fmt.Printf("%+v\n", in)
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	logger.Info("run", "input", in)
	// Output:
	// RunMicroVMInput{"imageIdentifier":"arn","runHookPayload":"[REDACTED]"}
	// level=INFO msg=run input="RunMicroVMInput{\"imageIdentifier\":\"arn\",\"runHookPayload\":\"[REDACTED]\"}"
}
