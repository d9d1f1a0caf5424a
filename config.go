package lambdamicrovms

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// NewFromConfig returns a Client with the configuration of config.LoadDefaultConfig,
// changed by its ServiceOptions and then by optFns. As in official clients, an endpoint
// resolver of the configuration ranks above BaseEndpoint. An EndpointResolverV2 set by
// optFns ranks above both.
func NewFromConfig(cfg aws.Config, optFns ...func(*Options)) *Client {
	options := Options{
		Region:                     cfg.Region,
		DefaultsMode:               cfg.DefaultsMode,
		RuntimeEnvironment:         cfg.RuntimeEnvironment,
		HTTPClient:                 cfg.HTTPClient,
		Credentials:                cfg.Credentials,
		APIOptions:                 cfg.APIOptions,
		Logger:                     cfg.Logger,
		ClientLogMode:              cfg.ClientLogMode,
		AppID:                      cfg.AppID,
		RetryMaxAttempts:           cfg.RetryMaxAttempts,
		RetryMode:                  cfg.RetryMode,
		Interceptors:               cfg.Interceptors,
		DisableClockSkewCorrection: cfg.DisableClockSkewCorrection,
		AuthSchemePreference:       cfg.AuthSchemePreference,
		BaseEndpoint:               configuredEndpoint(cfg),
		EndpointResolverV2:         resolverOfConfig(cfg),
	}
	if cfg.Retryer != nil {
		options.Retryer = cfg.Retryer()
	}
	ctx := context.Background()
	if state, found := fromSources(cfg, func(p interface {
		GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
	}) (aws.FIPSEndpointState, bool, error) {
		return p.GetUseFIPSEndpoint(ctx)
	}); found {
		options.EndpointOptions.UseFIPSEndpoint = state
	}
	if state, found := fromSources(cfg, func(p interface {
		GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
	}) (aws.DualStackEndpointState, bool, error) {
		return p.GetUseDualStackEndpoint(ctx)
	}); found {
		options.EndpointOptions.UseDualStackEndpoint = state
	}

	if len(cfg.ServiceOptions) == 0 {
		return New(options, optFns...)
	}
	return New(options, func(o *Options) {
		for _, fn := range cfg.ServiceOptions {
			fn(ServiceID, o)
		}
		for _, fn := range optFns {
			fn(o)
		}
	})
}

// configuredEndpoint returns the endpoint that a user has configured. One for this
// service ranks above one for all services, and the environment above files.
func configuredEndpoint(cfg aws.Config) *string {
	_, all := os.LookupEnv("AWS_ENDPOINT_URL")
	_, own := os.LookupEnv("AWS_ENDPOINT_URL_LAMBDA_MICROVMS")
	if all && !own {
		return cfg.BaseEndpoint // AWS_ENDPOINT_URL ranks above a file's endpoint for this service
	}

	ctx := context.Background()
	ignore, found := fromSources(cfg, func(p interface {
		GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
	}) (bool, bool, error) {
		return p.GetIgnoreConfiguredEndpoints(ctx)
	})
	if found && ignore {
		return cfg.BaseEndpoint
	}

	endpoint, found := fromSources(cfg, func(p interface {
		GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
	}) (string, bool, error) {
		return p.GetServiceBaseEndpoint(ctx, ServiceID)
	})
	if found {
		return &endpoint
	}
	return cfg.BaseEndpoint
}

// fromSources returns the first value of the configuration's sources, in their order.
// Sources without the method are skipped. As in official clients, an error ends the
// search without a value.
func fromSources[P, T any](cfg aws.Config, get func(P) (T, bool, error)) (value T, found bool) {
	for _, source := range cfg.ConfigSources {
		if p, ok := source.(P); ok {
			v, known, err := get(p)
			if err != nil {
				return value, false
			}
			if known {
				return v, true
			}
		}
	}
	return value, false
}
