package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// EndpointResolverOptions choose among the service's endpoints.
type EndpointResolverOptions struct {
	// Logger is where an endpoint resolver may log.
	Logger logging.Logger

	// LogDeprecated asks for a note when an endpoint is deprecated. It is set from
	// Options.ClientLogMode.
	LogDeprecated bool

	// ResolvedRegion is the region to use in place of Options.Region. It is set for
	// regions such as "us-east-1-fips", and not by callers.
	ResolvedRegion string

	// DisableHTTPS sends requests over plain HTTP.
	DisableHTTPS bool

	// UseDualStackEndpoint asks for an endpoint with IPv4 and IPv6 addresses.
	UseDualStackEndpoint aws.DualStackEndpointState

	// UseFIPSEndpoint asks for an endpoint with FIPS 140 validated cryptography.
	UseFIPSEndpoint aws.FIPSEndpointState
}

// GetResolvedRegion returns ResolvedRegion.
func (o EndpointResolverOptions) GetResolvedRegion() string { return o.ResolvedRegion }

// GetDisableHTTPS returns DisableHTTPS.
func (o EndpointResolverOptions) GetDisableHTTPS() bool { return o.DisableHTTPS }

// GetUseDualStackEndpoint returns UseDualStackEndpoint.
func (o EndpointResolverOptions) GetUseDualStackEndpoint() aws.DualStackEndpointState {
	return o.UseDualStackEndpoint
}

// GetUseFIPSEndpoint returns UseFIPSEndpoint.
func (o EndpointResolverOptions) GetUseFIPSEndpoint() aws.FIPSEndpointState {
	return o.UseFIPSEndpoint
}

// EndpointParameters are the parameters that determine the endpoint of a call.
type EndpointParameters struct {
	// Region is the region, such as "us-east-1". Required unless Endpoint is set.
	Region *string

	// UseDualStack asks for an endpoint with IPv4 and IPv6 addresses; nil means false.
	UseDualStack *bool

	// UseFIPS asks for an endpoint with FIPS 140 validated cryptography; nil means false.
	UseFIPS *bool

	// Endpoint is a URL to use in place of the service's own.
	Endpoint *string
}

// ValidateRequired returns an error when a member without a default is nil. Call it after
// WithDefaults.
func (p EndpointParameters) ValidateRequired() error {
	switch {
	case p.UseDualStack == nil:
		return errors.New("parameter UseDualStack is required")
	case p.UseFIPS == nil:
		return errors.New("parameter UseFIPS is required")
	}
	return nil
}

// WithDefaults returns the parameters with nil replaced by the default.
func (p EndpointParameters) WithDefaults() EndpointParameters {
	if p.UseDualStack == nil {
		p.UseDualStack = aws.Bool(false)
	}
	if p.UseFIPS == nil {
		p.UseFIPS = aws.Bool(false)
	}
	return p
}

// EndpointResolverV2 finds the endpoint of a call.
type EndpointResolverV2 interface {
	ResolveEndpoint(ctx context.Context, params EndpointParameters) (smithyendpoints.Endpoint, error)
}

// NewDefaultEndpointResolverV2 returns the resolver that knows the service's endpoints in
// all AWS partitions.
func NewDefaultEndpointResolverV2() EndpointResolverV2 { return &resolver{} }

type resolver struct{}

func (*resolver) ResolveEndpoint(_ context.Context, params EndpointParameters) (smithyendpoints.Endpoint, error) {
	params = params.WithDefaults()
	if err := params.ValidateRequired(); err != nil {
		return smithyendpoints.Endpoint{}, fmt.Errorf("endpoint parameters are not valid, %w", err)
	}
	location, err := location(params)
	if err != nil {
		return smithyendpoints.Endpoint{}, err
	}
	return smithyendpoints.Endpoint{URI: *location, Headers: http.Header{}}, nil
}

// endpointRuleError reports a combination of options that the endpoint rules reject. The
// texts are those of the rules, which all AWS SDKs share.
type endpointRuleError string

func (e endpointRuleError) Error() string { return "endpoint rule error, " + string(e) }

// location applies the endpoint rules of the service.
func location(params EndpointParameters) (*url.URL, error) {
	fips, dualStack := *params.UseFIPS, *params.UseDualStack
	switch {
	case params.Endpoint != nil && fips:
		return nil, endpointRuleError("Invalid Configuration: FIPS and custom endpoint are not supported")
	case params.Endpoint != nil && dualStack:
		return nil, endpointRuleError("Invalid Configuration: Dualstack and custom endpoint are not supported")
	case params.Endpoint != nil:
		return parseEndpoint(*params.Endpoint)
	case params.Region == nil:
		return nil, endpointRuleError("Invalid Configuration: Missing Region")
	}
	region := *params.Region
	if err := checkRegion(region); err != nil {
		return nil, err
	}
	host, err := serviceHost(partition.Of(region), region, fips, dualStack)
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: "https", Host: host}, nil
}

// parseEndpoint rejects URLs that net/http would reject only after signing. Errors repeat
// no part of the URL: it may contain a password, which a typo can move anywhere.
func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, errors.New("the endpoint is not a URL: its host, port or an escape in it is malformed")
	}
	if u.Scheme == "" || u.Hostname() == "" {
		return nil, errors.New("the endpoint must be an absolute URL, such as https://host or http://localhost:8080")
	}
	if strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
		return nil, errors.New("the endpoint must have one port at most")
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("the endpoint must be a URL without a query or fragment")
	}
	return u, nil
}

