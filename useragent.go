package lambdamicrovms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// version is the module's version in the User-Agent header.
const version = "0.1.0"

const userAgentHeader = "User-Agent"

// newUserAgent returns the SDK's middleware, which APIOptions look for by its type.
func newUserAgent(o *Options, feature callFeature) *awsmiddleware.RequestUserAgent {
	ua := awsmiddleware.NewRequestUserAgent()
	ua.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "lambdamicrovms", version)
	if o.AppID != "" {
		ua.AddSDKAgentKey(awsmiddleware.ApplicationIdentifier, o.AppID)
	}
	switch o.Retryer.(type) {
	case *retry.Standard:
		ua.AddUserAgentFeature(awsmiddleware.UserAgentFeatureRetryModeStandard)
	case *retry.AdaptiveMode:
		ua.AddUserAgentFeature(awsmiddleware.UserAgentFeatureRetryModeAdaptive)
	}
	if source, ok := o.Credentials.(aws.CredentialProviderSource); ok {
		for _, s := range source.ProviderSources() {
			ua.AddCredentialsSource(s)
		}
	}
	switch feature {
	case featureWaiter:
		ua.AddUserAgentFeature(awsmiddleware.UserAgentFeatureWaiter)
	case featurePaginator:
		ua.AddUserAgentFeature(awsmiddleware.UserAgentFeaturePaginator)
	}
	return ua
}

// fixedUserAgent does what the SDK's middleware does, with its text made once.
type fixedUserAgent struct {
	text string
}

func fixUserAgent(ua *awsmiddleware.RequestUserAgent) (*fixedUserAgent, error) {
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	_, _, err := ua.HandleBuild(context.Background(), middleware.BuildInput{Request: request},
		middleware.BuildHandlerFunc(func(context.Context, middleware.BuildInput) (middleware.BuildOutput, middleware.Metadata, error) {
			return middleware.BuildOutput{}, middleware.Metadata{}, nil
		}))
	return &fixedUserAgent{text: request.Header.Get(userAgentHeader)}, err
}

func (*fixedUserAgent) ID() string { return (*awsmiddleware.RequestUserAgent)(nil).ID() }

func (m *fixedUserAgent) HandleBuild(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
	out middleware.BuildOutput, metadata middleware.Metadata, err error,
) {
	req, err := httpRequest(in.Request)
	if err != nil {
		return out, metadata, err
	}
	text := m.text
	if set := req.Header.Get(userAgentHeader); set != "" {
		text += " " + set
	}
	req.Header[userAgentHeader] = []string{text}
	return next.HandleBuild(ctx, in)
}

// fixUserAgents replaces the SDK's middleware in a stack that is about to be compiled.
func fixUserAgents(step *middleware.BuildStep) error {
	id := (*awsmiddleware.RequestUserAgent)(nil).ID()
	m, _ := step.Get(id)
	ua, ok := m.(*awsmiddleware.RequestUserAgent)
	if !ok {
		return fmt.Errorf("middleware %s is a %T", id, m)
	}
	fixed, err := fixUserAgent(ua)
	if err != nil {
		return err
	}
	_, err = step.Swap(id, fixed)
	return err
}

// invocationID does what the SDK's ClientRequestID does, with fewer allocations.
type invocationID struct{}

const invocationIDHeader = "Amz-Sdk-Invocation-Id"

func (*invocationID) ID() string { return (*awsmiddleware.ClientRequestID)(nil).ID() }

func (*invocationID) HandleBuild(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
	out middleware.BuildOutput, metadata middleware.Metadata, err error,
) {
	req, err := httpRequest(in.Request)
	if err != nil {
		return out, metadata, err
	}
	req.Header[invocationIDHeader] = []string{newUUID()}
	return next.HandleBuild(ctx, in)
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	var text [36]byte
	for at, from := 0, 0; from < len(id); at, from = at+2, from+1 {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:], id[from:from+1])
	}
	return string(text[:])
}

// swapInvocationID replaces the SDK's middleware in a stack that is about to be compiled.
func swapInvocationID(step *middleware.BuildStep) error {
	_, err := step.Swap((*invocationID)(nil).ID(), &invocationID{})
	return err
}
