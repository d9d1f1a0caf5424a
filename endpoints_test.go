package lambdamicrovms_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
)

func TestDefaultEndpoints(t *testing.T) {
	// For each region: its endpoint, and those for FIPS, dual-stack, and both.
	tests := map[string][4]string{
		"us-east-1": {
			"lambda.us-east-1.amazonaws.com", "lambda-fips.us-east-1.amazonaws.com",
			"lambda.us-east-1.api.aws", "lambda-fips.us-east-1.api.aws",
		},
		"cn-north-1": {
			"lambda.cn-north-1.amazonaws.com.cn", "lambda-fips.cn-north-1.amazonaws.com.cn",
			"lambda.cn-north-1.api.amazonwebservices.com.cn", "lambda-fips.cn-north-1.api.amazonwebservices.com.cn",
		},
		"us-gov-west-1": {
			"lambda.us-gov-west-1.amazonaws.com", "lambda-fips.us-gov-west-1.amazonaws.com",
			"lambda.us-gov-west-1.api.aws", "lambda-fips.us-gov-west-1.api.aws",
		},
		"us-iso-east-1": {
			"lambda.us-iso-east-1.c2s.ic.gov", "lambda-fips.us-iso-east-1.c2s.ic.gov",
			"lambda.us-iso-east-1.api.aws.ic.gov", "lambda-fips.us-iso-east-1.api.aws.ic.gov",
		},
		"us-isob-east-1": {
			"lambda.us-isob-east-1.sc2s.sgov.gov", "lambda-fips.us-isob-east-1.sc2s.sgov.gov",
			"lambda.us-isob-east-1.api.aws.scloud", "lambda-fips.us-isob-east-1.api.aws.scloud",
		},
		"eu-isoe-west-1": {
			"lambda.eu-isoe-west-1.cloud.adc-e.uk", "lambda-fips.eu-isoe-west-1.cloud.adc-e.uk",
			"lambda.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "lambda-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk",
		},
		"us-isof-south-1": {
			"lambda.us-isof-south-1.csp.hci.ic.gov", "lambda-fips.us-isof-south-1.csp.hci.ic.gov",
			"lambda.us-isof-south-1.api.aws.hci.ic.gov", "lambda-fips.us-isof-south-1.api.aws.hci.ic.gov",
		},
		"eusc-de-east-1": {
			"lambda.eusc-de-east-1.amazonaws.eu", "lambda-fips.eusc-de-east-1.amazonaws.eu",
			"lambda.eusc-de-east-1.api.amazonwebservices.eu", "lambda-fips.eusc-de-east-1.api.amazonwebservices.eu",
		},
	}
	for region, hosts := range tests {
		for i, host := range hosts {
			endpoint, err := lambdamicrovms.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), lambdamicrovms.EndpointParameters{
				Region: &region, UseFIPS: aws.Bool(i&1 != 0), UseDualStack: aws.Bool(i&2 != 0),
			})
			if got, want := endpoint.URI.String(), "https://"+host; err != nil || got != want {
				t.Errorf("%s with FIPS %t and dual-stack %t: %s, %v; want %s", region, i&1 != 0, i&2 != 0, got, err, want)
			}
		}
	}
}

