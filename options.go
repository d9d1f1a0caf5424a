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

// HTTPClient sends requests: *http.Client, the SDK's *awshttp.BuildableClient, a fake.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// HTTPSignerV4 signs a request with Signature Version 4, as *v4.Signer does.
type HTTPSignerV4 interface {
	SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash string, service string, region string, signingTime time.Time, optFns ...func(*v4.SignerOptions)) error
}

// IdempotencyTokenProvider makes the client tokens of calls that bring none. A token
// must be unlike any other ever used in the account: the service remembers them for good.
type IdempotencyTokenProvider interface {
	GetIdempotencyToken() (string, error)
}

// Options configure a Client, and through the optFns of an operation a single call.
// The zero value of every field but Region has a sensible meaning.
type Options struct {
	// APIOptions change the middleware stack of each call. A client without any
	// shares one stack among calls, which costs less.
	APIOptions []func(*middleware.Stack) error

	// AppID names the application in the User-Agent header.
	AppID string

	// BaseEndpoint is the URL to send requests to in place of the service's own. It
	// is an error together with FIPS or dual-stack endpoints.
	BaseEndpoint *string

	// ClientLogMode chooses what goes to Logger. Credentials and sensitive
	// members are left out of all of it.
	ClientLogMode aws.ClientLogMode

	// Credentials sign the requests. Without any, requests are sent unsigned.
	Credentials aws.CredentialsProvider

	// DefaultsMode sets connection timeouts and the retry mode where they are not set.
	DefaultsMode aws.DefaultsMode

	// DisableClockSkewCorrection signs with the local time, however far it is from the service's.
	DisableClockSkewCorrection bool

	// EndpointOptions choose among the service's endpoints.
	EndpointOptions EndpointResolverOptions

	// EndpointResolverV2 finds the endpoint of a call.
	EndpointResolverV2 EndpointResolverV2

	// HTTPSignerV4 signs requests. The default is a v4.Signer of the SDK; calls without
	// options of their own use a faster signer that makes the same signatures. Set it to
	// v4.NewSigner() to sign every request with the SDK's.
	HTTPSignerV4 HTTPSignerV4

	// IdempotencyTokenProvider makes client tokens. The default makes random UUIDs.
	IdempotencyTokenProvider IdempotencyTokenProvider

	// Logger receives what ClientLogMode chooses. The default discards it.
	Logger logging.Logger

	// MaxResponseBytes is how much of an answer is read at most, decompressed, before
	// the call fails with a *ResponseSizeError. Zero or less means 16 MiB: fifty
	// versions with fifty environment variables of 4 KB come to 11 MB.
	MaxResponseBytes int64

	// MeterProvider receives the metrics of calls. The default discards them.
	MeterProvider metrics.MeterProvider

	// Region is where requests go, such as "us-east-1". Required unless
	// BaseEndpoint is set, and then still the region that requests are signed for.
	Region string

	// RetryMaxAttempts is how often a call is tried, the first time included. Zero
	// leaves it to Retryer: three times by default.
	RetryMaxAttempts int

	// RetryMode chooses the retryer that New makes when Retryer is nil.
	RetryMode aws.RetryMode

	// Retryer decides which errors are tried again, and when. A Retry-After header
	// of the service can only make it wait longer, up to 20 seconds.
	Retryer aws.Retryer

	// RuntimeEnvironment is set by config.LoadDefaultConfig for aws.DefaultsModeAuto.
	RuntimeEnvironment aws.RuntimeEnvironment

	// TracerProvider receives the spans of calls. The default discards them.
	TracerProvider tracing.TracerProvider

	// resolvedDefaultsMode is DefaultsMode with auto replaced by what it came to.
	resolvedDefaultsMode aws.DefaultsMode

	// defaultSigner is the HTTPSignerV4 that resolve has set, if any.
	defaultSigner HTTPSignerV4

	// HTTPClient sends the requests. An *http.Client and the SDK's own follow no
	// redirects here, whatever their policy is; a client of another type must not
	// either. The default keeps up to 100 idle connections, asks for no compression
	// and takes at most 1 MiB of headers.
	HTTPClient HTTPClient

	// Interceptors are called at the stages of each call.
	Interceptors smithyhttp.InterceptorRegistry

	// AuthSchemeResolver lists the auth schemes of a call, best first.
	AuthSchemeResolver AuthSchemeResolver

	// AuthSchemes are the auth schemes the client knows. The default is Signature Version 4.
	AuthSchemes []smithyhttp.AuthScheme

	// AuthSchemePreference reorders the schemes by their short names, such as "sigv4".
	AuthSchemePreference []string

	// Validation says how much of an input is checked before it is sent. The
	// default is ValidationModel: all that the service's model declares.
	Validation ValidationMode

	// AllowUnknownEnums lets enum values pass that the model does not know, whatever
	// Validation says.
	AllowUnknownEnums bool
}

// Copy returns a copy whose lists can be changed without effect on the original.
func (o Options) Copy() Options {
	o.APIOptions = slices.Clone(o.APIOptions)
	o.Interceptors = o.Interceptors.Copy()
	o.AuthSchemes = slices.Clone(o.AuthSchemes)
	o.AuthSchemePreference = slices.Clone(o.AuthSchemePreference)
	return o
}

// GetIdentityResolver returns what finds the identity for an auth scheme, or nil
// when the options have none for it.
func (o Options) GetIdentityResolver(schemeID string) smithyauth.IdentityResolver {
	switch {
	case schemeID == smithyauth.SchemeIDSigV4 && o.Credentials != nil:
		return &credentialsResolver{provider: o.Credentials}
	case schemeID == smithyauth.SchemeIDAnonymous:
		return &smithyauth.AnonymousIdentityResolver{}
	}
	return nil
}

// WithAPIOptions returns an option that adds to APIOptions.
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

// WithSigV4SigningName returns an option that signs for the service name, whatever
// auth scheme and endpoint say.
func WithSigV4SigningName(name string) func(*Options) {
	return withContext("withSigV4SigningName", func(ctx context.Context) context.Context {
		return awsmiddleware.SetSigningName(ctx, name) //nolint:staticcheck // this is what to use in its place
	})
}

// WithSigV4SigningRegion returns an option that signs for the region, whatever
// auth scheme and endpoint say.
func WithSigV4SigningRegion(region string) func(*Options) {
	return withContext("withSigV4SigningRegion", func(ctx context.Context) context.Context {
		return awsmiddleware.SetSigningRegion(ctx, region) //nolint:staticcheck // this is what to use in its place
	})
}

// withContext returns an option that puts a value into the context of a call before
// anything else sees it.
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

// mode is the defaults mode, with auto replaced by what it comes to when it is first asked for.
func (o *Options) mode() aws.DefaultsMode {
	if o.resolvedDefaultsMode == "" {
		o.resolvedDefaultsMode.SetFromString(string(o.DefaultsMode))
		if o.resolvedDefaultsMode == aws.DefaultsModeAuto {
			o.resolvedDefaultsMode = defaults.ResolveDefaultsModeAuto(o.Region, o.RuntimeEnvironment)
		}
	}
	return o.resolvedDefaultsMode
}

// complete makes the options of a client of what New was given.
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

// resolve fills in what is not set. It runs before the options of the caller, who may
// want to wrap a default, and once more after them, for what they have set to nil.
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
		// What it may log is decided by the auth scheme, which redacts it.
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

// inherit completes the options of a single call with the client's.
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
