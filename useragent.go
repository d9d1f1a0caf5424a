package lambdamicrovms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// version is this module's, as the User-Agent header names it.
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
