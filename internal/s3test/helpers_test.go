package s3test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/microvm-go/lambdamicrovms/internal/memhttp"
)

const bucket = "archives"

// A store is a server of S3 with one bucket, in which a test can inject faults.
type store struct {
	t      *testing.T
	server http.Handler
	region string // of the bucket
	// fault, if set, is called before a request is handled. It reports whether it has
	// handled the request itself.
	fault func(w http.ResponseWriter, r *http.Request, operation string) bool

	mu       sync.Mutex
	requests []request
	parts    map[string]map[string][]byte // by upload ID and number
}

// request is a request that the server has received.
type request struct {
	operation string
	header    http.Header
	query     string
}

func newStore(t *testing.T) *store {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	return &store{t: t, server: gofakes3.New(backend, gofakes3.WithoutVersioning()).Server(), region: "us-east-1"}
}

// client returns a client that retries without delay.
func (s *store) client(optFns ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://s3.test"),
		UsePathStyle: true,
		HTTPClient:   s,
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, optFns...)
}

// Do implements s3.HTTPClient.
func (s *store) Do(r *http.Request) (*http.Response, error) {
	return memhttp.RoundTrip(r, s)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := operationOf(r)
	s.mu.Lock()
	s.requests = append(s.requests, request{operation, r.Header.Clone(), r.URL.RawQuery})
	s.mu.Unlock()
	if s.fault != nil && s.fault(w, r, operation) {
		return
	}
	if s.region != "" {
		w.Header().Set("X-Amz-Bucket-Region", s.region)
		if scope := signedRegion(r); scope != s.region {
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
	}
	s.serve(w, r)
}

// serve decodes the body and verifies the checksums, which S3 does and gofakes3 does not.
// Then it lets gofakes3 handle the request.
func (s *store) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
		body, err = unchunk(body, r.Header)
	}
	if err == nil {
		err = s.verify(r, body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<Error><Code>BadDigest</Code><Message>%v</Message></Error>", err)
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Encoding")
	r.Header.Set("Content-Length", strconv.Itoa(len(body))) // as net/http leaves it
	s.server.ServeHTTP(w, r)
}

const checksumHeader = "X-Amz-Checksum-Crc64nvme"

// verify compares the checksum in the header of a request, if any, with that of the body.
// If the request completes an upload, it is that of all parts, which verify has recorded.
func (s *store) verify(r *http.Request, body []byte) error {
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch id := query.Get("uploadId"); operationOf(r) {
	case "UploadPart":
		if s.parts == nil {
			s.parts = map[string]map[string][]byte{}
		}
		if s.parts[id] == nil {
			s.parts[id] = map[string][]byte{}
		}
		s.parts[id][query.Get("partNumber")] = body
	case "CompleteMultipartUpload":
		body = nil
		for number := 1; number <= len(s.parts[id]); number++ {
			body = append(body, s.parts[id][strconv.Itoa(number)]...)
		}
	}
	if want := r.Header.Get(checksumHeader); want != "" && want != checksumOf(body) {
		return fmt.Errorf("the checksum is %s, not %s", checksumOf(body), want)
	}
	return nil
}

func checksumOf(content []byte) string {
	sum := crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	_, _ = sum.Write(content)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// unchunk decodes a body with the encoding aws-chunked and without signatures, and moves
// the trailer to the header.
func unchunk(encoded []byte, header http.Header) ([]byte, error) {
	var body []byte
	for {
		line, rest, _ := bytes.Cut(encoded, []byte("\r\n"))
		size, err := strconv.ParseInt(string(line), 16, 64)
		if err != nil || int64(len(rest)) < size {
			return nil, fmt.Errorf("chunk of %q bytes: %w", line, err)
		}
		if size == 0 {
			trailer, _, _ := bytes.Cut(rest, []byte("\r\n"))
			name, value, _ := strings.Cut(string(trailer), ":")
			header.Set(name, value)
			return body, nil
		}
		body, encoded = append(body, rest[:size]...), bytes.TrimPrefix(rest[size:], []byte("\r\n"))
	}
}

// signedRegion returns the region in the credential scope of a signature.
func signedRegion(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if parts := strings.Split(scope, "/"); len(parts) > 2 {
		return parts[2]
	}
	return ""
}

func operationOf(r *http.Request) string {
	query := r.URL.Query()
	hasKey := strings.Trim(r.URL.Path, "/") != bucket
	switch {
	case r.Method == http.MethodHead && !hasKey:
		return "HeadBucket"
	case r.Method == http.MethodHead:
		return "HeadObject"
	case r.Method == http.MethodPut && query.Has("partNumber"):
		return "UploadPart"
	case r.Method == http.MethodPut:
		return "PutObject"
	case r.Method == http.MethodPost && query.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost:
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		return "AbortMultipartUpload"
	case r.Method == http.MethodGet && query.Has("uploadId"):
		return "ListParts"
	}
	return r.Method
}

// seen returns the operations of all requests so far. Equal operations in a row are one.
func (s *store) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range s.requests {
		names = append(names, r.operation)
	}
	return slices.Compact(names)
}

// first returns the first request of an operation.
func (s *store) first(operation string) request {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.operation == operation {
			return r
		}
	}
	s.t.Fatalf("no request of %s", operation)
	return request{}
}

// inspector returns a client that reads the store without faults.
func (s *store) inspector() *s3.Client {
	return (&store{t: s.t, server: s.server}).client()
}

// contents returns the keys and sizes of the objects, and the number of open multipart
// uploads.
func (s *store) contents() (objects map[string]int64, open int) {
	s.t.Helper()
	ctx := context.Background()
	listed, err := s.inspector().ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		s.t.Fatal(err)
	}
	objects = map[string]int64{}
	for _, object := range listed.Contents {
		objects[*object.Key] = *object.Size
	}
	uploads, err := s.inspector().ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	var none smithy.APIError
	if errors.As(err, &none) && none.ErrorCode() == "NoSuchUpload" { // gofakes3 has never seen one
		return objects, 0
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return objects, len(uploads.Uploads)
}

// get returns the content of an object.
func (s *store) get(key string) []byte {
	s.t.Helper()
	out, err := s.inspector().GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		s.t.Fatal(err)
	}
	content, err := io.ReadAll(out.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

const (
	small = 1000
	large = 17 << 20 // three parts of 8 MiB or less
)

// archive returns random content, the same for the same size. Callers must not change it.
func archive(size int) []byte {
	if size == large {
		return largeArchive()
	}
	return random(size)
}

var largeArchive = sync.OnceValue(func() []byte { return random(large) })

func random(size int) []byte {
	content := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)})
	_, _ = source.Read(content)
	return content
}

func keyOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]) + ".zip"
}

func reader(content []byte) io.ReadSeeker { return bytes.NewReader(content) }
