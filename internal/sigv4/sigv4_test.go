package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/sigv4"
)

// signed is what a signer may change in a request.
type signed struct {
	Header http.Header
	URL    url.URL
	Host   string
}

func outcome(r *http.Request) signed { return signed{Header: r.Header, URL: *r.URL, Host: r.Host} }

// signBoth signs copies of a request with both signers and compares them. It reports
// whether ours signed.
func signBoth(t *testing.T, s *sigv4.Signer, c aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time) bool {
	t.Helper()
	before, ours, theirs := clone(r), clone(r), clone(r)
	ok := s.Sign(&c, ours, payloadHash, service, region, at)
	want := theirs
	if !ok {
		want = before // a declined request is unchanged
	} else if err := v4.NewSigner().SignHTTP(context.Background(), c, theirs, payloadHash, service, region, at); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(outcome(want), outcome(ours), cmp.AllowUnexported(url.Userinfo{})); diff != "" {
		t.Errorf("%s %s, signed %t, -want +got:\n%s", r.Method, r.URL, ok, diff)
	}
	return ok
}

func clone(r *http.Request) *http.Request {
	c := *r
	u := *r.URL
	c.URL, c.Header = &u, r.Header.Clone()
	return &c
}

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// The requests follow the published test suite of Signature Version 4: its credentials,
// scope and time, and a request for each of its subjects.
func TestVectors(t *testing.T) {
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	for _, test := range []struct {
		name      string
		method    string
		url       string
		header    http.Header
		body      string
		token     string
		signature string // published, or empty
		declined  bool
	}{
		{name: "get-vanilla", method: "GET", url: "https://example.amazonaws.com/", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "post-vanilla", method: "POST", url: "https://example.amazonaws.com/", signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{name: "get-vanilla-query-order-key-case", method: "GET", url: "https://example.amazonaws.com/?Param2=value2&Param1=value1", signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{name: "get-vanilla-empty-query-key", method: "GET", url: "https://example.amazonaws.com/?Param1=value1", signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{name: "get-vanilla-query-unreserved", method: "GET", url: "https://example.amazonaws.com/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		{name: "post-header-key-sort", method: "POST", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"value1"}}, signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{name: "post-header-value-case", method: "POST", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"VALUE1"}}, signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
		{name: "get-header-value-order", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"value4", "value1", "value3", "value2"}}},
		{name: "post-x-www-form-urlencoded", method: "POST", url: "https://example.amazonaws.com/", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body: "Param1=value1"},
		{name: "query with equal keys", method: "DELETE", url: "https://example.amazonaws.com/tags?tagKeys=b&tagKeys=a%2Fb&tagKeys=a-b"},
		{name: "escaped path", method: "PUT", url: "https://example.amazonaws.com/images/arn%3Aaws%3Alambda", body: "{}"},
		{name: "session token", method: "PUT", url: "https://example.amazonaws.com:8443/", token: "a/token+with=signs"},
		{name: "several spaces", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"a   b"}}, declined: true},
		{name: "spaces around", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {" a"}}, declined: true},
		{name: "multi-line value", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"a\n b"}}, declined: true},
		{name: "default port", method: "GET", url: "https://example.amazonaws.com:443/", declined: true},
		{name: "IPv6", method: "GET", url: "http://[::1]:8080/", declined: true},
		{name: "UTF-8 path", method: "GET", url: "https://example.amazonaws.com/ሴ", declined: true},
		{name: "empty path", method: "GET", url: "https://example.amazonaws.com", declined: true},
		{name: "plus in a query", method: "GET", url: "https://example.amazonaws.com/?a=b+c", declined: true},
		{name: "lower-case escape in a query", method: "GET", url: "https://example.amazonaws.com/?a=%2f", declined: true},
		{name: "signed before", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"Authorization": {"AWS4"}}, declined: true},
		{name: "names that differ in case", method: "GET", url: "https://example.amazonaws.com/", header: http.Header{"My-Header1": {"a"}, "my-header1": {"b"}}, declined: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			u, err := url.Parse(test.url)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{Method: test.method, URL: u, Header: test.header.Clone(), ContentLength: int64(len(test.body))}
			if r.Header == nil {
				r.Header = http.Header{}
			}
			c := credentials
			c.SessionToken = test.token
			if ok := signBoth(t, new(sigv4.Signer), c, r, hash(test.body), "service", "us-east-1", at); ok == test.declined {
				t.Fatalf("signed %t", ok)
			}
			if test.signature != "" {
				new(sigv4.Signer).Sign(&c, r, hash(test.body), "service", "us-east-1", at)
				if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+test.signature) {
					t.Errorf("Authorization is %s, want the published signature %s", got, test.signature)
				}
			}
		})
	}
}