// The form of a region's name selects its partition, so that future regions work.
func TestPartitions(t *testing.T) {
	for region, domain := range map[string]string{
		"mx-central-1": "amazonaws.com", "il-future-12": "amazonaws.com", "aws-global": "amazonaws.com",
		"cn-future-9": "amazonaws.com.cn", "aws-cn-global": "amazonaws.com.cn",
		"us-gov-future-2": "amazonaws.com", "aws-us-gov-global": "amazonaws.com",
		"us-iso-future-1": "c2s.ic.gov", "aws-iso-global": "c2s.ic.gov",
		"us-isob-future-1": "sc2s.sgov.gov", "aws-iso-b-global": "sc2s.sgov.gov",
		"eu-isoe-future-1": "cloud.adc-e.uk", "aws-iso-e-global": "cloud.adc-e.uk",
		"us-isof-future-1": "csp.hci.ic.gov", "aws-iso-f-global": "csp.hci.ic.gov",
		"eusc-de-future-1": "amazonaws.eu",
		// A name that fits no other partition belongs to aws.
		"mars-north-1": "amazonaws.com", "cn-1": "amazonaws.com", "cn-north": "amazonaws.com",
		"cn-north-1a": "amazonaws.com", "local": "amazonaws.com", "cn--1": "amazonaws.com",
	} {
		endpoint, err := lambdamicrovms.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(),
			lambdamicrovms.EndpointParameters{Region: &region})
		if got, want := endpoint.URI.String(), "https://lambda."+region+"."+domain; err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

func TestEndpointOfRequest(t *testing.T) {
	fips := lambdamicrovms.EndpointResolverOptions{UseFIPSEndpoint: aws.FIPSEndpointStateEnabled}
	dualStack := lambdamicrovms.EndpointResolverOptions{UseDualStackEndpoint: aws.DualStackEndpointStateEnabled}
	const path = "/2025-09-09/microvms/arn%3Aaws%2Fx"
	tests := map[string]struct {
		region  string
		base    string
		options lambdamicrovms.EndpointResolverOptions
		want    string // URL of the request
		err     string // or a part of the error
		signed  string // region of the signature; default us-east-1
	}{
		"region":                   {region: "us-east-1", want: "https://lambda.us-east-1.amazonaws.com" + path},
		"FIPS":                     {region: "us-east-1", options: fips, want: "https://lambda-fips.us-east-1.amazonaws.com" + path},
		"dual-stack":               {region: "us-east-1", options: dualStack, want: "https://lambda.us-east-1.api.aws" + path},
		"FIPS in front":            {region: "fips-us-east-1", want: "https://lambda-fips.us-east-1.amazonaws.com" + path},
		"FIPS behind":              {region: "us-east-1-fips", want: "https://lambda-fips.us-east-1.amazonaws.com" + path},
		"FIPS between":             {region: "us-fips-east-1", want: "https://lambda-fips.us-east-1.amazonaws.com" + path},
		"plain HTTP":               {region: "us-east-1", options: lambdamicrovms.EndpointResolverOptions{DisableHTTPS: true}, want: "http://lambda.us-east-1.amazonaws.com" + path},
		"explicit":                 {region: "us-east-1", base: "http://localhost:8080", want: "http://localhost:8080" + path},
		"explicit with slash":      {region: "us-east-1", base: "http://localhost:8080/", want: "http://localhost:8080" + path},
		"explicit with path":       {region: "us-east-1", base: "https://proxy.example/aws/lambda", want: "https://proxy.example/aws/lambda" + path},
		"explicit, escaped path":   {region: "us-east-1", base: "https://proxy.example/a%2Fb/", want: "https://proxy.example/a%2Fb" + path},
		"explicit, path to escape": {region: "us-east-1", base: "https://proxy.example/c d", want: "https://proxy.example/c%20d" + path},
		"explicit without region":  {base: "http://localhost", want: "http://localhost" + path, signed: "-"},
		"explicit with password":   {region: "us-east-1", base: "https://user:hunter2@proxy.example", want: "https://proxy.example" + path},

		"no region":               {err: "Invalid Configuration: Missing Region"},
		"explicit and FIPS":       {region: "us-east-1", base: "http://localhost", options: fips, err: "Invalid Configuration: FIPS and custom endpoint are not supported"},
		"explicit and dual-stack": {region: "us-east-1", base: "http://localhost", options: dualStack, err: "Invalid Configuration: Dualstack and custom endpoint are not supported"},
		"explicit, FIPS region":   {region: "fips-us-east-1", base: "http://localhost", err: "Invalid Configuration: FIPS and custom endpoint are not supported"},
		"region is a host":        {region: "evil.com/", err: "invalid input region"},
		"region is a domain":      {region: "us-east-1.evil.com", err: "invalid input region"},
		"region begins with dash": {region: "-us-east-1", err: "invalid input region"},
		"region with a port":      {region: "us-east-1:80", err: "invalid input region"},
		"bad region, explicit":    {region: "evil.com/", base: "http://localhost", err: "invalid input region"},
		"explicit without scheme": {region: "us-east-1", base: "localhost:8080", err: "absolute URL"},
		"explicit, relative":      {region: "us-east-1", base: "//localhost", err: "absolute URL"},
		"explicit, no URL":        {region: "us-east-1", base: "https://user:hunter2@%zz", err: "not a URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got *http.Request
			var signed string
			do := func(r *http.Request) (*http.Response, error) {
				got = r
				return newResponse(http.StatusOK, nil, `{}`), nil
			}
			client := stubbed(do, func(o *lambdamicrovms.Options) {
				o.Region, o.EndpointOptions = test.region, test.options
				if test.base != "" {
					o.BaseEndpoint = &test.base
				}
				o.Validation = lambdamicrovms.ValidationNone
				o.HTTPSignerV4 = signerFunc(func(c signCall) { signed = c.region })
			})
			_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("arn:aws/x")})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one with %q", err, test.err)
				} else if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error holds a password: %v", err)
				}
				if got != nil {
					t.Errorf("a request went to %s", got.URL)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.URL.String() != test.want {
				t.Errorf("URL %s, want %s", got.URL, test.want)
			}
			wantSigned := "us-east-1"
			if test.signed == "-" {
				wantSigned = ""
			}
			if signed != wantSigned {
				t.Errorf("signed for region %q, want %q", signed, wantSigned)
			}
		})
	}
}

