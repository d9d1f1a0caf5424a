package fake

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// WithAccount sets the account of callers whose access key nothing is known of, twelve digits. The
// default is 123456789012.
func WithAccount(id string) Option {
	return func(c *config) { c.account = id }
}

// WithCredentials makes more callers known: each acts in the account of its AccountID, or in that of
// WithAccount without one. Accounts see nothing of each other.
func WithCredentials(credentials ...aws.Credentials) Option {
	return func(c *config) { c.credentials = append(c.credentials, credentials...) }
}

// Credentials returns credentials of the server's account, for a client that Options does not fit.
func (s *Server) Credentials() aws.CredentialsProvider {
	credentials := s.config.ownCredentials()
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
}

func (c *config) ownCredentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     c.accessKey,
		SecretAccessKey: c.secretKey,
		Source:          "fake",
		AccountID:       c.account,
	}
}

// credentialsOf returns what belongs to an access key.
func (s *Server) credentialsOf(accessKey string) (aws.Credentials, bool) {
	i := slices.IndexFunc(s.config.credentials, func(c aws.Credentials) bool { return c.AccessKeyID == accessKey })
	if i >= 0 {
		return s.config.credentials[i], true
	}
	own := s.config.ownCredentials()
	return own, own.AccessKeyID == accessKey
}

// accountOf returns the account that an access key acts in.
func (s *Server) accountOf(accessKey string) string {
	if credentials, _ := s.credentialsOf(accessKey); credentials.AccountID != "" {
		return credentials.AccountID
	}
	return s.config.account
}
