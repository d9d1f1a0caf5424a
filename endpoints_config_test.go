//nolint:staticcheck // deprecated, but in use
package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
)

// The deprecated endpoint resolvers of a configuration, with which programs point all
// clients at one host.
func TestEndpointResolverOfConfig(t *testing.T) {
	const host = "http://localhost:4566/base"
	with := func(endpoint aws.Endpoint, err error) aws.Config {
		return aws.Config{EndpointResolverWithOptions: aws.EndpointResolverWithOptionsFunc(func(service, region string, options ...any) (aws.Endpoint, error) {
			fips, _ := aws.GetUseFIPSEndpoint(options...)
			if dual, _ := aws.GetUseDualStackEndpoint(options...); service != "Lambda Microvms" || region != "us-east-1" || dual != aws.DualStackEndpointStateEnabled || fips != aws.FIPSEndpointStateUnset {
				return aws.Endpoint{}, fmt.Errorf("asked for %s in %s with %+v", service, region, options)
			}
			return endpoint, err
		})}
	}
	without := aws.Config{EndpointResolver: aws.EndpointResolverFunc(func(_, region string) (aws.Endpoint, error) {
		return aws.Endpoint{URL: host + "/" + region}, nil
	})}
	own := lambdamicrovms.WithEndpointResolverV2(lambdamicrovms.NewDefaultEndpointResolverV2())
	tests := map[string]struct {
		cfg   aws.Config
		optFn func(*lambdamicrovms.Options)
		want  string
	}{
		"with options":          {cfg: with(aws.Endpoint{URL: host}, nil), want: host + "/2025-09-09/microvms us-east-1/lambda"},
		"signing":               {cfg: with(aws.Endpoint{URL: host, SigningName: "other", SigningRegion: "eu-west-1"}, nil), want: host + "/2025-09-09/microvms eu-west-1/other"},
		"without options":       {cfg: without, want: host + "/us-east-1/2025-09-09/microvms us-east-1/lambda"},
		"none for this service": {cfg: with(aws.Endpoint{}, &aws.EndpointNotFoundError{}), want: "https://lambda.us-east-1.api.aws/2025-09-09/microvms us-east-1/lambda"},
		"error":                 {cfg: with(aws.Endpoint{}, errors.New("broken")), want: "failed to resolve service endpoint, broken"},
		"no URL":                {cfg: with(aws.Endpoint{URL: "localhost"}, nil), want: "failed to resolve service endpoint, the endpoint must be an absolute URL, such as https://host or http://localhost:8080"},
		"a resolver of options": {cfg: without, optFn: own, want: "https://lambda.us-east-1.api.aws/2025-09-09/microvms us-east-1/lambda"},
		"above BaseEndpoint": {cfg: without, optFn: func(o *lambdamicrovms.Options) { o.BaseEndpoint = aws.String("http://elsewhere") },
			want: host + "/us-east-1/2025-09-09/microvms us-east-1/lambda"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got string
			test.cfg.Region, test.cfg.Credentials = "us-east-1", staticCredentials
			test.cfg.HTTPClient = httpFunc(func(r *http.Request) (*http.Response, error) {
				_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "/")
				_, scope, _ = strings.Cut(scope, "/") // the date
				scope, _, _ = strings.Cut(scope, "/aws4_request")
				got = r.URL.String() + " " + scope
				return newResponse(http.StatusOK, nil, `{}`), nil
			})
			test.cfg.ConfigSources = []any{dualStackSource{aws.DualStackEndpointStateEnabled}}
			client := lambdamicrovms.NewFromConfig(test.cfg, func(o *lambdamicrovms.Options) {
				if test.optFn != nil {
					test.optFn(o)
				}
			})
			_, err := client.ListMicroVMs(context.Background(), nil)
			var failed *smithy.OperationError
			if errors.As(err, &failed) {
				got = failed.Err.Error()
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
