package lambdamicrovms_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// A server computes the signature from the request that it receives, including the host.
func TestSignatureIsOfTheHostThatIsSent(t *testing.T) {
	tests := map[string]struct{ endpoint, dialed, host string }{
		"name":                    {"http://own.example", "own.example:80", "own.example"},
		"name, default port":      {"http://own.example:80", "own.example:80", "own.example"},
		"name, port":              {"http://own.example:8080", "own.example:8080", "own.example:8080"},
		"IPv4, default port":      {"http://127.0.0.1:80", "127.0.0.1:80", "127.0.0.1"},
		"IPv6":                    {"http://[::1]", "[::1]:80", "[::1]"},
		"IPv6, default port":      {"http://[::1]:80", "[::1]:80", "[::1]"},
		"IPv6, port":              {"http://[::1]:8080", "[::1]:8080", "[::1]:8080"},
		"IPv6, ending in 80":      {"http://[::80]", "[::80]:80", "[::80]"},
		"IPv6, the other port":    {"http://[::1]:443", "[::1]:443", "[::1]:443"},
		"zone":                    {"http://[fe80::1%25eth0]", "[fe80::1%eth0]:80", "[fe80::1]"},
		"zone, default port":      {"http://[fe80::1%25eth0]:80", "[fe80::1%eth0]:80", "[fe80::1]"},
		"zone, port":              {"http://[fe80::1%25eth0]:8080", "[fe80::1%eth0]:8080", "[fe80::1]:8080"},
		"umlaut":                  {"http://bücher.example", "xn--bcher-kva.example:80", "xn--bcher-kva.example"},
		"umlaut, capital":         {"http://BÜCHER.example", "xn--bcher-kva.example:80", "xn--bcher-kva.example"},
		"umlaut, escaped":         {"http://b%C3%BCcher.example:80", "xn--bcher-kva.example:80", "xn--bcher-kva.example"},
		"umlaut, port":            {"http://bücher.example:8080", "xn--bcher-kva.example:8080", "xn--bcher-kva.example:8080"},
		"Japanese":                {"http://日本語.example", "xn--wgv71a119e.example:80", "xn--wgv71a119e.example"},
		"already in ASCII":        {"http://xn--bcher-kva.example", "xn--bcher-kva.example:80", "xn--bcher-kva.example"},
		"capitals":                {"http://OWN.example", "OWN.example:80", "OWN.example"},
		"default port of nothing": {"http://own.example:", "own.example:80", "own.example:"},
	}
	for name, test := range tests {
		for _, path := range []string{"compiled", "assembled"} {
			for signer, option := range map[string]func(*lambdamicrovms.Options){
				"own signer":   func(*lambdamicrovms.Options) {},
				"SDK's signer": func(o *lambdamicrovms.Options) { o.HTTPSignerV4 = sdkSigner{v4.NewSigner()} },
			} {
				t.Run(name+"/"+path+"/"+signer, func(t *testing.T) {
					var received *http.Request
					server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						received = r
						_, _ = io.WriteString(w, "{}")
					}))
					defer server.Close()
					var dialed string
					transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
						dialed = address
						return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
					}}
					defer transport.CloseIdleConnections()
					client := lambdamicrovms.New(lambdamicrovms.Options{
						Region: "us-east-1", Credentials: staticCredentials, Retryer: aws.NopRetryer{},
						BaseEndpoint: &test.endpoint, HTTPClient: &http.Client{Transport: transport},
					}, option)
					var options []func(*lambdamicrovms.Options)
					if path == "assembled" {
						options = append(options, func(*lambdamicrovms.Options) {})
					}
					if _, err := client.ListMicroVMs(context.Background(), nil, options...); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff([]string{test.dialed, test.host}, []string{dialed, received.Host}); diff != "" {
						t.Errorf("dialed and Host, -want +got:\n%s", diff)
					}
					if want := signatureOf(t, received); received.Header.Get("Authorization") != want {
						t.Errorf("signed %s\nwant   %s", received.Header.Get("Authorization"), want)
					}
				})
			}
		}
	}
}

// sdkSigner hides the type of the SDK's signer.
type sdkSigner struct{ *v4.Signer }

// signatureOf signs a received request without a body, as a server does to verify it.
func signatureOf(t *testing.T, received *http.Request) string {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", received.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: received.Method, URL: &url.URL{Scheme: "other", Host: received.Host, Path: received.URL.Path, RawPath: received.URL.RawPath}, Header: http.Header{}}
	for _, name := range signedHeaders(received) {
		if value, ok := received.Header[http.CanonicalHeaderKey(name)]; ok {
			r.Header[http.CanonicalHeaderKey(name)] = value
		}
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	credentials, err := staticCredentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, empty, "lambda", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r.Header.Get("Authorization")
}

func signedHeaders(r *http.Request) []string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ := strings.Cut(rest, ",")
	return strings.Split(list, ";")
}

// URLs that net/http cannot send to are rejected before signing, retries and
// HTTPClient.Do.
func TestEndpointsThatAreNeverSent(t *testing.T) {
	resolved := func(u url.URL) func(*lambdamicrovms.Options) {
		return func(o *lambdamicrovms.Options) {
			o.EndpointResolverV2 = resolverFunc(func(lambdamicrovms.EndpointParameters) (smithyendpoints.Endpoint, error) {
				return smithyendpoints.Endpoint{URI: u}, nil
			})
		}
	}
	based := func(endpoint string) func(*lambdamicrovms.Options) {
		return func(o *lambdamicrovms.Options) { o.BaseEndpoint = &endpoint }
	}
	tests := map[string]func(*lambdamicrovms.Options){
		"ftp":             based("ftp://own.example"),
		"unix":            based("unix://socket/path"),
		"ws":              based("wss://own.example"),
		"file":            based("file://own.example/etc/passwd"),
		"resolver, ftp":   resolved(url.URL{Scheme: "ftp", Host: "own.example"}),
		"resolver, none":  resolved(url.URL{Host: "own.example"}),
		"resolver, host":  resolved(url.URL{Scheme: "https"}),
		"resolver, port":  resolved(url.URL{Scheme: "https", Host: ":443"}),
		"name that is no": based("http://a\u200db\u0000.example"),
	}
	for name, option := range tests {
		for _, level := range []string{"client", "call"} {
			t.Run(fmt.Sprint(name, " of the ", level), func(t *testing.T) {
				sent := 0
				do := func(*http.Request) (*http.Response, error) {
					sent++
					return newResponse(http.StatusOK, nil, "{}"), nil
				}
				var err error
				if level == "client" {
					_, err = stubbed(do, eager, option).UpdateMicroVMImage(context.Background(), updateInput())
				} else {
					_, err = stubbed(do, eager).UpdateMicroVMImage(context.Background(), updateInput(), option)
				}
				if err == nil || sent != 0 || clienttest.IsErrorAs[*lambdamicrovms.UncertainError](err) {
					t.Errorf("%d requests, error %v", sent, err)
				}
			})
		}
	}
}