// A signer follows its credentials, the day and the scope.
func TestKeyChanges(t *testing.T) {
	s := new(sigv4.Signer)
	at := time.Date(2026, 11, 26, 23, 59, 59, 0, time.UTC)
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "lambda.us-east-1.amazonaws.com", Path: "/x"}, Header: http.Header{}}
	for range 2 {
		for _, test := range []struct {
			key, secret, service, region string
			at                           time.Time
		}{
			{"AKIA1", "secret1", "lambda", "us-east-1", at},
			{"AKIA1", "secret1", "lambda", "us-east-1", at.Add(time.Second)},
			{"AKIA1", "secret2", "lambda", "us-east-1", at},
			{"AKIA2", "secret2", "lambda", "us-east-1", at},
			{"AKIA2", "secret2", "lambda", "eu-west-1", at},
			{"AKIA2", "secret2", "other", "eu-west-1", at.In(time.FixedZone("", 9*60*60))},
			{"AKIA2", strings.Repeat("long", 40), "other", "eu-west-1", at},
		} {
			c := aws.Credentials{AccessKeyID: test.key, SecretAccessKey: test.secret}
			if !signBoth(t, s, c, r, hash(""), test.service, test.region, test.at) {
				t.Errorf("declined %+v", test)
			}
		}
	}
}

// Nearly all requests of the client are ordinary, and both signers agree on each.
func TestRandomRequests(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
	const requests = 5000
	declined, s := 0, new(sigv4.Signer)
	for range requests {
		path := "/2025-09-09/" + text(token+":/ =+&é", random.IntN(60))
		query := url.Values{}
		for range random.IntN(4) {
			query.Add(text(token, 1+random.IntN(10)), text(token+"=/+:", random.IntN(30)))
		}
		header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {text(token, 20)}}
		for range random.IntN(4) {
			header.Add("X-"+text(token[:26], 5), text(token+";=/, ", random.IntN(20)))
		}
		r := &http.Request{
			Method: []string{"GET", "PUT", "POST", "PATCH", "DELETE"}[random.IntN(5)],
			URL: &url.URL{
				Scheme: "https", Host: text(token[:26], 5) + ".example" + []string{"", ":8080"}[random.IntN(2)],
				Path: path, RawPath: escape(path), RawQuery: query.Encode(),
			},
			Header: header, ContentLength: int64(random.IntN(3000) - 1),
		}
		c := aws.Credentials{AccessKeyID: text(token, 20), SecretAccessKey: text(token, random.IntN(80)), SessionToken: text(token+"+/=", random.IntN(2)*900)}
		if !signBoth(t, s, c, r, hash(path), "lambda", text(token[:26], 9), time.Unix(random.Int64N(4e9), 0)) {
			declined++
		}
	}
	// Two spaces in a row, or one at an end, in a header; and in a path, two slashes at
	// its start.
	if declined > requests/2 {
		t.Errorf("declined %d of %d requests", declined, requests)
	}
}

// escape escapes a path as the client does.
func escape(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; strings.IndexByte("/-._~", c) >= 0 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func BenchmarkSign(b *testing.B) {
	type signer func(r *http.Request, c *aws.Credentials) error
	payload, at := hash("{}"), time.Now()
	sdk, ours := v4.NewSigner(), new(sigv4.Signer)
	for name, sign := range map[string]signer{
		"ours": func(r *http.Request, c *aws.Credentials) error {
			if !ours.Sign(c, r, payload, "lambda", "us-east-1", at) {
				return fmt.Errorf("declined")
			}
			return nil
		},
		"sdk": func(r *http.Request, c *aws.Credentials) error {
			return sdk.SignHTTP(context.Background(), *c, r, payload, "lambda", "us-east-1", at)
		},
	} {
		b.Run(name, func(b *testing.B) {
			c := &aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
			r := &http.Request{
				Method: http.MethodPut, Header: http.Header{}, ContentLength: 2,
				URL: &url.URL{Scheme: "https", Host: "lambda.us-east-1.amazonaws.com", Path: "/microvm-images/arn:aws", RawPath: "/microvm-images/arn%3Aaws"},
			}
			b.ReportAllocs()
			for b.Loop() {
				clear(r.Header)
				r.Header["Content-Type"] = []string{"application/json"}
				r.Header["Amz-Sdk-Request"] = []string{"attempt=1; max=3"}
				r.Header["User-Agent"] = []string{"go"}
				if err := sign(r, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
