package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

// Sources of a configuration. As in package config, the methods of a source decide what
// it provides.
type (
	fipsSource      struct{ state aws.FIPSEndpointState }
	dualStackSource struct{ state aws.DualStackEndpointState }
	endpointSource  struct{ url string }
	ignoreSource    struct{ ignore bool }
	brokenSource    struct{}
)

func (s fipsSource) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return s.state, s.state != aws.FIPSEndpointStateUnset, nil
}

func (s dualStackSource) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return s.state, s.state != aws.DualStackEndpointStateUnset, nil
}

func (s endpointSource) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	if sdkID != "Lambda Microvms" {
		return "", false, errors.New("asked for another service")
	}
	return s.url, s.url != "", nil
}

func (s ignoreSource) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return s.ignore, true, nil
}

func (brokenSource) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return 0, false, errors.New("broken")
}

func (brokenSource) GetServiceBaseEndpoint(context.Context, string) (string, bool, error) {
	return "", false, errors.New("broken")
}

func TestConfiguredEndpoint(t *testing.T) {
	const all, own, code = "http://all", "http://own", "http://code"
	tests := map[string]struct {
		environment map[string]string
		base        string // what LoadDefaultConfig found for all services
		sources     []any
		want        string
	}{
		"none":                    {want: ""},
		"for all services":        {base: all, want: all},
		"for this service":        {base: all, sources: []any{endpointSource{own}}, want: own},
		"first source that knows": {sources: []any{"no source", endpointSource{}, endpointSource{own}, endpointSource{code}}, want: own},
		"environment above file":  {environment: map[string]string{"AWS_ENDPOINT_URL": all}, base: all, sources: []any{endpointSource{own}}, want: all},
		"own variable above it": {
			environment: map[string]string{"AWS_ENDPOINT_URL": all, "AWS_ENDPOINT_URL_LAMBDA_MICROVMS": own},
			base:        all, sources: []any{endpointSource{own}}, want: own,
		},
		"another service's variable": {environment: map[string]string{"AWS_ENDPOINT_URL_LAMBDA": all}, want: ""},
		"ignored":                    {sources: []any{ignoreSource{true}, endpointSource{own}}, want: ""},
		"ignored, but set in code":   {base: code, sources: []any{ignoreSource{true}, endpointSource{own}}, want: code},
		"not ignored":                {sources: []any{ignoreSource{false}, endpointSource{own}}, want: own},
		"broken source":              {base: all, sources: []any{brokenSource{}, endpointSource{own}}, want: all},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL_LAMBDA_MICROVMS"} {
				t.Setenv(variable, test.environment[variable])
				if _, set := test.environment[variable]; !set {
					if err := os.Unsetenv(variable); err != nil { // t.Setenv restores it
						t.Fatal(err)
					}
				}
			}
			cfg := aws.Config{ConfigSources: test.sources}
			if test.base != "" {
				cfg.BaseEndpoint = &test.base
			}
			if got := aws.ToString(lambdamicrovms.NewFromConfig(cfg).Options().BaseEndpoint); got != test.want {
				t.Errorf("endpoint %q, want %q", got, test.want)
			}
		})
	}
}

