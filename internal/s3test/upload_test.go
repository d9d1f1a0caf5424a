package s3test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/s3upload"
)

var (
	inOne   = []string{"HeadBucket", "HeadObject", "PutObject"}
	inParts = []string{"HeadBucket", "HeadObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
)

func TestUpload(t *testing.T) {
	for _, test := range []struct {
		name     string
		size     int
		requests []string
	}{
		{"small", small, inOne},
		{"empty", 0, inOne},
		{"just below the threshold", 16<<20 - 1, inOne},
		{"on the threshold", 16 << 20, inParts},
		{"large", large, inParts},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			content := archive(test.size)
			var progress []s3upload.Progress
			u := s3upload.New(s.client(), bucket, func(o *s3upload.Options) {
				o.Prefix = "images/"
				o.Progress = func(p s3upload.Progress) { progress = append(progress, p) }
			})
			key := "images/" + keyOf(content)
			for range 2 { // the object exists at the second upload
				uri, err := u.Upload(context.Background(), "app/hash.zip", reader(content), int64(test.size))
				if want := "s3://" + bucket + "/" + key; err != nil || uri != want {
					t.Fatalf("got %q, %v, want %q", uri, err, want)
				}
			}
			if diff := cmp.Diff(append(slices.Clone(test.requests), "HeadObject"), s.seen()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			objects, open := s.contents()
			if diff := cmp.Diff(map[string]int64{key: int64(test.size)}, objects); diff != "" || open > 0 {
				t.Errorf("%d open uploads, objects (-want +got):\n%s", open, diff)
			}
			if !slices.Equal(content, s.get(key)) {
				t.Error("the object is not the archive")
			}

			begin, end := progress[0], progress[len(progress)-1]
			base := s3upload.Progress{Bucket: bucket, Key: key, Total: int64(test.size)}
			exists := base
			exists.Bytes, exists.Exists = base.Total, true
			if diff := cmp.Diff([]s3upload.Progress{base, exists}, []s3upload.Progress{begin, end}); diff != "" {
				t.Errorf("first and last progress (-want +got):\n%s", diff)
			}
			if done := progress[len(progress)-2].Bytes; done != base.Total {
				t.Errorf("ended with %d of %d bytes", done, base.Total)
			}
			for i, p := range progress[1:] {
				if p.Bytes < progress[i].Bytes {
					t.Errorf("progress went from %d to %d bytes", progress[i].Bytes, p.Bytes)
				}
			}
		})
	}
}

// An object of another size is damaged, so the upload replaces it.
func TestUploadReplacesDamagedObject(t *testing.T) {
	s := newStore(t)
	content := archive(small)
	key, name := keyOf(content), bucket
	if _, err := s.inspector().PutObject(context.Background(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: reader(content[1:])}); err != nil {
		t.Fatal(err)
	}
	if _, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(content), small); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(content, s.get(key)) {
		t.Error("the object is not the archive")
	}
}

