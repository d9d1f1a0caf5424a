package lambdamicrovms_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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
