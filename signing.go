package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/sigv4"
)

// sigV4Scheme is the client's own auth scheme. Unlike a scheme of the caller it is
// replaced when a call changes the signer or the logger.
type sigV4Scheme struct {
	signer sigV4Signer
}

func newSigV4Scheme(o *Options) *sigV4Scheme {
	var logger logging.Logger = redactingLogger{loggerOfCalls(o)}
	log := o.ClientLogMode.IsSigning()
	return &sigV4Scheme{sigV4Signer{signer: o.HTTPSignerV4, options: [...]func(*v4.SignerOptions){
		func(o *v4.SignerOptions) { o.Logger, o.LogSigning, o.DisableURIPathEscaping = logger, log, false },
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true },
	}}}
}

// useOrdinarySigner lets our own auth scheme sign ordinary requests with internal/sigv4,
// unless the caller has chosen a signer or wants to see what the SDK's signer logs.
func (o *Options) useOrdinarySigner() {
	records, _ := o.Logger.(recordLogger)
	if o.HTTPSignerV4 != o.defaultSigner || o.ClientLogMode.IsSigning() && records == nil {
		return
	}
	o.AuthSchemes = slices.Clone(o.AuthSchemes)
	for i, scheme := range o.AuthSchemes {
		if own, ok := scheme.(*sigV4Scheme); ok {
			copied := *own
			copied.signer.ordinary = new(sigv4.Signer)
			if o.ClientLogMode.IsSigning() {
				copied.signer.records = records
			}
			o.AuthSchemes[i] = &copied
		}
	}
}

func (*sigV4Scheme) SchemeID() string { return smithyauth.SchemeIDSigV4 }

func (s *sigV4Scheme) IdentityResolver(o smithyauth.IdentityResolverOptions) smithyauth.IdentityResolver {
	return o.GetIdentityResolver(s.SchemeID())
}

func (s *sigV4Scheme) Signer() smithyhttp.Signer { return &s.signer }

type sigV4Signer struct {
	signer HTTPSignerV4
	// ordinary, if set, signs all requests that it does not decline.
	ordinary *sigv4.Signer
	// records is nil unless signing is logged. If it logs at level Debug, the SDK's signer
	// signs, because ours does not log.
	records recordLogger
	// options are the signer options: the first for all requests, the second for those
	// whose path is escaped once.
	options [2]func(*v4.SignerOptions)
}

func (s *sigV4Signer) SignRequest(ctx context.Context, r *smithyhttp.Request, identity smithyauth.Identity, props smithy.Properties) error {
	credentials, ok := identity.(*credentialsIdentity)
	if !ok {
		return fmt.Errorf("unexpected identity type: %T", identity)
	}
	name, ok := smithyhttp.GetSigV4SigningName(&props)
	if !ok {
		return errors.New("sigv4 signing name is required")
	}
	region, ok := smithyhttp.GetSigV4SigningRegion(&props)
	if !ok {
		return errors.New("sigv4 signing region is required")
	}
	now := time.Now().Add(callOf(ctx).clockSkew())
	hash := payloadHash(ctx)
	singleEncoding, _ := smithyhttp.GetDisableDoubleEncoding(&props)
	logs := s.records != nil && s.records.enabled(ctx, slog.LevelDebug)
	if s.ordinary != nil && !singleEncoding && !logs &&
		s.ordinary.Sign(&credentials.Credentials, r.Request, hash, name, region, now) {
		return nil
	}
	options := s.options[:1:1] // signers may append to it
	if singleEncoding {
		options = s.options[:2:2]
	}
	err := s.signer.SignHTTP(ctx, credentials.Credentials, r.Request, hash, name, region, now, options...)
	if err != nil {
		return fmt.Errorf("sign http: %w", err)
	}
	return nil
}

// setSigningOptions uses the signing name and region that middleware has put into the
// context with deprecated functions.
type setSigningOptions struct{}

func (*setSigningOptions) ID() string { return "setLegacyContextSigningOptions" }

func (m *setSigningOptions) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	return handleFinalize(ctx, in, next, m.apply)
}

