package lambdamicrovms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
)

func TestSigning(t *testing.T) {
	other := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "OTHER", SecretAccessKey: "SECRET"}, nil
	})
	type options = []func(*lambdamicrovms.Options)
	const plain = "AKID for lambda in us-east-1"
	tests := map[string]struct {
		options options
		want    string
	}{
		"plain":             {nil, plain},
		"signing name":      {options{lambdamicrovms.WithSigV4SigningName("own")}, "AKID for own in us-east-1"},
		"signing region":    {options{lambdamicrovms.WithSigV4SigningRegion("eu-west-1")}, "AKID for lambda in eu-west-1"},
		"other region":      {options{func(o *lambdamicrovms.Options) { o.Region = "eu-west-1" }}, "AKID for lambda in eu-west-1"},
		"other credentials": {options{func(o *lambdamicrovms.Options) { o.Credentials = other }}, "OTHER for lambda in us-east-1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			client := stubbed(
				func(*http.Request) (*http.Response, error) { return newResponse(http.StatusNoContent, nil, ""), nil },
				func(o *lambdamicrovms.Options) {
					o.HTTPSignerV4 = signerFunc(func(c signCall) {
						got = append(got, c.accessKey+" for "+c.service+" in "+c.region)
						if c.payloadHash != tagBodyHash {
							t.Errorf("payload hash %s, want %s", c.payloadHash, tagBodyHash)
						}
					})
				},
			)
			for _, options := range []options{test.options, nil} {
				if _, err := client.TagResource(context.Background(), tagInput(), options...); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff([]string{test.want, plain}, got); diff != "" {
				t.Errorf("a call with the options and one without, -want +got:\n%s", diff)
			}
		})
	}
}

const (
	tagBody     = `{"Tags":{"team":"blue"}}`
	tagBodyHash = "91b6b341ba722f0eea9ddb749421716e46e7684a07184771a89a36eeba03e856"
)

func tagInput() *lambdamicrovms.TagResourceInput {
	return &lambdamicrovms.TagResourceInput{
		Resource: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:web"),
		Tags:     map[string]string{"team": "blue"},
	}
}

// A call's signer replaces the client's signer, but not that of a caller's auth scheme.
func TestSignerOfCall(t *testing.T) {
	var signed []string
	signer := func(name string) func(*lambdamicrovms.Options) {
		return func(o *lambdamicrovms.Options) {
			o.HTTPSignerV4 = signerFunc(func(signCall) { signed = append(signed, name) })
		}
	}
	client := stubbed(func(*http.Request) (*http.Response, error) { return newResponse(http.StatusOK, nil, `{}`), nil }, signer("client"))
	for _, options := range [][]func(*lambdamicrovms.Options){nil, {signer("call")}, nil} {
		if _, err := client.ListMicroVMs(context.Background(), nil, options...); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(signed, " "); got != "client call client" {
		t.Errorf("signed by %s, want client call client", got)
	}
}

// The signature must cover exactly the request that is sent. The SDK's signer signs it
// again.
func TestSignatureIsOfTheRequest(t *testing.T) {
	var sent *http.Request
	client := stubbed(func(r *http.Request) (*http.Response, error) {
		sent = r
		return newResponse(http.StatusOK, nil, `{}`), nil
	})
	if _, err := client.TagResource(context.Background(), tagInput()); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := http.NewRequest(sent.Method, sent.URL.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	again.ContentLength = int64(len(tagBody))
	for name := range sent.Header {
		if name != "Authorization" {
			again.Header.Set(name, sent.Header.Get(name))
		}
	}
	credentials, _ := staticCredentials.Retrieve(context.Background())
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, tagBodyHash, "lambda", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	if got, want := sent.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		t.Errorf("signed\n%s\nwant\n%s", got, want)
	}
}

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
