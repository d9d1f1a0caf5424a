package lambdamicrovms

import (
	"context"
	cryptorand "crypto/rand"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/defaults"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/metrics"
	"github.com/aws/smithy-go/middleware"
	smithyrand "github.com/aws/smithy-go/rand"
	"github.com/aws/smithy-go/tracing"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// HTTPClient sends requests. *http.Client, the SDK's *awshttp.BuildableClient and the
// fake implement it.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// HTTPSignerV4 signs a request with Signature Version 4. *v4.Signer implements it.
type HTTPSignerV4 interface {
	SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash string, service string, region string, signingTime time.Time, optFns ...func(*v4.SignerOptions)) error
}

// IdempotencyTokenProvider makes client tokens for calls without one. Each token must be
// unique in the account: the service never forgets a token.
type IdempotencyTokenProvider interface {
	GetIdempotencyToken() (string, error)
}

// Options configure a Client or, with the option functions of a method, a single call.
// The zero value of each field except Region is a usable default.
type Options struct {
	// APIOptions change the middleware stack of each call. Without them calls share
	// compiled stacks, which costs less.
	APIOptions []func(*middleware.Stack) error

	// AppID names the application in the User-Agent header.
	AppID string

	// BaseEndpoint is the URL to send requests to instead of the service's endpoint. It
	// cannot be combined with FIPS or dual-stack endpoints.
	BaseEndpoint *string

	// ClientLogMode selects what Logger receives. Credentials and sensitive members are
	// always redacted.
	ClientLogMode aws.ClientLogMode

	// Credentials provides the credentials that sign requests. Without it, requests are
	// not signed.
	Credentials aws.CredentialsProvider

	// DefaultsMode sets connection timeouts and the retry mode unless they are set.
	DefaultsMode aws.DefaultsMode

	// DisableClockSkewCorrection signs with the local time, even if it differs from the
	// service's.
	DisableClockSkewCorrection bool

	// EndpointOptions choose among the service's endpoints.
	EndpointOptions EndpointResolverOptions

	// EndpointResolverV2 finds the endpoint of a call.
	EndpointResolverV2 EndpointResolverV2

	// HTTPSignerV4 signs requests. The default is a v4.Signer of the SDK; calls without
	// their own options use a faster signer with the same results. Set it to
	// v4.NewSigner() to sign every request with the SDK's.
	HTTPSignerV4 HTTPSignerV4

	// IdempotencyTokenProvider makes client tokens. The default makes random UUIDs.
	IdempotencyTokenProvider IdempotencyTokenProvider

	// Logger receives the messages that ClientLogMode selects. The default discards them.
	Logger logging.Logger

	// MaxResponseBytes is the maximum size of a response, decompressed. A larger response
	// is a *ResponseSizeError. Zero or less means 16 MiB; the largest legal response, 50
	// versions with 50 environment variables of 4 KB, has 11 MB.
	MaxResponseBytes int64

	// MeterProvider receives the metrics of calls. The default discards them.
	MeterProvider metrics.MeterProvider

	// Region is the AWS region, such as "us-east-1". Required unless BaseEndpoint is set.
	// Requests are signed for it.
	Region string

	// RetryMaxAttempts is the maximum number of attempts of a call, including the first.
	// Zero leaves it to Retryer, whose default is 3.
	RetryMaxAttempts int

	// RetryMode selects the default of Retryer.
	RetryMode aws.RetryMode

	// Retryer decides which errors are retried, and when. A Retry-After header raises its
	// delay to at most 20 seconds.
	Retryer aws.Retryer

	// RuntimeEnvironment is set by config.LoadDefaultConfig for aws.DefaultsModeAuto.
	RuntimeEnvironment aws.RuntimeEnvironment

	// TracerProvider receives the spans of calls. The default discards them.
	TracerProvider tracing.TracerProvider

	// resolvedDefaultsMode is DefaultsMode with auto resolved. See mode.
	resolvedDefaultsMode aws.DefaultsMode

	// defaultSigner is the HTTPSignerV4 that resolve has set, if any.
	defaultSigner HTTPSignerV4

	// HTTPClient sends the requests. Following a redirect would send the session token to
	// another host, so an *http.Client and the SDK's client follow none here, whatever
	// their policy. A client of another type must not follow redirects either. The
	// default keeps up to 100 idle connections, disables compression, and accepts 1 MiB
	// of headers.
	HTTPClient HTTPClient

	// Interceptors are called at the stages of each call.
	Interceptors smithyhttp.InterceptorRegistry

	// AuthSchemeResolver lists the auth schemes of a call, best first.
	AuthSchemeResolver AuthSchemeResolver

	// AuthSchemes are the supported auth schemes. The default is Signature Version 4.
	AuthSchemes []smithyhttp.AuthScheme

	// AuthSchemePreference reorders the schemes by their short names, such as "sigv4".
	AuthSchemePreference []string

	// Validation selects what is checked before a request is sent. The default is
	// ValidationModel: every constraint of the model.
	Validation ValidationMode

	// AllowUnknownEnums permits enum values that the model does not know, in every
	// validation mode.
	AllowUnknownEnums bool
}

// Copy returns a copy that shares no list with the original.
func (o Options) Copy() Options {
	o.APIOptions = slices.Clone(o.APIOptions)
	o.Interceptors = o.Interceptors.Copy()
	o.AuthSchemes = slices.Clone(o.AuthSchemes)
	o.AuthSchemePreference = slices.Clone(o.AuthSchemePreference)
	return o
}