func (*setSigningOptions) apply(ctx context.Context, _ *smithyhttp.Request) error {
	attempt, err := attemptOf(ctx)
	if err != nil {
		return err
	}
	if attempt.stackKey != nil {
		ctx = attempt.Context // a look-up in attempt would allocate a context for the payload hash
	}
	name, region := awsmiddleware.GetSigningName(ctx), awsmiddleware.GetSigningRegion(ctx) //nolint:staticcheck // deprecated, but in use
	switch attempt.scheme.SchemeID() {
	case smithyauth.SchemeIDSigV4:
		if name != "" {
			smithyhttp.SetSigV4SigningName(attempt.ownSignerProperties(), name)
		}
		if region != "" {
			smithyhttp.SetSigV4SigningRegion(attempt.ownSignerProperties(), region)
		}
	case smithyauth.SchemeIDSigV4A:
		if name != "" {
			smithyhttp.SetSigV4ASigningName(attempt.ownSignerProperties(), name)
		}
		if region != "" {
			smithyhttp.SetSigV4ASigningRegions(attempt.ownSignerProperties(), []string{region})
		}
	}
	return nil
}

// computePayloadHash replaces the SDK's middleware: it hashes the body in memory, and
// once for all attempts.
type computePayloadHash struct {
	*settings
	sdk v4.ComputePayloadSHA256
	// stackKey is set in compiled chains. Their attemptContext holds the hash, and makes
	// the SDK's context value only if user code looks it up.
	stackKey any
}

// emptyPayloadHash is the hash of no body.
const emptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func (*computePayloadHash) ID() string { return (*v4.ComputePayloadSHA256)(nil).ID() }

func (m *computePayloadHash) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, metadata middleware.Metadata, err error,
) {
	req, err := httpRequest(in.Request)
	if err != nil {
		return out, metadata, err
	}
	body, own := req.GetStream().(*requestBody)
	if !own && req.GetStream() != nil || v4.GetPayloadHash(ctx) != "" {
		return m.sdk.HandleFinalize(ctx, in, next)
	}
	_, span := m.startSpan(ctx, "ComputePayloadSHA256")
	hash := emptyPayloadHash
	if own {
		hash = body.hash()
	}
	span.End()
	if attempt, direct := ctx.(*attemptContext); direct && m.stackKey != nil {
		attempt.payloadHash, attempt.stackKey = hash, m.stackKey
	} else {
		ctx = v4.SetPayloadHash(ctx, hash)
	}
	return next.HandleFinalize(ctx, in)
}

// payloadHash is v4.GetPayloadHash, at less cost in compiled chains.
func payloadHash(ctx context.Context) string {
	if attempt, err := attemptOf(ctx); err == nil && attempt.stackKey != nil {
		return attempt.payloadHash
	}
	return v4.GetPayloadHash(ctx)
}

// keepPayloadHash makes computePayloadHash keep the hash in the attemptContext, in a step
// of a stack that is about to be compiled. The SDK does not export the context key of
// stack values, so keepPayloadHash learns it from a look-up.
func keepPayloadHash(step *middleware.FinalizeStep) {
	m, _ := step.Get((*computePayloadHash)(nil).ID())
	if compute, ok := m.(*computePayloadHash); ok {
		asked := &askedContext{Context: context.Background()}
		v4.GetPayloadHash(asked)
		compute.stackKey = asked.key
	}
}

// askedContext records the key of the last look-up.
type askedContext struct {
	context.Context
	key any
}

func (c *askedContext) Value(key any) any {
	c.key = key
	return nil
}

type signRequest struct{ *settings }

func (*signRequest) ID() string { return "Signing" }

func (m *signRequest) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	return handleFinalize(ctx, in, next, m.sign)
}

func (m *signRequest) sign(ctx context.Context, req *smithyhttp.Request) error {
	_, span := m.startSpan(ctx, "SignRequest")
	defer span.End()

	attempt, err := attemptOf(ctx)
	if err != nil {
		return err
	}
	if attempt.identity == nil {
		return errors.New("no identity")
	}
	signer := attempt.scheme.Signer()
	if signer == nil {
		return errors.New("no signer")
	}
	connectable, err := setWireHost(req.Request)
	if err != nil {
		return err
	}
	stop := m.timer(ctx, signRequestDuration, attempt.scheme)
	err = signer.SignRequest(ctx, req, attempt.identity, attempt.signerProperties())
	stop()
	connectable()
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	return nil
}