func TestConfiguredEndpointVariants(t *testing.T) {
	tests := map[string]struct {
		sources []any
		want    lambdamicrovms.EndpointResolverOptions
	}{
		"none":       {nil, lambdamicrovms.EndpointResolverOptions{}},
		"FIPS":       {[]any{fipsSource{aws.FIPSEndpointStateEnabled}}, lambdamicrovms.EndpointResolverOptions{UseFIPSEndpoint: aws.FIPSEndpointStateEnabled}},
		"dual-stack": {[]any{dualStackSource{aws.DualStackEndpointStateEnabled}}, lambdamicrovms.EndpointResolverOptions{UseDualStackEndpoint: aws.DualStackEndpointStateEnabled}},
		"first that knows": {
			[]any{fipsSource{}, fipsSource{aws.FIPSEndpointStateDisabled}, fipsSource{aws.FIPSEndpointStateEnabled}},
			lambdamicrovms.EndpointResolverOptions{UseFIPSEndpoint: aws.FIPSEndpointStateDisabled},
		},
		"broken": {[]any{brokenSource{}, fipsSource{aws.FIPSEndpointStateEnabled}}, lambdamicrovms.EndpointResolverOptions{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := lambdamicrovms.NewFromConfig(aws.Config{ConfigSources: test.sources}).Options().EndpointOptions
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A client prints as its options with the defaults, also while a first call fills them
// in.
func TestPrintedClientIsComplete(t *testing.T) {
	if got := fmt.Sprintf("%+v", lambdamicrovms.New(lambdamicrovms.Options{Region: "eu-west-1"})); !strings.Contains(got, "Region:eu-west-1") || !strings.Contains(got, "RetryMode:standard") {
		t.Errorf("printed as %s", got)
	}
}

// Every field of a configuration reaches the options.
func TestNewFromConfig(t *testing.T) {
	retryer := retry.NewStandard()
	do := httpFunc(nil)
	logger := logging.Nop{}
	cfg := aws.Config{
		Region: "eu-west-1", Credentials: staticCredentials, HTTPClient: do, Logger: logger,
		ClientLogMode: aws.LogRetries, AppID: "app", DefaultsMode: aws.DefaultsModeStandard,
		RuntimeEnvironment:         aws.RuntimeEnvironment{Region: "eu-west-1"},
		Retryer:                    func() aws.Retryer { return retryer },
		RetryMode:                  aws.RetryModeAdaptive,
		APIOptions:                 []func(*middleware.Stack) error{func(*middleware.Stack) error { return nil }},
		Interceptors:               smithyhttp.InterceptorRegistry{AfterExecution: []smithyhttp.AfterExecutionInterceptor{&recorder{}}},
		DisableClockSkewCorrection: true,
		AuthSchemePreference:       []string{"sigv4"},
	}
	o := lambdamicrovms.NewFromConfig(cfg).Options()
	got := map[string]any{
		"region": o.Region, "log mode": o.ClientLogMode, "app": o.AppID, "mode": o.DefaultsMode, "environment": o.RuntimeEnvironment,
		"retry mode": o.RetryMode, "API options": len(o.APIOptions), "interceptors": len(o.Interceptors.AfterExecution),
		"no skew": o.DisableClockSkewCorrection, "preference": o.AuthSchemePreference, "retryer": o.Retryer == aws.Retryer(retryer),
		"credentials": o.Credentials != nil, "client": o.HTTPClient != nil, "logger": o.Logger == logging.Logger(logger),
	}
	want := map[string]any{
		"region": "eu-west-1", "log mode": aws.LogRetries, "app": "app", "mode": aws.DefaultsModeStandard, "environment": aws.RuntimeEnvironment{Region: "eu-west-1"},
		"retry mode": aws.RetryModeAdaptive, "API options": 1, "interceptors": 1,
		"no skew": true, "preference": []string{"sigv4"}, "retryer": true,
		"credentials": true, "client": true, "logger": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRetryerOfConfig(t *testing.T) {
	tests := map[string]struct {
		cfg      aws.Config
		attempts int
		adaptive bool
	}{
		"default":          {aws.Config{}, 3, false},
		"standard mode":    {aws.Config{DefaultsMode: aws.DefaultsModeInRegion}, 3, false},
		"attempts":         {aws.Config{RetryMaxAttempts: 5}, 5, false},
		"adaptive":         {aws.Config{RetryMode: aws.RetryModeAdaptive}, 3, true},
		"own":              {aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, 1, false},
		"own and attempts": {aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }, RetryMaxAttempts: 4}, 4, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			retryer := lambdamicrovms.NewFromConfig(test.cfg).Options().Retryer
			_, adaptive := retryer.(*retry.AdaptiveMode)
			if retryer.MaxAttempts() != test.attempts || adaptive != test.adaptive {
				t.Errorf("a %T with %d attempts; want %d, adaptive %t", retryer, retryer.MaxAttempts(), test.attempts, test.adaptive)
			}
		})
	}
}

// Service options run before those of the caller, with the ID of this service.
func TestServiceOptions(t *testing.T) {
	var order []string
	cfg := aws.Config{ServiceOptions: []func(string, any){func(service string, options any) {
		order = append(order, service)
		options.(*lambdamicrovms.Options).AppID = "from the configuration"
	}}}
	client := lambdamicrovms.NewFromConfig(cfg, func(o *lambdamicrovms.Options) {
		order = append(order, o.AppID)
		o.AppID = "from the caller"
	})
	if diff := cmp.Diff([]string{"Lambda Microvms", "from the configuration"}, order); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := client.Options().AppID; got != "from the caller" {
		t.Errorf("AppID %q", got)
	}
}

// Option functions can wrap a default. If they set the field to nil, the default is used.
func TestDefaultsInOptionFunctions(t *testing.T) {
	client := lambdamicrovms.New(lambdamicrovms.Options{}, func(o *lambdamicrovms.Options) {
		if o.Retryer == nil || o.HTTPClient == nil || o.HTTPSignerV4 == nil || o.EndpointResolverV2 == nil ||
			o.IdempotencyTokenProvider == nil || o.Logger == nil || o.TracerProvider == nil || o.MeterProvider == nil || o.AuthSchemeResolver == nil {
			t.Errorf("an option function finds a default missing: %+v", o)
		}
		o.Retryer, o.HTTPClient, o.HTTPSignerV4, o.EndpointResolverV2 = nil, nil, nil, nil
		o.IdempotencyTokenProvider, o.Logger, o.TracerProvider, o.MeterProvider, o.AuthSchemeResolver = nil, nil, nil, nil, nil
	})
	o := client.Options()
	if o.Retryer == nil || o.HTTPClient == nil || o.HTTPSignerV4 == nil || o.EndpointResolverV2 == nil ||
		o.IdempotencyTokenProvider == nil || o.Logger == nil || o.TracerProvider == nil || o.MeterProvider == nil || o.AuthSchemeResolver == nil {
		t.Errorf("a default is gone: %+v", o)
	}

	client = stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil })
	_, err := client.ListMicroVMs(context.Background(), nil, func(o *lambdamicrovms.Options) {
		o.Retryer, o.HTTPClient, o.HTTPSignerV4, o.EndpointResolverV2 = nil, nil, nil, nil
		o.IdempotencyTokenProvider, o.Logger, o.TracerProvider, o.MeterProvider, o.AuthSchemeResolver, o.AuthSchemes = nil, nil, nil, nil, nil, nil
	})
	if err != nil {
		t.Errorf("a call with everything set to nil: %v", err)
	}
}

func TestOptionsAreCopied(t *testing.T) {
	client := stubbed(nil, func(o *lambdamicrovms.Options) {
		o.AuthSchemePreference = []string{"sigv4"}
		o.Interceptors.AddAfterExecution(&recorder{})
	})
	changed := client.Options()
	changed.Region = "eu-west-1"
	changed.AuthSchemePreference[0] = "none"
	changed.AuthSchemes[0] = bearerScheme{}
	changed.Interceptors.AfterExecution[0] = nil
	lambdamicrovms.WithAPIOptions(nil)(&changed)

	o := client.Options()
	if o.Region != "us-east-1" || o.AuthSchemePreference[0] != "sigv4" || o.AuthSchemes[0].SchemeID() != "aws.auth#sigv4" ||
		o.Interceptors.AfterExecution[0] == nil || len(o.APIOptions) != 0 {
		t.Errorf("a change of the copy changed the client: %+v", o)
	}
}
