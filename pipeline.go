package lambdamicrovms

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// settings are what final options come to. All calls with the same options share them,
// so they are never written to after newSettings.
type settings struct {
	telemetry

	options *Options
	// region is Options.Region without a FIPS mark: where requests go and what they are signed for.
	region string
	skew   *atomic.Int64 // the client's
	client HTTPClient
	// credentials are nil without Options.Credentials.
	credentials smithyauth.IdentityResolver
	transport   middleware.Handler
}

// newSettings takes possession of the options.
func newSettings(o *Options, skew *atomic.Int64) (*settings, error) {
	s := &settings{options: o, skew: skew}
	var fips bool
	s.region, fips = trimFIPS(o.Region)
	o.EndpointOptions.LogDeprecated = o.ClientLogMode.IsDeprecatedUsage()
	if fips && o.EndpointOptions.ResolvedRegion == "" {
		o.EndpointOptions.ResolvedRegion = s.region
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	var err error
	if s.telemetry, err = newTelemetry(o); err != nil {
		return nil, err
	}
	s.credentials = o.GetIdentityResolver(smithyauth.SchemeIDSigV4)
	s.client = sender(o.HTTPClient)
	s.transport = &watchedTransport{smithyhttp.NewClientHandlerWithOptions(watchedClient{s.client}, func(h *smithyhttp.ClientHandler) {
		h.Meter = s.meter
	})}
	return s, nil
}

// private is whether chains with these settings keep their requests to themselves: nobody
// listens, and no auth scheme but ours gets more than the HTTP request to sign.
func (s *settings) private() bool {
	for _, scheme := range s.options.AuthSchemes {
		if _, ours := scheme.(*sigV4Scheme); !ours {
			return false
		}
	}
	return !s.observed() && !isIntercepted(&s.options.Interceptors)
}

// A pipeline runs an operation.
type pipeline struct {
	*settings
	operation string
	shared    context.Context
	handler   middleware.Handler
}

func newPipeline(s *settings, op operationShape, handler middleware.Handler) *pipeline {
	name, _ := op.wire()
	return &pipeline{settings: s, operation: name, shared: sharedContext(s, name), handler: handler}
}

func (p *pipeline) run(ctx context.Context, in any) (out any, metadata middleware.Metadata, err error) {
	call := &callContext{Context: ctx, shared: p.shared}
	if !p.options.DisableClockSkewCorrection {
		call.skew = time.Duration(p.skew.Load())
	}
	if !p.observed() {
		return p.handle(call, call, in)
	}
	p.observe(call, p.operation, func(ctx context.Context) error {
		out, metadata, err = p.handle(ctx, call, in)
		return err
	})
	return out, metadata, err
}

// handle runs the operation. Whatever has failed, and wherever, its error leaves without the
// secrets of the call.
func (p *pipeline) handle(ctx context.Context, call *callContext, in any) (any, middleware.Metadata, error) {
	out, metadata, err := p.handler.Handle(ctx, in)
	if err == nil {
		return out, metadata, nil
	}
	if input, ok := in.(inputShape); ok {
		call.learnInput(input)
	}
	keepNoSecrets(metadata, err)
	return out, metadata, call.known().Error(err)
}
