package cli

import (
	"context"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// Setup is where the configuration comes from.
type Setup struct {
	Profile string
	Files   []SetupFile
	Err     error // the profile cannot be found or read
}

// SetupFile is a configuration file of the AWS CLI.
type SetupFile struct {
	Path  string
	Found bool
}

// Setup returns where the configuration comes from. It sends nothing.
func (s *Session) Setup() Setup {
	setup := Setup{Profile: s.settings.profile, Err: s.unusable}
	for _, path := range []string{s.env.file("AWS_CONFIG_FILE", "config"), s.env.file("AWS_SHARED_CREDENTIALS_FILE", "credentials")} {
		_, err := os.Stat(path)
		setup.Files = append(setup.Files, SetupFile{Path: path, Found: err == nil})
	}
	return setup
}

// Endpoint returns the endpoint of the service, without credentials that its URL may
// hold.
func (s *Session) Endpoint(ctx context.Context) (string, error) {
	client, err := s.Client(ctx)
	if err != nil {
		return "", err
	}
	options := client.Options()
	region, fips := partition.TrimFIPS(options.Region)
	params := lambdamicrovms.EndpointParameters{
		Region: &region, Endpoint: options.BaseEndpoint,
		UseFIPS:      aws.Bool(fips || options.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(options.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	}
	endpoint, err := lambdamicrovms.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, params)
	if err != nil {
		return "", err
	}
	plain := url.URL{Scheme: endpoint.URI.Scheme, Host: endpoint.URI.Host, Path: endpoint.URI.Path}
	return plain.String(), nil
}
