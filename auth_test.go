package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
)

func TestAnonymous(t *testing.T) {
	for name, option := range map[string]func(*lambdamicrovms.Options){
		"no credentials":        func(o *lambdamicrovms.Options) { o.Credentials = nil },
		"anonymous credentials": func(o *lambdamicrovms.Options) { o.Credentials = aws.AnonymousCredentials{} },
	} {
		for _, level := range []string{"client", "call"} {
			t.Run(name+" of the "+level, func(t *testing.T) {
				var header http.Header
				do := func(r *http.Request) (*http.Response, error) {
					header = r.Header
					return newResponse(http.StatusOK, nil, `{}`), nil
				}
				var err error
				if level == "client" {
					_, err = stubbed(do, option).ListMicroVMs(context.Background(), nil)
				} else {
					_, err = stubbed(do).ListMicroVMs(context.Background(), nil, option)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := header.Get("Authorization"); got != "" {
					t.Errorf("signed with %q", got)
				}
			})
		}
	}
}

// bearerScheme is an auth scheme of the caller.
type bearerScheme struct{}

func (bearerScheme) SchemeID() string { return smithyauth.SchemeIDHTTPBearer }

func (bearerScheme) IdentityResolver(smithyauth.IdentityResolverOptions) smithyauth.IdentityResolver {
	return &smithyauth.AnonymousIdentityResolver{}
}

func (bearerScheme) Signer() smithyhttp.Signer { return bearerScheme{} }

func (bearerScheme) SignRequest(_ context.Context, r *smithyhttp.Request, _ smithyauth.Identity, _ smithy.Properties) error {
	r.Header.Set("Authorization", "Bearer token")
	return nil
}

type schemeResolver []string

func (s schemeResolver) ResolveAuthSchemes(_ context.Context, p *lambdamicrovms.AuthResolverParameters) ([]*smithyauth.Option, error) {
	if p.Operation != "ListMicrovms" || p.Region != "us-east-1" {
		return nil, fmt.Errorf("asked for %+v", *p)
	}
	var options []*smithyauth.Option
	for _, id := range s {
		option := &smithyauth.Option{SchemeID: id}
		smithyhttp.SetSigV4SigningName(&option.SignerProperties, "lambda")
		smithyhttp.SetSigV4SigningRegion(&option.SignerProperties, p.Region)
		options = append(options, option)
	}
	return options, nil
}

func TestAuthSchemes(t *testing.T) {
	both := schemeResolver{smithyauth.SchemeIDSigV4, smithyauth.SchemeIDHTTPBearer}
	tests := map[string]struct {
		resolver   lambdamicrovms.AuthSchemeResolver
		preference []string
		want       string // how the Authorization header begins
		err        string
	}{
		"first of the resolver":     {resolver: both, want: "AWS4-HMAC-SHA256 "},
		"preferred":                 {resolver: both, preference: []string{"httpBearerAuth"}, want: "Bearer "},
		"preferred but not offered": {preference: []string{"httpBearerAuth", "sigv4"}, want: "AWS4-HMAC-SHA256 "},
		"unknown to the client":     {resolver: schemeResolver{smithyauth.SchemeIDHTTPBasic, smithyauth.SchemeIDHTTPBearer}, want: "Bearer "},
		"none":                      {resolver: schemeResolver{smithyauth.SchemeIDHTTPBasic}, err: "could not select an auth scheme"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got string
			client := stubbed(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Get("Authorization")
				return newResponse(http.StatusOK, nil, `{}`), nil
			})
			// The client's own scheme stays, before the caller's.
			schemes := slices.Concat(client.Options().AuthSchemes, []smithyhttp.AuthScheme{bearerScheme{}})
			_, err := client.ListMicroVMs(context.Background(), nil, func(o *lambdamicrovms.Options) {
				o.AuthSchemes, o.AuthSchemePreference = schemes, test.preference
				if test.resolver != nil {
					o.AuthSchemeResolver = test.resolver
				}
			})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil || !strings.HasPrefix(got, test.want) {
				t.Errorf("Authorization %q, %v; want %q…", got, err, test.want)
			}
		})
	}
}

func TestCredentialsFail(t *testing.T) {
	broken := errors.New("no credentials to be had")
	client := stubbed(nil, func(o *lambdamicrovms.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{SecretAccessKey: "SECRET"}, broken
		})
	})
	_, err := client.ListMicroVMs(context.Background(), nil)
	if !errors.Is(err, broken) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("got %v, want %v", err, broken)
	}
}