// A caller's resolver is called for each attempt. Its headers and signing properties
// apply to that attempt only.
func TestCustomEndpointResolver(t *testing.T) {
	asked := 0
	resolver := resolverFunc(func(p lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
		asked++
		if *p.Region != "us-east-1" || *p.UseFIPS || *p.UseDualStack || p.Endpoint != nil {
			t.Errorf("asked with %+v", p)
		}
		endpoint := smithyendpoints.Endpoint{URI: url.URL{Scheme: "https", Host: "own.example"}, Headers: http.Header{"X-Own": {"yes"}}}
		if asked == 1 {
			option := &smithyauth.Option{SchemeID: smithyauth.SchemeIDSigV4}
			smithyhttp.SetSigV4SigningName(&option.SignerProperties, "own")
			smithyauth.SetAuthOptions(&endpoint.Properties, []*smithyauth.Option{option})
		}
		return endpoint, nil
	})
	var services, hosts []string
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host+" "+r.Header.Get("X-Own"))
		return newResponse(http.StatusOK, nil, `{}`), nil
	}, lambdamicrovms.WithEndpointResolverV2(resolver), func(o *lambdamicrovms.Options) {
		o.HTTPSignerV4 = signerFunc(func(c signCall) { services = append(services, c.service) })
	})
	for range 2 {
		if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(hosts, ","); got != "own.example yes,own.example yes" {
		t.Errorf("requests to %s", got)
	}
	if got := strings.Join(services, ","); got != "own,lambda" {
		t.Errorf("signed for %s, want own,lambda", got)
	}
}

func TestEndpointResolverFails(t *testing.T) {
	broken := errors.New("broken")
	client := stubbed(nil, lambdamicrovms.WithEndpointResolverV2(resolverFunc(func(lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
		return smithyendpoints.Endpoint{}, broken
	})))
	_, err := client.ListMicroVMs(context.Background(), nil)
	var operation *smithy.OperationError
	if !errors.Is(err, broken) || !errors.As(err, &operation) {
		t.Errorf("got %v, want an OperationError around %v", err, broken)
	}
}

func TestEndpointParameters(t *testing.T) {
	var p lambdamicrovms.EndpointParameters
	if p.ValidateRequired() == nil {
		t.Error("parameters without defaults are valid")
	}
	p.UseDualStack = aws.Bool(true)
	if p.ValidateRequired() == nil {
		t.Error("parameters without UseFIPS are valid")
	}
	p = p.WithDefaults()
	if err := p.ValidateRequired(); err != nil || *p.UseFIPS || !*p.UseDualStack {
		t.Errorf("with defaults: %v, FIPS %t, dual-stack %t", err, *p.UseFIPS, *p.UseDualStack)
	}
}
