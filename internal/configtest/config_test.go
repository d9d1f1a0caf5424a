package configtest

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

// recorder responds to every request with an empty success, and keeps the request.
type recorder struct{ request *http.Request }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.request = req
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// load makes a client from an environment and a shared configuration file that hold
// nothing but what is given.
func load(t *testing.T, env map[string]string, file string, optFns ...func(*config.LoadOptions) error) (*lambdamicrovms.Client, *recorder) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	name := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", name)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", name+"-none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for k, v := range env {
		t.Setenv(k, v)
	}
	transport := &recorder{}
	optFns = append([]func(*config.LoadOptions) error{
		config.WithHTTPClient(transport),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKID", "SECRET", "")),
	}, optFns...)
	cfg, err := config.LoadDefaultConfig(context.Background(), optFns...)
	if err != nil {
		t.Fatal(err)
	}
	return lambdamicrovms.NewFromConfig(cfg), transport
}

func TestEndpointFromConfiguration(t *testing.T) {
	const services = "[default]\nregion = us-west-2\nservices = mine\n[services mine]\nlambda_microvms =\n  endpoint_url = https://service.file.example\n"
	tests := map[string]struct {
		env     map[string]string
		file    string
		options []func(*config.LoadOptions) error
		want    string // host, or the error
	}{
		"region of the environment":         {env: map[string]string{"AWS_REGION": "eu-west-1"}, want: "lambda.eu-west-1.amazonaws.com"},
		"region of the file":                {file: "[default]\nregion = us-east-2\n", want: "lambda.us-east-2.amazonaws.com"},
		"no region":                         {want: "Missing Region"},
		"FIPS of the environment":           {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true"}, want: "lambda-fips.us-east-1.amazonaws.com"},
		"FIPS of the file":                  {file: "[default]\nregion = us-east-1\nuse_fips_endpoint = true\n", want: "lambda-fips.us-east-1.amazonaws.com"},
		"dual-stack of the environment":     {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, want: "lambda.us-east-1.api.aws"},
		"dual-stack of the file":            {file: "[default]\nregion = us-east-1\nuse_dualstack_endpoint = true\n", want: "lambda.us-east-1.api.aws"},
		"dual-stack of the options":         {env: map[string]string{"AWS_REGION": "us-east-1"}, options: []func(*config.LoadOptions) error{config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled)}, want: "lambda.us-east-1.api.aws"},
		"FIPS and dual-stack":               {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, want: "lambda-fips.us-east-1.api.aws"},
		"endpoint of all services":          {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "https://all.example"}, want: "all.example"},
		"endpoint of the service":           {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_LAMBDA_MICROVMS": "https://mine.example"}, want: "mine.example"},
		"endpoint of another service":       {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_LAMBDA": "https://other.example"}, want: "lambda.us-east-1.amazonaws.com"},
		"endpoint of the services section":  {file: services, want: "service.file.example"},
		"all services win over the section": {env: map[string]string{"AWS_ENDPOINT_URL": "https://all.example"}, file: services, want: "all.example"},
		"endpoint of the file":              {file: "[default]\nregion = us-west-2\nendpoint_url = https://file.example\n", want: "file.example"},
		"ignored by the environment":        {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_LAMBDA_MICROVMS": "https://mine.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, want: "lambda.us-east-1.amazonaws.com"},
		"ignored by the file":               {env: map[string]string{"AWS_ENDPOINT_URL_LAMBDA_MICROVMS": "https://mine.example"}, file: "[default]\nregion = us-east-1\nignore_configured_endpoint_urls = true\n", want: "lambda.us-east-1.amazonaws.com"},
		"endpoint and FIPS":                 {env: map[string]string{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "https://all.example", "AWS_USE_FIPS_ENDPOINT": "true"}, want: "Invalid Configuration: FIPS and custom endpoint are not supported"},
		"base endpoint of the options":      {env: map[string]string{"AWS_REGION": "us-east-1"}, options: []func(*config.LoadOptions) error{config.WithBaseEndpoint("https://base.example")}, want: "base.example"},
		"pseudo region":                     {env: map[string]string{"AWS_REGION": "fips-us-gov-west-1"}, want: "lambda-fips.us-gov-west-1.amazonaws.com"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, transport := load(t, test.env, test.file, test.options...)
			_, err := client.ListMicroVMImages(context.Background(), nil)
			var got string
			switch {
			case err != nil && strings.Contains(err.Error(), test.want):
				got = test.want
			case err != nil:
				got = err.Error()
			default:
				got = transport.request.URL.Host
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOptionsFromConfiguration(t *testing.T) {
	client, transport := load(t, map[string]string{
		"AWS_REGION": "us-east-1", "AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "7", "AWS_SDK_UA_APP_ID": "shop", "AWS_DEFAULTS_MODE": "in-region",
	}, "")
	options := client.Options()
	want := []any{"us-east-1", aws.RetryModeAdaptive, 7, 7, "shop", aws.DefaultsModeInRegion}
	got := []any{options.Region, options.RetryMode, options.RetryMaxAttempts, options.Retryer.MaxAttempts(), options.AppID, options.DefaultsMode}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := client.ListMicroVMImages(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	agent := transport.request.Header.Get("User-Agent")
	for _, part := range []string{"api/lambdamicrovms#", "app/shop"} {
		if !strings.Contains(agent, part) {
			t.Errorf("User-Agent %q does not say %s", agent, part)
		}
	}
	if signed := transport.request.Header.Get("Authorization"); !strings.Contains(signed, "/us-east-1/lambda/aws4_request") {
		t.Errorf("signed as %q", signed)
	}
}

// Options for all services of a configuration reach this one under its ServiceID.
func TestServiceOptions(t *testing.T) {
	client, _ := load(t, map[string]string{"AWS_REGION": "us-east-1"}, "",
		config.WithServiceOptions(func(service string, options any) {
			if o, ok := options.(*lambdamicrovms.Options); ok && service == "Lambda Microvms" {
				o.AppID = "from-service-options"
			}
		}))
	if got := client.Options().AppID; got != "from-service-options" {
		t.Errorf("AppID is %q", got)
	}
}

// The credentials of the shared files are those that sign, and they are asked for at each
// call.
func TestCredentials(t *testing.T) {
	asked := 0
	provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		asked++
		return aws.Credentials{AccessKeyID: "AKID2", SecretAccessKey: "S", Expires: time.Now().Add(-time.Hour), CanExpire: true}, nil
	})
	client, transport := load(t, map[string]string{"AWS_REGION": "us-east-1"}, "", config.WithCredentialsProvider(provider))
	for range 2 {
		if _, err := client.ListMicroVMImages(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if signed := transport.request.Header.Get("Authorization"); !strings.Contains(signed, "Credential=AKID2/") {
		t.Errorf("signed as %q", signed)
	}
	if asked != 2 {
		t.Errorf("expired credentials were asked for %d times in 2 calls", asked)
	}
}

// The retry mode is told in the User-Agent header, in the SDK's code for it.
func TestRetryModeInUserAgent(t *testing.T) {
	for mode, code := range map[string]string{"standard": "E", "adaptive": "F"} {
		client, transport := load(t, map[string]string{"AWS_REGION": "us-east-1", "AWS_RETRY_MODE": mode}, "")
		if _, err := client.ListMicroVMImages(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		_, features, _ := strings.Cut(transport.request.Header.Get("User-Agent"), " m/")
		features, _, _ = strings.Cut(features, " ")
		if !strings.Contains(features, code) {
			t.Errorf("%s mode: features %q do not say %s", mode, features, code)
		}
	}
}
