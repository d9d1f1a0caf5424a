package lambdamicrovms_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// fuzzedSources is a source of configuration with the methods of those of
// config.LoadDefaultConfig.
type fuzzedSources struct {
	fips      aws.FIPSEndpointState
	dualStack aws.DualStackEndpointState
	endpoint  *string
}

func (s fuzzedSources) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return s.fips, true, nil
}

func (s fuzzedSources) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return s.dualStack, true, nil
}

func (s fuzzedSources) GetServiceBaseEndpoint(context.Context, string) (string, bool, error) {
	if s.endpoint == nil {
		return "", false, nil
	}
	return *s.endpoint, true, nil
}

var (
	serviceHost = regexp.MustCompile(`^lambda(-fips)?\.([^.]*)\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|` +
		`api\.aws|api\.amazonwebservices\.com\.cn|api\.amazonwebservices\.eu|api\.aws\.ic\.gov|api\.aws\.scloud|api\.cloud-aws\.adc-e\.uk|api\.aws\.hci\.ic\.gov)$`)
)

// Whatever the configuration contains, a request goes to lambda.<region>.<a domain of
// AWS> or to the given endpoint, or fails. It is signed for exactly the region. The
// flags: 1 FIPS, 2 dual-stack, 4 plain HTTP, 8 an explicit endpoint, 16 all of that from
// the sources of an aws.Config.
func FuzzEndpoint(f *testing.F) {
	f.Setenv("AWS_ENDPOINT_URL", "") // which gives it back in the end: set, it would rank above the sources
	if err := os.Unsetenv("AWS_ENDPOINT_URL"); err != nil {
		f.Fatal(err)
	}
	for flags := range byte(8) {
		f.Add("us-east-1", "", flags)
		f.Add("cn-north-1", "", flags+16)
	}
	for _, region := range []string{
		"us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1", "aws-global", "aws-cn-global",
		"fips-us-east-1", "us-fips-east-1", "fips-", "-fips", "evil.com/", "a@b", "-a", "", "local", strings.Repeat("a", 64),
	} {
		f.Add(region, "", byte(0))
		f.Add(region, "https://localhost:8443/base", byte(24))
	}
	for _, endpoint := range []string{
		"http://localhost:8080", "https://user:hunter2@proxy.example/a%2Fb/?q#f", "//host", "localhost:80", "http://[::1]:1/", "http://%zz", "https://a b", "file:///x", "",
	} {
		f.Add("us-east-1", endpoint, byte(8))
	}
	f.Fuzz(func(t *testing.T, region, endpoint string, flags byte) {
		source := fuzzedSources{fips: aws.FIPSEndpointStateDisabled, dualStack: aws.DualStackEndpointStateDisabled}
		if flags&1 != 0 {
			source.fips = aws.FIPSEndpointStateEnabled
		}
		if flags&2 != 0 {
			source.dualStack = aws.DualStackEndpointStateEnabled
		}
		plain := flags&4 != 0
		if flags&8 != 0 {
			source.endpoint = &endpoint
		}
		var got *http.Request
		do := httpFunc(func(r *http.Request) (*http.Response, error) {
			got = r
			return newResponse(http.StatusOK, nil, `{}`), nil
		})
		client := stubbed(do, func(o *lambdamicrovms.Options) {
			o.Region, o.BaseEndpoint = region, source.endpoint
			o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = source.fips, source.dualStack
			o.EndpointOptions.DisableHTTPS = plain
		})
		if flags&16 != 0 {
			client = lambdamicrovms.NewFromConfig(aws.Config{
				Region: region, Credentials: staticCredentials, HTTPClient: do, ConfigSources: []any{source},
			}, func(o *lambdamicrovms.Options) { o.EndpointOptions.DisableHTTPS = plain })
		}
		_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")})
		asked, askedErr := lambdamicrovms.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), lambdamicrovms.EndpointParameters{
			Region: &region, UseFIPS: aws.Bool(flags&1 != 0), UseDualStack: aws.Bool(flags&2 != 0), Endpoint: source.endpoint,
		})
		for _, err := range []error{err, askedErr} {
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds a password: %v", err)
			}
		}
		if (got == nil) == (err == nil) {
			t.Fatalf("request %v, error %v", got, err)
		}
		if askedErr == nil && source.endpoint == nil && !isServiceHost(asked.URI.Host, region) {
			t.Errorf("region %q: the resolver says %s", region, asked.URI.Host)
		}
		if got == nil {
			return
		}

		where, scheme := &url.URL{}, "https"
		if source.endpoint == nil {
			if !isServiceHost(got.URL.Host, region) {
				t.Errorf("region %q: the host is %s", region, got.URL.Host)
			}
		} else {
			if where, err = url.Parse(endpoint); err != nil {
				t.Fatalf("%q was taken for a URL: %v", endpoint, err)
			}
			scheme = where.Scheme
			if plain {
				scheme = "http"
			}
			if want := hostOf(scheme, where.Host); flags&3 != 0 || got.URL.Host != want || want == "" {
				t.Errorf("endpoint %q, flags %b: the host is %s", endpoint, flags, got.URL.Host)
			}
		}
		if plain {
			scheme = "http"
		}
		host := strings.TrimSuffix(got.URL.Host, map[string]string{"https": ":443", "http": ":80"}[scheme]) // which the signer leaves out
		if got.URL.Scheme != scheme || got.Host != "" && got.Host != got.URL.Host && got.Host != host || got.URL.User != nil || got.URL.RawQuery != "" || got.URL.Fragment != "" {
			t.Errorf("endpoint %q: the request goes to %s, host %s", endpoint, got.URL, got.Host)
		}
		if !strings.HasPrefix(got.URL.Path, where.Path) || !strings.HasSuffix(got.URL.EscapedPath(), "/2025-09-09/microvms/microvm-1") {
			t.Errorf("endpoint %q: the path is %s", endpoint, got.URL.EscapedPath())
		}
		_, scope, _ := strings.Cut(got.Header.Get("Authorization"), "Credential=AKID/")
		scope, _, _ = strings.Cut(scope, ",")
		if parts := strings.Split(scope, "/"); len(parts) != 4 || !isRegionOf(parts[1], region) || parts[2] != "lambda" {
			t.Errorf("region %q: signed for %s", region, scope)
		}
	})
}

// hostOf returns the host that a request to an endpoint must have: unchanged for an ASCII
// name, otherwise without a default port.
func hostOf(scheme, host string) string {
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:") == "" {
		return host
	}
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	if strings.HasPrefix(host, "[") {
		return host
	}
	return strings.ToLower(host)
}

func isServiceHost(host, region string) bool {
	parts := serviceHost.FindStringSubmatch(host)
	return parts != nil && clienttest.IsHostLabel(parts[2]) && isRegionOf(parts[2], region)
}

// isRegionOf reports whether the label is the region, with or without its FIPS mark.
func isRegionOf(label, region string) bool {
	if label == region {
		return true
	}
	if !strings.Contains(region, "fips") {
		return false
	}
	for _, c := range []byte(label) { // the remaining bytes must keep their order
		i := strings.IndexByte(region, c)
		if i < 0 {
			return false
		}
		region = region[i+1:]
	}
	return true
}
