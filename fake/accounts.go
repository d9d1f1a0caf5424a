package fake

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// WithAccount sets the account of callers with an unknown access key. The default is
// 123456789012.
func WithAccount(id string) Option {
	return func(c *config) { c.account = id }
}

// WithCredentials adds callers. Each acts in the account of its AccountID, or without one
// in that of [WithAccount]. Accounts do not see each other's resources.
func WithCredentials(credentials ...aws.Credentials) Option {
	return func(c *config) { c.credentials = append(c.credentials, credentials...) }
}

// Credentials returns credentials for the server's account. [Server.Options] contains
// them.
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

// credentialsOf returns the credentials of an access key.
func (s *Server) credentialsOf(accessKey string) (aws.Credentials, bool) {
	i := slices.IndexFunc(s.config.credentials, func(c aws.Credentials) bool { return c.AccessKeyID == accessKey })
	if i >= 0 {
		return s.config.credentials[i], true
	}
	own := s.config.ownCredentials()
	return own, own.AccessKeyID == accessKey
}

// accountOf returns the account of an access key.
func (s *Server) accountOf(accessKey string) string {
	if credentials, _ := s.credentialsOf(accessKey); credentials.AccountID != "" {
		return credentials.AccountID
	}
	return s.config.account
}
