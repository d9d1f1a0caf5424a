package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// AuthResolverParameters are the parameters that determine the auth schemes of a call.
type AuthResolverParameters struct {
	// Operation is the operation's name in the service's model, such as "RunMicrovm".
	Operation string

	// Region is the region the call goes to.
	Region string
}

// AuthSchemeResolver lists the auth schemes that a call may use, best first.
type AuthSchemeResolver interface {
	ResolveAuthSchemes(context.Context, *AuthResolverParameters) ([]*smithyauth.Option, error)
}

// defaultAuthSchemeResolver offers Signature Version 4. As part of a client made by New
// it also offers unsigned requests if there are no credentials.
type defaultAuthSchemeResolver struct {
	anonymous bool
}

func (r *defaultAuthSchemeResolver) ResolveAuthSchemes(_ context.Context, params *AuthResolverParameters) ([]*smithyauth.Option, error) {
	sigV4 := &smithyauth.Option{SchemeID: smithyauth.SchemeIDSigV4}
	smithyhttp.SetSigV4SigningName(&sigV4.SignerProperties, signingName)
	smithyhttp.SetSigV4SigningRegion(&sigV4.SignerProperties, params.Region)
	if !r.anonymous {
		return []*smithyauth.Option{sigV4}, nil
	}
	return []*smithyauth.Option{sigV4, {SchemeID: smithyauth.SchemeIDAnonymous}}, nil
}

// credentialsIdentity is AWS credentials as an identity.
type credentialsIdentity struct {
	aws.Credentials
}

func (c *credentialsIdentity) Expiration() time.Time { return c.Expires }

// Format prints no credentials.
func (credentialsIdentity) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redact.Text)) }

// MarshalText prints no credentials in JSON and slog.
func (credentialsIdentity) MarshalText() ([]byte, error) { return []byte(redact.Text), nil }

type credentialsResolver struct {
	provider aws.CredentialsProvider
}

// Format prints nothing of the provider, which may print its credentials.
func (credentialsResolver) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redact.Text)) }

func (r *credentialsResolver) GetIdentity(ctx context.Context, _ smithy.Properties) (smithyauth.Identity, error) {
	credentials, err := r.provider.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	return &credentialsIdentity{credentials}, nil
}

// resolveAuth completes the auth options. All other options must be final.
func (o *Options) resolveAuth() {
	if aws.IsCredentialsProvider(o.Credentials, (*aws.AnonymousCredentials)(nil)) {
		o.Credentials = nil
	}
	if _, ok := o.AuthSchemeResolver.(*defaultAuthSchemeResolver); ok {
		o.AuthSchemeResolver = &defaultAuthSchemeResolver{anonymous: true}
	}
	if o.AuthSchemes == nil {
		o.AuthSchemes = []smithyhttp.AuthScheme{newSigV4Scheme(o)}
		return
	}
	for i, scheme := range o.AuthSchemes {
		if _, own := scheme.(*sigV4Scheme); own {
			o.AuthSchemes = slices.Clone(o.AuthSchemes)
			o.AuthSchemes[i] = newSigV4Scheme(o)
		}
	}
}

type resolveAuthScheme struct {
	*settings
	operation string
	// offered is the result of the default resolver, which is the same for each call.
	offered []*smithyauth.Option
}

func newResolveAuthScheme(s *settings, operation string) *resolveAuthScheme {
	m := &resolveAuthScheme{settings: s, operation: operation}
	if r, ok := s.options.AuthSchemeResolver.(*defaultAuthSchemeResolver); ok {
		m.offered, _ = r.ResolveAuthSchemes(context.Background(), m.params())
	}
	return m
}

func (m *resolveAuthScheme) params() *AuthResolverParameters {
	return &AuthResolverParameters{Operation: m.operation, Region: m.region}
}

func (*resolveAuthScheme) ID() string { return "ResolveAuthScheme" }

