package lambdamicrovms

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// configResolver asks the deprecated endpoint resolver of an aws.Config. Programs use one
// to point all clients at another host. Ignoring it would send their requests to AWS.
type configResolver struct {
	ask      func(region string, options EndpointResolverOptions) (aws.Endpoint, error) //nolint:staticcheck // deprecated, but in use
	fallback EndpointResolverV2
}

// resolverOfConfig returns nil if the configuration has no endpoint resolver.
func resolverOfConfig(cfg aws.Config) EndpointResolverV2 {
	var ask func(string, EndpointResolverOptions) (aws.Endpoint, error)              //nolint:staticcheck // deprecated, but in use
	switch with, without := cfg.EndpointResolverWithOptions, cfg.EndpointResolver; { //nolint:staticcheck // deprecated, but in use
	case with != nil:
		ask = func(region string, options EndpointResolverOptions) (aws.Endpoint, error) { //nolint:staticcheck // deprecated, but in use
			return with.ResolveEndpoint(ServiceID, region, options)
		}
	case without != nil:
		ask = func(region string, _ EndpointResolverOptions) (aws.Endpoint, error) { //nolint:staticcheck // deprecated, but in use
			return without.ResolveEndpoint(ServiceID, region)
		}
	default:
		return nil
	}
	return &configResolver{ask: ask, fallback: NewDefaultEndpointResolverV2()}
}

func (r *configResolver) ResolveEndpoint(ctx context.Context, params EndpointParameters) (smithyendpoints.Endpoint, error) {
	options := EndpointResolverOptions{Logger: middleware.GetLogger(ctx)}
	if aws.ToBool(params.UseDualStack) {
		options.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	if aws.ToBool(params.UseFIPS) {
		options.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	found, err := r.ask(aws.ToString(params.Region), options)
	var unknown *aws.EndpointNotFoundError
	switch {
	case errors.As(err, &unknown): // no endpoint for this service
		return r.fallback.ResolveEndpoint(ctx, params)
	case err != nil:
		return smithyendpoints.Endpoint{}, err
	}
	location, err := parseEndpoint(found.URL)
	if err != nil {
		return smithyendpoints.Endpoint{}, err
	}
	endpoint := smithyendpoints.Endpoint{URI: *location}
	var signer smithy.Properties
	if found.SigningName != "" {
		smithyhttp.SetSigV4SigningName(&signer, found.SigningName)
	}
	if found.SigningRegion != "" {
		smithyhttp.SetSigV4SigningRegion(&signer, found.SigningRegion)
	}
	smithyauth.SetAuthOptions(&endpoint.Properties, []*smithyauth.Option{{SchemeID: smithyauth.SchemeIDSigV4, SignerProperties: signer}})
	return endpoint, nil
}