// GetIdentityResolver returns the identity resolver for an auth scheme, or nil.
func (o Options) GetIdentityResolver(schemeID string) smithyauth.IdentityResolver {
	switch {
	case schemeID == smithyauth.SchemeIDSigV4 && o.Credentials != nil:
		return &credentialsResolver{provider: o.Credentials}
	case schemeID == smithyauth.SchemeIDAnonymous:
		return &smithyauth.AnonymousIdentityResolver{}
	}
	return nil
}

// WithAPIOptions returns an option that appends to APIOptions.
func WithAPIOptions(optFns ...func(*middleware.Stack) error) func(*Options) {
	return func(o *Options) {
		o.APIOptions = append(o.APIOptions, optFns...)
	}
}

// WithEndpointResolverV2 returns an option that sets EndpointResolverV2.
func WithEndpointResolverV2(v EndpointResolverV2) func(*Options) {
	return func(o *Options) {
		o.EndpointResolverV2 = v
	}
}

// WithSigV4SigningName returns an option that overrides the service name in signatures.
func WithSigV4SigningName(name string) func(*Options) {
	return withContext("withSigV4SigningName", func(ctx context.Context) context.Context {
		return awsmiddleware.SetSigningName(ctx, name) //nolint:staticcheck // deprecated in favor of this function
	})
}

// WithSigV4SigningRegion returns an option that overrides the region in signatures.
func WithSigV4SigningRegion(region string) func(*Options) {
	return withContext("withSigV4SigningRegion", func(ctx context.Context) context.Context {
		return awsmiddleware.SetSigningRegion(ctx, region) //nolint:staticcheck // deprecated in favor of this function
	})
}

// withContext returns an option that changes the context of a call before all other
// middleware.
func withContext(id string, set func(context.Context) context.Context) func(*Options) {
	m := middleware.InitializeMiddlewareFunc(id, func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(set(ctx), in)
	})
	return WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Initialize.Add(m, middleware.Before)
	})
}

// mode returns the defaults mode, with auto resolved at the first use.
func (o *Options) mode() aws.DefaultsMode {
	if o.resolvedDefaultsMode == "" {
		o.resolvedDefaultsMode.SetFromString(string(o.DefaultsMode))
		if o.resolvedDefaultsMode == aws.DefaultsModeAuto {
			o.resolvedDefaultsMode = defaults.ResolveDefaultsModeAuto(o.Region, o.RuntimeEnvironment)
		}
	}
	return o.resolvedDefaultsMode
}

// complete turns the options of New's caller into those of a client.
func (o *Options) complete(optFns []func(*Options)) {
	if o.HTTPClient != nil {
		o.HTTPClient = withModeTimeouts(o.HTTPClient, o.mode())
	}
	o.resolve()
	for _, fn := range optFns {
		fn(o)
	}
	o.resolve()
	if o.RetryMaxAttempts != 0 {
		o.Retryer = retry.AddWithMaxAttempts(o.Retryer, o.RetryMaxAttempts)
	}
	o.resolveAuth()
}

// resolve fills in defaults. It runs before the caller's option functions, which may wrap
// a default, and again after them, because they may set a field to nil.
func (o *Options) resolve() {
	if o.Logger == nil {
		o.Logger = logging.Nop{}
	}
	if o.Retryer == nil {
		o.Retryer = newRetryer(o)
	}
	if o.HTTPClient == nil {
		o.HTTPClient = withModeTimeouts(newHTTPClient(), o.mode())
	}
	if o.HTTPSignerV4 == nil {
		// The auth scheme selects and redacts what the signer logs.
		o.HTTPSignerV4 = v4.NewSigner()
		o.defaultSigner = o.HTTPSignerV4
	}
	if o.IdempotencyTokenProvider == nil {
		o.IdempotencyTokenProvider = smithyrand.NewUUIDIdempotencyToken(cryptorand.Reader)
	}
	if o.EndpointResolverV2 == nil {
		o.EndpointResolverV2 = NewDefaultEndpointResolverV2()
	}
	if o.MaxResponseBytes <= 0 {
		o.MaxResponseBytes = defaultMaxResponseBytes
	}
	if o.TracerProvider == nil {
		o.TracerProvider = &tracing.NopTracerProvider{}
	}
	if o.MeterProvider == nil {
		o.MeterProvider = metrics.NopMeterProvider{}
	}
	if o.AuthSchemeResolver == nil {
		o.AuthSchemeResolver = &defaultAuthSchemeResolver{}
	}
}

// inherit fills in the options of a single call from the client's.
func (o *Options) inherit(client *Options) {
	if o.HTTPClient == nil {
		o.HTTPClient = client.HTTPClient
	}
	if o.Retryer == nil {
		o.Retryer = client.Retryer
	}
	if o.AuthSchemeResolver == nil {
		o.AuthSchemeResolver = client.AuthSchemeResolver
	}
	o.resolve()
	if o.RetryMaxAttempts != 0 && o.RetryMaxAttempts != client.RetryMaxAttempts {
		o.Retryer = retry.AddWithMaxAttempts(o.Retryer, o.RetryMaxAttempts)
	}
	o.resolveAuth()
}
