package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/storage"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// newClient returns a client of a server that responds with 418 to what is not for S3.
func newClient(t *testing.T, region string) (client *s3.Client, address string) {
	t.Helper()
	server := httptest.NewServer(storage.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	})))
	t.Cleanup(server.Close)
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}), server.URL
}

// An archive is found again after its upload in one request or in parts.
func TestUploads(t *testing.T) {
	for _, c := range []struct {
		reason string
		size   int
	}{
		{"in one request", 1000},
		{"in parts", 17 << 20},
	} {
		client, _ := newClient(t, "eu-west-1")
		var seen []bool
		uploader := s3upload.New(client, "bucket", func(o *s3upload.Options) {
			o.Progress = func(p s3upload.Progress) {
				if p.Bytes == p.Total {
					seen = append(seen, p.Exists)
				}
			}
		})
		if err := uploader.PrepareUpload(t.Context(), images.UploadTarget{Image: "app", Region: "eu-west-1"}); err != nil {
			t.Fatalf("%s: %v", c.reason, err)
		}
		for range 2 {
			content := bytes.NewReader(make([]byte, c.size))
			if _, err := uploader.Upload(t.Context(), "app/a.zip", content, int64(c.size)); err != nil {
				t.Fatalf("%s: %v", c.reason, err)
			}
		}
		if diff := cmp.Diff([]bool{false, true}, seen); diff != "" {
			t.Errorf("%s, exists, -want +got:\n%s", c.reason, diff)
		}
	}
}

func TestOperations(t *testing.T) {
	client, _ := newClient(t, "eu-west-1")
	bucket, key := aws.String("bucket"), aws.String("a/key.zip")
	created, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func(context.Context) (any, error)
		want string // the code of the error
	}{
		{"HeadBucket", func(ctx context.Context) (any, error) {
			return client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
		}, ""},
		{"GetBucketLocation", func(ctx context.Context) (any, error) {
			out, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
			if err == nil && out.LocationConstraint != "eu-west-1" {
				t.Errorf("the bucket is in %q", out.LocationConstraint)
			}
			return out, err
		}, ""},
		{"a missing object", func(ctx context.Context) (any, error) {
			return client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
		}, "NotFound"},
		{"AbortMultipartUpload", func(ctx context.Context) (any, error) {
			return client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: created.UploadId})
		}, ""},
		{"an aborted upload", func(ctx context.Context) (any, error) {
			return client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: created.UploadId})
		}, "NoSuchUpload"},
		{"an operation that uploads do not need", func(ctx context.Context) (any, error) {
			return client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
		}, "NotImplemented"},
		{"reading an object", func(ctx context.Context) (any, error) {
			return client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		}, "NotImplemented"},
	} {
		_, err := c.call(t.Context())
		got := ""
		var refused smithy.APIError
		if errors.As(err, &refused) {
			got = refused.ErrorCode()
		} else if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, -want +got:\n%s", c.name, diff)
		}
	}
}

// Requests that are not signed for S3 get to the fake.
func TestOtherRequests(t *testing.T) {
	_, address := newClient(t, "us-east-1")
	for _, authorization := range []string{
		"", "Bearer x", "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=x",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/bucket/key", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if diff := cmp.Diff("418 ", fmt.Sprintf("%d %s", response.StatusCode, body)); err != nil || diff != "" {
			t.Errorf("%q: %v, -want +got:\n%s", authorization, err, diff)
		}
	}
}