// checkEndpoint rejects URLs that net/http cannot send to, before anything is signed or
// retried.
func checkEndpoint(u *url.URL) error {
	if scheme := strings.ToLower(u.Scheme); scheme != "https" && scheme != "http" {
		return errors.New("the scheme of the endpoint must be https or http")
	}
	if u.Hostname() == "" {
		return errors.New("the endpoint has no host")
	}
	return nil
}

// checkRegion rejects regions that are not a single label of a host name: they could
// redirect requests.
func checkRegion(region string) error {
	if !smithyhttp.ValidHostLabel(region) || region[0] == '-' || region[len(region)-1] == '-' {
		return fmt.Errorf("invalid input region %.64q", region)
	}
	return nil
}

// serviceHost returns the host name of the service in a region of the partition.
func serviceHost(p partition.Partition, region string, fips, dualStack bool) (string, error) {
	service, suffix := endpointPrefix, p.DNSSuffix
	if fips {
		service += "-fips"
	}
	if dualStack {
		suffix = p.DualStackDNSSuffix
	}
	switch {
	case fips && dualStack && (p.NoFIPS || p.NoDualStack):
		return "", endpointRuleError("FIPS and DualStack are enabled, but this partition does not support one or both: " + p.Name)
	case fips && p.NoFIPS:
		return "", endpointRuleError("FIPS is enabled but this partition does not support FIPS: " + p.Name)
	case dualStack && p.NoDualStack:
		return "", endpointRuleError("DualStack is enabled but this partition does not support DualStack: " + p.Name)
	}
	return service + "." + region + "." + suffix, nil
}

// resolveEndpoint sends the request to the endpoint.
type resolveEndpoint struct {
	*settings

	// known and knownErr are the result of the default resolver, which is the same for
	// each call. Both are nil with another resolver, which each call uses.
	known    *smithyendpoints.Endpoint
	knownErr error
}

func newResolveEndpoint(s *settings) *resolveEndpoint {
	m := &resolveEndpoint{settings: s}
	if _, ok := s.options.EndpointResolverV2.(*resolver); ok {
		m.known, m.knownErr = m.ask(context.Background())
	}
	return m
}

func (*resolveEndpoint) ID() string { return "ResolveEndpointV2" }

func (m *resolveEndpoint) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	return handleFinalize(ctx, in, next, m.resolve)
}

func (m *resolveEndpoint) resolve(ctx context.Context, req *smithyhttp.Request) error {
	_, span := m.startSpan(ctx, "ResolveEndpoint")
	defer span.End()

	attempt, err := attemptOf(ctx)
	if err != nil {
		return err
	}
	endpoint, err := m.endpoint(ctx)
	if err != nil {
		return err
	}
	if m.traced {
		span.SetProperty("client.call.resolved_endpoint", endpoint.URI.Redacted())
	}

	if err := checkEndpoint(&endpoint.URI); err != nil {
		return err
	}
	req.URL.Scheme, req.URL.Host = endpoint.URI.Scheme, endpoint.URI.Host
	if endpoint.URI.Path != "" || !strings.HasPrefix(req.URL.Path, "/") { // else the path is what it should be
		escaped := smithyhttp.JoinPath(endpoint.URI.EscapedPath(), req.URL.EscapedPath())
		req.URL.Path = smithyhttp.JoinPath(endpoint.URI.Path, req.URL.Path)
		req.URL.RawPath = escaped
	}
	if m.known != nil {
		return nil // the default resolver's has neither headers nor properties
	}
	for name := range endpoint.Headers {
		req.Header.Set(name, endpoint.Headers.Get(name))
	}
	options, _ := smithyauth.GetAuthOptions(&endpoint.Properties)
	for _, option := range options {
		attempt.ownSignerProperties().SetAll(&option.SignerProperties)
	}
	return nil
}

func (m *resolveEndpoint) endpoint(ctx context.Context) (*smithyendpoints.Endpoint, error) {
	defer m.timer(ctx, resolveEndpointDuration, nil)()
	if m.known != nil || m.knownErr != nil {
		return m.known, m.knownErr
	}
	return m.ask(ctx)
}

// ask calls the resolver of the options.
func (m *resolveEndpoint) ask(ctx context.Context) (*smithyendpoints.Endpoint, error) {
	params := EndpointParameters{
		UseDualStack: aws.Bool(m.options.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:      aws.Bool(m.options.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		Endpoint:     m.options.BaseEndpoint,
	}
	if m.region != "" {
		if err := checkRegion(m.region); err != nil {
			return nil, fmt.Errorf("failed to bind endpoint params, %w", err)
		}
		params.Region = &m.region
	}
	endpoint, err := m.options.EndpointResolverV2.ResolveEndpoint(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("failed to resolve service endpoint, %w", err)
	}
	return &endpoint, nil
}

// disableHTTPS changes the scheme to plain HTTP if the options say so.
type disableHTTPS struct {
	disable bool
}

func (*disableHTTPS) ID() string { return "disableHTTPS" }

func (m *disableHTTPS) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	return handleFinalize(ctx, in, next, m.apply)
}

func (m *disableHTTPS) apply(ctx context.Context, req *smithyhttp.Request) error {
	if m.disable && !smithyhttp.GetHostnameImmutable(ctx) {
		req.URL.Scheme = "http"
	}
	return nil
}