// The options are in the request that creates the object.
func TestUploadOptions(t *testing.T) {
	const owner = "123456789012"
	headers := map[string]string{
		"X-Amz-Server-Side-Encryption":                "aws:kms",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/archives",
		"X-Amz-Tagging":                               "app=a%26b&team=x",
		"X-Amz-Expected-Bucket-Owner":                 owner,
		"Content-Type":                                "application/zip",
	}
	for _, test := range []struct {
		size      int
		algorithm types.ChecksumAlgorithm
		create    string
		checksums map[string][]string // headers by operation
	}{
		{small, "", "PutObject", map[string][]string{"PutObject": {"X-Amz-Checksum-Crc64nvme"}}},
		{small, types.ChecksumAlgorithmSha256, "PutObject", map[string][]string{"PutObject": {"X-Amz-Checksum-Sha256"}}},
		{large, "", "CreateMultipartUpload", map[string][]string{
			"UploadPart": {"X-Amz-Checksum-Crc64nvme"}, "CompleteMultipartUpload": {"X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Type"},
		}},
		{small, types.ChecksumAlgorithmSha512, "PutObject", map[string][]string{"PutObject": {"X-Amz-Checksum-Sha512"}}},
		{large, types.ChecksumAlgorithmSha512, "CreateMultipartUpload", map[string][]string{"UploadPart": {"X-Amz-Checksum-Sha512"}}},
		{large, types.ChecksumAlgorithmCrc32c, "CreateMultipartUpload", map[string][]string{"UploadPart": {"X-Amz-Checksum-Crc32c"}}},
	} {
		s := newStore(t)
		u := s3upload.New(s.client(), bucket, func(o *s3upload.Options) {
			o.ServerSideEncryption, o.KMSKeyID = types.ServerSideEncryptionAwsKms, "alias/archives"
			o.Tags = map[string]string{"team": "x", "app": "a&b"}
			o.ExpectedBucketOwner = owner
			o.ChecksumAlgorithm = test.algorithm
		})
		if _, err := u.Upload(context.Background(), "", reader(archive(test.size)), int64(test.size)); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name := range headers {
			got[name] = s.first(test.create).header.Get(name)
		}
		if diff := cmp.Diff(headers, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.create, diff)
		}
		for _, r := range s.requests {
			if r.header.Get("X-Amz-Expected-Bucket-Owner") != owner {
				t.Errorf("%s does not check the owner of the bucket", r.operation)
			}
		}
		for operation, names := range test.checksums {
			for _, name := range names {
				if s.first(operation).header.Get(name) == "" {
					t.Errorf("%s has no %s", operation, name)
				}
			}
		}
	}
}

// Over TLS the SDK sends checksums of parts after the body.
func TestUploadOverTLS(t *testing.T) {
	for _, size := range []int{small, large} {
		s := newStore(t)
		client := s.client(func(o *s3.Options) { o.BaseEndpoint = aws.String("https://s3.test") })
		content := archive(size)
		if _, err := s3upload.New(client, bucket).Upload(context.Background(), "", reader(content), int64(size)); err != nil {
			t.Fatal(err)
		}
		if size == large {
			if trailer := s.first("UploadPart").header.Get("X-Amz-Trailer"); trailer != "x-amz-checksum-crc64nvme" {
				t.Errorf("the trailer is %q", trailer)
			}
		}
		if !slices.Equal(content, s.get(keyOf(content))) {
			t.Error("the object is not the archive")
		}
	}
}

// A client that is configured for servers without checksums keeps that setting.
func TestUploadWithoutChecksums(t *testing.T) {
	for _, size := range []int{small, large} {
		s := newStore(t)
		client := s.client(func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
		if _, err := s3upload.New(client, bucket).Upload(context.Background(), "", reader(archive(size)), int64(size)); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.requests {
			for name := range r.header {
				if strings.HasPrefix(name, "X-Amz-Checksum-") && name != "X-Amz-Checksum-Mode" {
					t.Errorf("%s has %s", r.operation, name)
				}
			}
		}
	}
}

// Concurrent uploads of equal archives result in one object.
func TestUploadConcurrently(t *testing.T) {
	s := newStore(t)
	u := s3upload.New(s.client(), bucket)
	content := archive(large)
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		all.Add(1)
		go func() {
			defer all.Done()
			_, errs[i] = u.Upload(context.Background(), "", reader(content), large)
		}()
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	objects, open := s.contents()
	if diff := cmp.Diff(map[string]int64{keyOf(content): large}, objects); diff != "" || open > 0 {
		t.Errorf("%d open uploads, objects (-want +got):\n%s", open, diff)
	}
}

// Without permission to list the bucket, the uploader cannot see whether the object
// exists, so it uploads.
func TestUploadWithoutPermissionToList(t *testing.T) {
	s := newStore(t)
	s.fault = func(w http.ResponseWriter, _ *http.Request, operation string) bool {
		if operation != "HeadObject" && operation != "HeadBucket" {
			return false
		}
		w.Header().Set("X-Amz-Bucket-Region", s.region)
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	content := archive(small)
	if _, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(content), small); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(content, s.get(keyOf(content))) {
		t.Error("the object is not the archive")
	}
}