func (m *resolveAuthScheme) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	_, span := m.startSpan(ctx, "ResolveAuthScheme")
	attempt, err := m.resolve(ctx)
	if err != nil {
		span.End()
		return out, metadata, markUnsent(err)
	}
	if m.traced {
		span.SetProperty("auth.scheme_id", attempt.scheme.SchemeID())
	}
	span.End()

	// This is the first middleware inside the retry loop. So it also passes the clock
	// skew of one attempt to the next, and redacts an attempt's error before the retry
	// loop logs it or keeps it in the metadata.
	call, sent := callOf(ctx), ownBody(in.Request)
	call.beginAttempt()
	var began time.Time
	logs := m.records != nil && m.options.ClientLogMode.IsRetries()
	if logs {
		began = time.Now()
	}
	out, metadata, err = next.HandleFinalize(attempt, in)
	skew, _ := awsmiddleware.GetAttemptSkew(metadata)
	call.setClockSkew(skew)
	if err != nil {
		if !call.hasLearned(in.Request) { // the attempt failed before it was sent
			call.learn(in.Request, sent)
			call.learnIdentity(attempt.identity)
		}
		if !call.allows(err) {
			err = call.known().Error(err)
		}
		if logs {
			m.records.logAttempt(ctx, call, m.options.Retryer, began, err)
		}
	}
	return out, metadata, err
}

func (m *resolveAuthScheme) resolve(ctx context.Context) (*attemptContext, error) {
	offered := m.offered
	if offered == nil {
		var err error
		if offered, err = m.options.AuthSchemeResolver.ResolveAuthSchemes(ctx, m.params()); err != nil {
			return nil, fmt.Errorf("resolve auth scheme: %w", err)
		}
	}
	for _, option := range byPreference(offered, m.options.AuthSchemePreference) {
		if scheme := m.schemeFor(option.SchemeID); scheme != nil {
			return &attemptContext{Context: ctx, scheme: scheme, option: option}, nil
		}
	}
	return nil, errors.New("could not select an auth scheme")
}

// schemeFor returns the scheme if the options hold an identity for it.
func (m *resolveAuthScheme) schemeFor(id string) smithyhttp.AuthScheme {
	if id == smithyauth.SchemeIDAnonymous {
		return smithyhttp.NewAnonymousScheme()
	}
	for _, scheme := range m.options.AuthSchemes {
		known := scheme.SchemeID()
		if (known == id || shortSchemeName(known) == id) && m.identityResolver(scheme) != nil {
			return scheme
		}
	}
	return nil
}

// identityResolver asks a scheme for its identity resolver. That of our own scheme is the
// same for each call.
func (s *settings) identityResolver(scheme smithyhttp.AuthScheme) smithyauth.IdentityResolver {
	if _, ours := scheme.(*sigV4Scheme); ours {
		return s.credentials
	}
	return scheme.IdentityResolver(s.options)
}

// byPreference moves the options whose short names are preferred to the front. It is a
// loop over the ranks, because slices.SortStableFunc would add more code to each program.
func byPreference(offered []*smithyauth.Option, preferred []string) []*smithyauth.Option {
	if len(preferred) == 0 {
		return offered
	}
	rank := func(o *smithyauth.Option) int {
		if i := slices.Index(preferred, shortSchemeName(o.SchemeID)); i >= 0 {
			return i
		}
		return len(preferred)
	}
	var sorted []*smithyauth.Option
	for wanted := range len(preferred) + 1 {
		for _, option := range offered {
			if rank(option) == wanted {
				sorted = append(sorted, option)
			}
		}
	}
	return sorted
}

func shortSchemeName(id string) string {
	return id[strings.LastIndexByte(id, '#')+1:]
}

type getIdentity struct{ *settings }

func (*getIdentity) ID() string { return "GetIdentity" }

func (m *getIdentity) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	return handleFinalize(ctx, in, next, m.resolve)
}

func (m *getIdentity) resolve(ctx context.Context, req *smithyhttp.Request) error {
	attempt, err := attemptOf(ctx)
	if err != nil {
		return err
	}
	identity, err := m.identity(ctx, attempt)
	if err != nil {
		return err
	}
	attempt.identity = identity
	if m.logs(ctx) {
		call := callOf(ctx)
		call.learnIdentity(identity)
		call.learn(req, ownBody(req))
	}
	return nil
}

func (m *getIdentity) identity(ctx context.Context, attempt *attemptContext) (smithyauth.Identity, error) {
	spanCtx, span := m.startSpan(ctx, "GetIdentity")
	defer span.End()

	resolver := m.identityResolver(attempt.scheme)
	if resolver == nil {
		return nil, errors.New("no identity resolver")
	}
	stop := m.timer(ctx, resolveIdentityDuration, attempt.scheme)
	identity, err := resolver.GetIdentity(spanCtx, attempt.identityProperties())
	stop()
	if err != nil {
		return nil, fmt.Errorf("get identity: %w", err)
	}
	return identity, nil
}
