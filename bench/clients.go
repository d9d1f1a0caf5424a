package bench

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

const region = "us-east-1"

// credentials are static.
var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     "AKIDEXAMPLE",
		SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	}, nil
})

// A Doer sends requests: *http.Client, or a stub.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A Signer signs requests, as *v4.Signer does.
type Signer = lambdamicrovms.HTTPSignerV4

// A Setup is what clients have in common. What is nil is left to the client.
type Setup struct {
	HTTP     Doer
	Endpoint *string
	Retryer  aws.Retryer
	Signer   Signer
}

func (s Setup) config() aws.Config {
	cfg := aws.Config{Region: region, Credentials: credentials, BaseEndpoint: s.Endpoint}
	if s.HTTP != nil {
		cfg.HTTPClient = s.HTTP
	}
	if s.Retryer != nil {
		cfg.Retryer = func() aws.Retryer { return s.Retryer }
	}
	return cfg
}

// A Call calls a service once.
type Call func() error

// A Client is one of the clients that are compared.
type Client struct {
	// Name is the import path, cut to its last elements.
	Name string

	// Response is the body of the response to the call.
	Response func(Size) string

	// Invalid is the code of the service's error for an invalid request.
	Invalid string

	// Call returns the call of a client of its own.
	Call func(Setup, Size) Call

	// Construct makes a client.
	Construct func(aws.Config)

	// Least is a call without body, signature, validation and response: what the stack
	// costs.
	Least func(Doer) Call
}

// The clients that are compared.
var (
	Ours = Client{
		Name: "lambdamicrovms", Response: imageResponse, Invalid: "ValidationException", Call: callOurs,
		Construct: func(cfg aws.Config) { lambdamicrovms.NewFromConfig(cfg) },
		Least: func(do Doer) Call {
			client := lambdamicrovms.NewFromConfig(Setup{HTTP: do}.config(), func(o *lambdamicrovms.Options) {
				o.HTTPSignerV4, o.Validation = noSigner{}, lambdamicrovms.ValidationNone
			})
			in := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String("shop")}
			return func() error { _, err := client.GetMicroVMImage(context.Background(), in); return err }
		},
	}
	Lambda = Client{
		Name: "service/lambda", Response: functionResponse, Invalid: "InvalidParameterValueException", Call: callLambda,
		Construct: func(cfg aws.Config) { lambda.NewFromConfig(cfg) },
		Least: func(do Doer) Call {
			client := lambda.NewFromConfig(Setup{HTTP: do}.config(), func(o *lambda.Options) { o.HTTPSignerV4 = noSigner{} })
			in := &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("shop")}
			return func() error { _, err := client.GetFunctionConfiguration(context.Background(), in); return err }
		},
	}
	Scheduler = Client{
		Name: "service/scheduler", Response: scheduleResponse, Invalid: "ValidationException", Call: callScheduler,
		Construct: func(cfg aws.Config) { scheduler.NewFromConfig(cfg) },
		Least: func(do Doer) Call {
			client := scheduler.NewFromConfig(Setup{HTTP: do}.config(), func(o *scheduler.Options) { o.HTTPSignerV4 = noSigner{} })
			in := &scheduler.GetScheduleInput{Name: aws.String("shop")}
			return func() error { _, err := client.GetSchedule(context.Background(), in); return err }
		},
	}
	ByHand = Client{Name: "by hand", Response: imageResponse, Call: callByHand}
)

// Clients are all of them, ours first.
var Clients = []Client{Ours, Lambda, Scheduler, ByHand}

func imageInput(s Size) *lambdamicrovms.UpdateMicroVMImageInput {
	return &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      aws.String(imageArn),
		BaseImageArn:         aws.String(baseArn),
		BuildRoleArn:         aws.String(roleArn),
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://shop-artifacts/checkout-worker.zip"},
		EnvironmentVariables: s.variables(),
	}
}

func callOurs(setup Setup, size Size) Call {
	client := lambdamicrovms.NewFromConfig(setup.config(), func(o *lambdamicrovms.Options) {
		if setup.Signer != nil {
			o.HTTPSignerV4 = setup.Signer
		}
	})
	in := imageInput(size)
	return func() error { _, err := client.UpdateMicroVMImage(context.Background(), in); return err }
}

func callLambda(setup Setup, size Size) Call {
	client := lambda.NewFromConfig(setup.config(), func(o *lambda.Options) {
		if setup.Signer != nil {
			o.HTTPSignerV4 = setup.Signer
		}
	})
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("shop")}
	if variables := size.variables(); variables != nil {
		in.Environment = &lambdatypes.Environment{Variables: variables}
	}
	return func() error { _, err := client.UpdateFunctionConfiguration(context.Background(), in); return err }
}

func callScheduler(setup Setup, size Size) Call {
	client := scheduler.NewFromConfig(setup.config(), func(o *scheduler.Options) {
		if setup.Signer != nil {
			o.HTTPSignerV4 = setup.Signer
		}
	})
	in := scheduler.UpdateScheduleInput{
		Name:               aws.String("shop"),
		ScheduleExpression: aws.String("rate(5 minutes)"),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target: &schedulertypes.Target{
			Arn:     aws.String("arn:aws:lambda:us-east-1:123456789012:function:shop"),
			RoleArn: aws.String(roleArn),
		},
	}
	if size == Large {
		in.Target.Input = aws.String(size.environment(""))
	}
	return func() error {
		in := in // the client writes its token into the input
		_, err := client.UpdateSchedule(context.Background(), &in)
		return err
	}
}

// noSigner leaves requests unsigned, to see what all else costs.
type noSigner struct{}

func (noSigner) SignHTTP(context.Context, aws.Credentials, *http.Request, string, string, string, time.Time, ...func(*v4.SignerOptions)) error {
	return nil
}

// A Stub is a service in a function call: it reads each request to its end.
type Stub struct {
	status   []int
	response string
	header   http.Header
	calls    int
}

// NewStub returns a stub that gives one response, with the status codes in turn. Without
// status codes they are 200.
func NewStub(response string, status ...int) *Stub {
	return &Stub{status: status, response: response, header: http.Header{
		"Content-Type":     {"application/json"},
		"Date":             {time.Now().UTC().Format(http.TimeFormat)},
		"X-Amzn-Requestid": {"8b1f1a5e-2f6c-4f1f-9c35-5bb7a0c0a9a1"},
	}}
}

type responseBody struct {
	http.Response
	strings.Reader
}

func (*responseBody) Close() error { return nil }

// Do reads a request and responds, with one allocation.
func (s *Stub) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	a := &responseBody{Response: http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, ContentLength: int64(len(s.response)), Request: r,
	}}
	if len(s.status) > 0 {
		a.StatusCode = s.status[s.calls%len(s.status)]
	}
	s.calls++
	a.Reset(s.response)
	a.Body = a
	return &a.Response, nil
}
