package sigv4_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/internal/sigv4"
)

// FuzzSign compares the signer with the SDK's, byte for byte.
func FuzzSign(f *testing.F) {
	f.Add("PUT", "https", "lambda.us-east-1.amazonaws.com", "/2025-09-09/microvm-images/arn:aws:lambda", "/2025-09-09/microvm-images/arn%3Aaws%3Alambda", "", "Content-Type", "application/json", "Amz-Sdk-Request", "attempt=1; max=3", int64(12), "AKIDEXAMPLE", "secret", "token", "us-east-1", int64(1764166800), int64(0))
	f.Add("GET", "http", "127.0.0.1:8080", "/2025-09-09/microvms", "", "maxResults=10&nextToken=a%3D%3D&a=b", "X-A", "", "X-B", "b", int64(-1), "A", "", "", "eu-west-1", int64(-1), int64(3600e9))
	f.Add("DELETE", "https", "h", "/a b", "/a%20b", "k=b&k=a", "User-Agent", "x", "X-Amz-Date", "now", int64(0), "", "s", "t", "", int64(0), int64(-1))
	f.Add("GET", "https", "h:443", "//a", "//a", "a", "host", "h", "Host", "h", int64(0), "k", "s", "t ", "r", int64(1e10), int64(1))
	f.Fuzz(func(t *testing.T, method, scheme, host, path, rawPath, query, name1, value1, name2, value2 string, length int64, key, secret, token, region string, second, skew int64) {
		at := time.Unix(second%253402300800, 0).Add(time.Duration(skew))
		if at.UTC().Year() < 0 || at.UTC().Year() > 9999 {
			t.Skip("no such date in a signature")
		}
		header := http.Header{name1: {value1}}
		header[name2] = append(header[name2], value2)
		r := &http.Request{
			Method: method, Header: header, ContentLength: length,
			URL: &url.URL{Scheme: scheme, Host: host, Path: path, RawPath: rawPath, RawQuery: query},
		}
		c := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}
		signBoth(t, new(sigv4.Signer), c, r, hash(value1), "lambda", region, at)
	})
}
