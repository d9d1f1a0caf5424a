package storage_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
	for _, number := range []int32{2, 7} {
		if _, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: created.UploadId, PartNumber: &number, Body: strings.NewReader("part"),
		}); err != nil {
			t.Fatal(err)
		}
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
		{"ListParts", func(ctx context.Context) (any, error) {
			out, err := client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: created.UploadId, MaxParts: aws.Int32(1)})
			if err == nil && (len(out.Parts) != 1 || *out.Parts[0].PartNumber != 2 || *out.Parts[0].Size != 4 || !*out.IsTruncated) {
				t.Errorf("parts: %+v", out)
			}
			return out, err
		}, ""},
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

// send signs a request for S3 and sends it. It returns the response and its body.
func send(t *testing.T, method, url string, header map[string]string, body string) (response *http.Response, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err = http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(read)
}

// status returns the status of a response and the code of its error.
func status(response *http.Response, body string) string {
	_, code, _ := strings.Cut(body, "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return strings.TrimSpace(fmt.Sprint(response.StatusCode, " ", code))
}

// A request for anything that uploads do not need is not taken for another one.
func TestNotImplemented(t *testing.T) {
	_, address := newClient(t, "us-east-1")
	for _, test := range []struct{ method, target, header string }{
		{"PUT", "/bucket/key?tagging", ""},
		{"PUT", "/bucket/key?acl", ""},
		{"PUT", "/bucket/key?retention&x-id=PutObjectRetention", ""},
		{"PUT", "/bucket/key", "X-Amz-Copy-Source"},
		{"PUT", "/bucket/key", "If-None-Match"},
		{"PUT", "/bucket/key?partNumber=1&uploadId=1", "X-Amz-Copy-Source"},
		{"PUT", "/bucket/key?uploadId=1", ""},
		{"GET", "/bucket/key?tagging", ""},
		{"HEAD", "/bucket/key?versionId=1", ""},
		{"HEAD", "/bucket/key", "Range"},
		{"POST", "/bucket/key?restore", ""},
		{"POST", "/bucket/key?uploads&uploadId=1", ""},
		{"DELETE", "/bucket/key", ""},
		{"PUT", "/bucket", ""},
		{"GET", "/bucket?location&list-type=2", ""},
		{"HEAD", "/", ""},
	} {
		header := map[string]string{}
		if test.header != "" {
			header[test.header] = "x"
		}
		want := "501 NotImplemented"
		if test.method == "HEAD" {
			want = "501"
		}
		if got := status(send(t, test.method, address+test.target, header, "")); got != want {
			t.Errorf("%v: %s, want %s", test, got, want)
		}
	}
	if got := status(send(t, "HEAD", address+"/bucket/key", nil, "")); got != "404" {
		t.Errorf("an object was stored: %s", got)
	}
}

// The checksums are those of "123456789" in the catalog of CRC algorithms, and of
// md5sum, sha1sum and sha256sum.
func TestChecksums(t *testing.T) {
	_, address := newClient(t, "us-east-1")
	const content = "123456789"
	// As the SDKs send it: signed chunks, and a trailer.
	const chunked = "5;chunk-signature=0\r\n12345\r\n4;chunk-signature=0\r\n6789\r\n0;chunk-signature=0\r\nx-amz-checksum-crc32:%s\r\nx-amz-trailer-signature:0\r\n\r\n"
	for name, sum := range map[string]string{
		"X-Amz-Checksum-Crc32":     "cbf43926",
		"X-Amz-Checksum-Crc32c":    "e3069283",
		"X-Amz-Checksum-Crc64nvme": "ae8b14860a799888",
		"X-Amz-Checksum-Sha1":      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"X-Amz-Checksum-Sha256":    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
		"Content-MD5":              "25f9e794323b453885f5181f1b624d0b",
		"trailer":                  "cbf43926",
	} {
		for _, changed := range []bool{false, true} {
			raw, err := hex.DecodeString(sum)
			if err != nil {
				t.Fatal(err)
			}
			want := "200"
			if changed {
				raw[0]++
				want = "400 BadDigest"
			}
			given := base64.StdEncoding.EncodeToString(raw)
			header, body := map[string]string{name: given}, content
			if name == "trailer" {
				header = map[string]string{
					"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "X-Amz-Trailer": "x-amz-checksum-crc32",
					"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "9",
				}
				body = fmt.Sprintf(chunked, given)
			}
			response, text := send(t, "PUT", address+"/bucket/key", header, body)
			if got := status(response, text); got != want {
				t.Errorf("%s, changed %t: %s, want %s", name, changed, got, want)
			}
			if tag := response.Header.Get("ETag"); !changed && tag != `"25f9e794323b453885f5181f1b624d0b"` {
				t.Errorf("%s: the entity tag is %s", name, tag)
			}
		}
	}
	response, _ := send(t, "HEAD", address+"/bucket/key", nil, "")
	if response.ContentLength != int64(len(content)) {
		t.Errorf("the object has %d bytes", response.ContentLength)
	}
	for name, header := range map[string]map[string]string{
		"too short": {"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "10"},
		"no chunks": {"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9"},
	} {
		body := "9\r\n" + content + "\r\n0\r\n\r\n"
		if name == "no chunks" {
			body = content
		}
		if got := status(send(t, "PUT", address+"/bucket/key", header, body)); got != "400 IncompleteBody" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// An upload completes with the parts that the request lists.
func TestComplete(t *testing.T) {
	_, address := newClient(t, "us-east-1")
	large := strings.Repeat("x", 5<<20)
	for _, test := range []struct {
		name  string
		parts []string // of a list: number and part, or an entity tag
		want  string
		size  int64
	}{
		{"both parts", []string{"1 large", "3 small"}, "200", 5<<20 + 5},
		{"a part that is not listed", []string{"3 small"}, "200", 5},
		{"a part twice", []string{"1 large", "1 large"}, "400 InvalidPartOrder", 0},
		{"not ascending", []string{"3 small", "1 large"}, "400 InvalidPartOrder", 0},
		{"an unknown part", []string{"1 large", "2 small"}, "400 InvalidPart", 0},
		{"another entity tag", []string{"1 small"}, "400 InvalidPart", 0},
		{"a small part before another", []string{"3 small", "4 small"}, "400 EntityTooSmall", 0},
		{"no parts", nil, "400 MalformedXML", 0},
	} {
		key := address + "/bucket/" + strings.ReplaceAll(test.name, " ", "-")
		_, created := send(t, "POST", key+"?uploads", nil, "")
		_, id, _ := strings.Cut(created, "<UploadId>")
		id, _, _ = strings.Cut(id, "<")
		tags := map[string]string{}
		for number, content := range map[string]string{"1": large, "3": "small", "4": "small"} {
			response, _ := send(t, "PUT", key+"?partNumber="+number+"&uploadId="+id, nil, content)
			tags[content[:5]] = response.Header.Get("ETag")
		}
		tags["large"] = tags["xxxxx"]
		var list strings.Builder
		for _, part := range test.parts {
			number, content, _ := strings.Cut(part, " ")
			fmt.Fprintf(&list, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>", number, tags[content])
		}
		got := status(send(t, "POST", key+"?uploadId="+id, nil, "<CompleteMultipartUpload>"+list.String()+"</CompleteMultipartUpload>"))
		response, _ := send(t, "HEAD", key, nil, "")
		if got != test.want || max(response.ContentLength, 0) != test.size {
			t.Errorf("%s: %s with %d bytes, want %s with %d", test.name, got, response.ContentLength, test.want, test.size)
		}
	}
}

// Requests that are not signed for S3 get to the fake.
func TestOtherRequests(t *testing.T) {
	_, address := newClient(t, "us-east-1")
	for _, authorization := range []string{
		"", "Bearer x", "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=x",
	} {
		response, body := send(t, "GET", address+"/bucket/key", map[string]string{"Authorization": authorization}, "")
		if diff := cmp.Diff("418 ", fmt.Sprintf("%d %s", response.StatusCode, body)); diff != "" {
			t.Errorf("%q, -want +got:\n%s", authorization, diff)
		}
	}
}
