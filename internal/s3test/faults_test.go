package s3test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// A spoiler makes a request fail, before or after the server has handled it.
type spoiler func(s *store, w http.ResponseWriter, r *http.Request)

func unavailable(_ *store, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

func cutBefore(*store, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutAfter handles the request, and then cuts the connection before the response.
func cutAfter(s *store, _ http.ResponseWriter, r *http.Request) {
	s.serve(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

var everyOperation = []string{
	"HeadBucket", "HeadObject", "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
}

// sizeFor returns the size of an archive whose upload has the operation.
func sizeFor(operation string) int {
	switch operation {
	case "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload":
		return large
	}
	return small
}

// One failure of each request does not fail the upload.
func TestOneFault(t *testing.T) {
	for _, operation := range everyOperation {
		for name, spoil := range map[string]spoiler{"503": unavailable, "cut before": cutBefore, "cut after": cutAfter} {
			t.Run(operation+"/"+name, func(t *testing.T) {
				s := newStore(t)
				var hits atomic.Int32
				s.fault = func(w http.ResponseWriter, r *http.Request, now string) bool {
					if now != operation || hits.Add(1) > 1 {
						return false
					}
					spoil(s, w, r)
					return true
				}
				content := archive(sizeFor(operation))
				_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(content), int64(len(content)))
				if err != nil {
					t.Fatal(err)
				}
				objects, open := s.contents()
				if diff := cmp.Diff(map[string]int64{keyOf(content): int64(len(content))}, objects); diff != "" {
					t.Errorf("objects (-want +got):\n%s", diff)
				}
				// Nobody knows the ID of an upload whose creation was not confirmed.
				if want := btoi(operation == "CreateMultipartUpload" && name == "cut after"); open != want {
					t.Errorf("%d multipart uploads are open, want %d", open, want)
				}
				if !slices.Equal(content, s.get(keyOf(content))) {
					t.Error("the object is not the archive")
				}
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// If a request fails every time, the error names it, and nothing is left in the bucket.
func TestPersistentFault(t *testing.T) {
	steps := map[string]s3upload.Step{"HeadBucket": s3upload.StepBucket, "HeadObject": s3upload.StepFind}
	for _, operation := range everyOperation {
		for name, spoil := range map[string]spoiler{"503": unavailable, "cut": cutBefore} {
			t.Run(operation+"/"+name, func(t *testing.T) {
				s := newStore(t)
				s.fault = func(w http.ResponseWriter, r *http.Request, now string) bool {
					if now == operation {
						spoil(s, w, r)
					}
					return now == operation
				}
				content := archive(sizeFor(operation))
				_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(content), int64(len(content)))
				var failed *s3upload.Error
				if !errors.As(err, &failed) {
					t.Fatalf("got %v", err)
				}
				want := s3upload.Error{Bucket: bucket, Key: keyOf(content), Step: s3upload.StepUpload, Err: failed.Err}
				if step, ok := steps[operation]; ok {
					want.Step = step
				}
				if operation == "HeadBucket" {
					want.Key = ""
				}
				var call *smithy.OperationError
				if *failed != want || !errors.As(err, &call) || call.Operation() != operation {
					t.Errorf("got %#v", failed)
				}
				if objects, open := s.contents(); len(objects) > 0 || open > 0 {
					t.Errorf("left: %v, %d multipart uploads", objects, open)
				}
			})
		}
	}
}

// If the context ends during a request, no parts and no incomplete object are left.
func TestCancel(t *testing.T) {
	for _, operation := range everyOperation {
		for _, handled := range []bool{false, true} {
			s := newStore(t)
			ctx, cancel := context.WithCancel(context.Background())
			s.fault = func(_ http.ResponseWriter, r *http.Request, now string) bool {
				if now != operation {
					return false
				}
				if handled {
					s.serve(httptest.NewRecorder(), r)
				}
				cancel()
				if operation == "CreateMultipartUpload" {
					return false // the uploader waits for the response
				}
				<-r.Context().Done()
				panic(http.ErrAbortHandler)
			}
			content := archive(sizeFor(operation))
			_, err := s3upload.New(s.client(), bucket).Upload(ctx, "", reader(content), int64(len(content)))
			objects, open := s.contents()
			size, complete := objects[keyOf(content)]
			switch {
			case err == nil && operation == "CompleteMultipartUpload" && handled: // the upload was complete
			case !errors.Is(err, context.Canceled):
				t.Errorf("%s, handled %t: %v", operation, handled, err)
			}
			if complete && size != int64(len(content)) || complete && !handled {
				t.Errorf("%s, handled %t: an object of %d bytes", operation, handled, size)
			}
			own := operation == "CreateMultipartUpload" && handled // the fault has made one, too
			if want := btoi(own); open != want {
				t.Errorf("%s, handled %t: %d multipart uploads are open, want %d", operation, handled, open, want)
			}
			cancel()
		}
	}
}

// If the upload cannot be aborted, the error names it.
func TestAbortFails(t *testing.T) {
	for _, ends := range []string{"UploadPart", "CompleteMultipartUpload"} {
		s := newStore(t)
		s.fault = func(w http.ResponseWriter, _ *http.Request, now string) bool {
			if now != ends && now != "AbortMultipartUpload" {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(archive(large)), large)
		var failed *s3upload.Error
		if !errors.As(err, &failed) || failed.UploadID == "" || failed.AbortErr == nil || !strings.Contains(err.Error(), "multipart upload "+failed.UploadID+" remains") {
			t.Errorf("%s: got %v", ends, err)
			continue
		}
		// The error has all members that a later abort needs.
		if _, err := s.inspector().AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{
			Bucket: &failed.Bucket, Key: &failed.Key, UploadId: &failed.UploadID,
		}); err != nil {
			t.Errorf("%s: %v", ends, err)
		}
	}
}

// S3 may store a part after an abort. Another abort removes it.
func TestAbortIsRepeated(t *testing.T) {
	for _, test := range []struct {
		late int // parts are listed after this number of aborts
		want int // aborts
		left bool
	}{{0, 1, false}, {1, 2, false}, {5, 3, true}} {
		s := newStore(t)
		aborts := 0
		s.fault = func(w http.ResponseWriter, _ *http.Request, now string) bool {
			switch now {
			case "UploadPart":
				w.WriteHeader(http.StatusForbidden)
			case "AbortMultipartUpload":
				aborts++
				w.WriteHeader(http.StatusNoContent)
			case "ListParts":
				if aborts > test.late {
					return false
				}
				_, _ = io.WriteString(w, `<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>`)
			default:
				return false
			}
			return true
		}
		_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", reader(archive(large)), large)
		var failed *s3upload.Error
		if !errors.As(err, &failed) || aborts != test.want || (failed.UploadID != "") != test.left {
			t.Errorf("%+v: %d aborts, %v", test, aborts, err)
		}
	}
}

// The bucket must be in the region of the image. The region of the client does not
// matter: its requests go to that of the bucket.
func TestRegion(t *testing.T) {
	const elsewhere = "eu-west-1"
	for _, test := range []struct {
		name                  string
		bucket, image, option string // regions
		want                  error
	}{
		{name: "all the same", bucket: "us-east-1", image: "us-east-1"},
		{name: "client elsewhere", bucket: elsewhere, image: elsewhere},
		{name: "image unknown", bucket: elsewhere},
		{name: "bucket unknown", image: elsewhere},
		{name: "bucket elsewhere", bucket: elsewhere, image: "us-east-1",
			want: &s3upload.RegionError{Bucket: bucket, BucketRegion: elsewhere, ImageRegion: "us-east-1"}},
		{name: "image elsewhere", bucket: "us-east-1", image: elsewhere,
			want: &s3upload.RegionError{Bucket: bucket, BucketRegion: "us-east-1", ImageRegion: elsewhere}},
		{name: "option", bucket: "us-east-1", image: "us-east-1", option: elsewhere,
			want: &s3upload.RegionError{Bucket: bucket, BucketRegion: "us-east-1", ImageRegion: elsewhere}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			s.region = test.bucket
			u := s3upload.New(s.client(), bucket, func(o *s3upload.Options) { o.Region = test.option })
			err := u.PrepareUpload(context.Background(), images.UploadTarget{Region: test.image})
			if diff := cmp.Diff(test.want, err); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if _, err := u.Upload(context.Background(), "", reader(archive(large)), large); err != nil {
				t.Error(err)
			}
			if objects, open := s.contents(); len(objects) != 1 || open > 0 {
				t.Errorf("%v, %d multipart uploads", objects, open)
			}
		})
	}
}

// A client without a region sends its first request to the region of the image.
func TestClientWithoutRegion(t *testing.T) {
	const elsewhere = "eu-west-1"
	for _, test := range []struct{ bucket, image, option string }{
		{bucket: elsewhere, image: elsewhere},
		{bucket: elsewhere, option: elsewhere},
		{option: elsewhere}, // the server names no region
	} {
		s := newStore(t)
		s.region = test.bucket
		client := s.client(func(o *s3.Options) { o.Region = "" })
		u := s3upload.New(client, bucket, func(o *s3upload.Options) { o.Region = test.option })
		if err := u.PrepareUpload(context.Background(), images.UploadTarget{Region: test.image}); err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		if _, err := u.Upload(context.Background(), "", reader(archive(large)), large); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestNoSuchBucket(t *testing.T) {
	s := newStore(t)
	s.region = ""
	u := s3upload.New(s.client(), "nowhere")
	err := u.PrepareUpload(context.Background(), images.UploadTarget{})
	var missing *types.NotFound
	if !errors.As(err, &missing) || len(s.seen()) != 1 {
		t.Errorf("got %v", err)
	}
}

// An archive that cannot be read, or has another size, leaves nothing.
func TestBadArchive(t *testing.T) {
	content := archive(large)
	broken := errors.New("disk on fire")
	for name, test := range map[string]struct {
		archive io.ReadSeeker
		size    int64
		step    s3upload.Step
	}{
		"cannot be read":        {&flaky{Reader: bytes.NewReader(content), left: 1 << 20, err: broken}, large, s3upload.StepRead},
		"cannot be read again":  {&flaky{Reader: bytes.NewReader(content), left: large + 12<<20, err: broken}, large, s3upload.StepUpload},
		"cannot be rewound":     {&flaky{Reader: bytes.NewReader(content), left: 0, err: broken, seek: true}, large, s3upload.StepRead},
		"has another size":      {bytes.NewReader(content), large - 1, s3upload.StepRead},
		"fails small":           {&flaky{Reader: bytes.NewReader(content[:small]), left: small + 10, err: broken}, small, s3upload.StepUpload},
		"is in the wrong place": {nil, large, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			if test.archive == nil { // must be read from its beginning
				at := bytes.NewReader(content)
				if _, err := at.Seek(100, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				test.archive = at
			}
			_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "", test.archive, test.size)
			objects, open := s.contents()
			if test.step == "" {
				if err != nil || objects[keyOf(content)] != large {
					t.Errorf("got %v, %v", objects, err)
				}
				return
			}
			var failed *s3upload.Error
			if !errors.As(err, &failed) || failed.Step != test.step || errors.Is(err, broken) == (test.size == large-1) {
				t.Errorf("got %v", err)
			}
			if len(objects) > 0 || open > 0 {
				t.Errorf("left: %v, %d multipart uploads", objects, open)
			}
		})
	}
}

// An archive that changes between the computation of its key and the upload is rejected.
func TestChangedArchive(t *testing.T) {
	for _, size := range []int{small, large} {
		s := newStore(t)
		changed := slices.Clone(archive(size))
		changed[0]++
		_, err := s3upload.New(s.client(), bucket).Upload(context.Background(), "",
			&replaced{Reader: bytes.NewReader(archive(size)), by: changed}, int64(size))
		var failed *s3upload.Error
		var rejected smithy.APIError
		if !errors.As(err, &failed) || failed.Step != s3upload.StepUpload || !errors.As(err, &rejected) || rejected.ErrorCode() != "BadDigest" {
			t.Errorf("%d bytes: got %v", size, err)
		}
		if objects, open := s.contents(); len(objects) > 0 || open > 0 {
			t.Errorf("%d bytes: left %v, %d multipart uploads", size, objects, open)
		}
	}
}

// replaced is a reader whose content is replaced when it is rewound after the first pass.
type replaced struct {
	*bytes.Reader
	by []byte
}

func (r *replaced) Seek(offset int64, whence int) (int64, error) {
	if offset == 0 && whence == io.SeekStart && r.Len() == 0 {
		r.Reader = bytes.NewReader(r.by)
	}
	return r.Reader.Seek(offset, whence)
}

// flaky is a reader that fails after some bytes, or if seek is set, when it is rewound.
type flaky struct {
	*bytes.Reader
	left int
	err  error
	seek bool
}

func (f *flaky) Seek(offset int64, whence int) (int64, error) {
	if f.seek {
		return 0, f.err
	}
	return f.Reader.Seek(offset, whence)
}

func (f *flaky) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, f.err
	}
	n, err := f.Reader.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// WriteTo replaces that of bytes.Reader, which would not fail.
func (f *flaky) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{f})
}

func TestInvalidOptions(t *testing.T) {
	s := newStore(t)
	u := s3upload.New(s.client(), "", func(o *s3upload.Options) {
		o.PartSize, o.Concurrency, o.CleanupTimeout = 5<<20-1, -1, -1
		o.KMSKeyID = "alias/archives"
		o.ChecksumAlgorithm = types.ChecksumAlgorithmMd5
		o.Tags = map[string]string{}
		for _, c := range "abcdefghijk" {
			o.Tags[string(c)] = ""
		}
	})
	for _, err := range []error{
		u.PrepareUpload(context.Background(), images.UploadTarget{}),
		func() error { _, err := u.Upload(context.Background(), "", reader(nil), 0); return err }(),
	} {
		var got []string
		for _, violation := range lambdamicrovms.Violations(err) {
			got = append(got, violation.Error())
		}
		want := []string{
			"s3upload.Options.bucket must be a name, given none",
			"s3upload.Options.PartSize must be at least 5 MiB, given 5242879",
			"s3upload.Options.Concurrency must be at least 1, given -1",
			"s3upload.Options.CleanupTimeout must be at least 0s, given -1ns",
			"s3upload.Options.Tags must be at most 10, given 11",
			"s3upload.Options.ServerSideEncryption must be aws:kms or aws:kms:dsse with a KMSKeyID, given none",
			"s3upload.Options.ChecksumAlgorithm must be one of CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, given MD5",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("violations (-want +got):\n%s", diff)
		}
	}
	if len(s.requests) > 0 {
		t.Errorf("requests: %v", s.seen())
	}
}

// S3 rejects tags that are too long, after the upload of the archive.
func TestTagsOutOfRange(t *testing.T) {
	long := strings.Repeat("é", 129)
	for _, test := range []struct {
		key, value string
		want       []string
	}{
		{long[:len(long)-2], strings.Repeat("é", 256), nil},
		{"", "v", []string{`s3upload.Options.Tags[""] must be a key of 1 to 128 characters, given 0`}},
		{long, "v", []string{`s3upload.Options.Tags["` + long[:80] + `"] must be a key of 1 to 128 characters, given 129`}},
		{"k", strings.Repeat("é", 257), []string{`s3upload.Options.Tags["k"] must be a value of at most 256 characters, given 257`}},
	} {
		err := s3upload.Check(bucket, func(o *s3upload.Options) { o.Tags = map[string]string{test.key: test.value} })
		var got []string
		for _, violation := range lambdamicrovms.Violations(err) {
			got = append(got, violation.Error())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%.10s: violations (-want +got):\n%s", test.key, diff)
		}
	}
}

// If the bucket or the prefix makes a URI that the service rejects, nothing is sent. The
// longest prefix is allowed. One byte more makes a key that S3 rejects.
func TestURIOutOfRange(t *testing.T) {
	for _, test := range []struct {
		bucket, prefix string
		want           []string
	}{
		{bucket: bucket, prefix: strings.Repeat("a", 956)},
		{bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/archives"},
		{bucket: bucket, prefix: "a b/", want: []string{`s3upload.Options.Prefix must match ^[^\s]+$, given "a b/"`}},
		{bucket: "a\tb", want: []string{`s3upload.Options.bucket must match ^[^\s]+$, given "a\tb"`}},
		{bucket: "s3://archives", want: []string{`s3upload.Options.bucket must be a name without a slash, given "s3://archives"`}},
		{bucket: bucket, prefix: strings.Repeat("a", 957), want: []string{"s3upload.Options.Prefix must be at most 956 bytes, given 957"}},
	} {
		s := newStore(t)
		prefixed := func(o *s3upload.Options) { o.Prefix = test.prefix }
		prepareErr := s3upload.New(s.client(), test.bucket, prefixed).PrepareUpload(t.Context(), images.UploadTarget{})
		var got []string
		for _, violation := range lambdamicrovms.Violations(prepareErr) {
			got = append(got, violation.Error())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s, %s: violations (-want +got):\n%s", test.bucket, test.prefix, diff)
		}
		if err := s3upload.Check(test.bucket, prefixed); (err != nil) != (test.want != nil) || test.want != nil && len(s.requests) > 0 {
			t.Errorf("%s, %s: %v, requests: %v", test.bucket, test.prefix, err, s.seen())
		}
	}
}

// Deploy rejects a bucket in another region before it packs the directory.
func TestDeploy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"us-east-1", "us-west-2"} {
		s := newStore(t)
		s.region = region
		var steps []images.Step
		client := lambdamicrovms.New(fake.New(t).Options())
		result, err := images.Deploy(context.Background(), client, images.Deployment{
			Image: lambdamicrovms.CreateMicroVMImageInput{
				Name:         aws.String("app"),
				BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
				BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			},
			Dir: dir, Uploader: s3upload.New(s.client(), bucket),
		}, func(o *images.DeployOptions) {
			o.Progress = func(e images.Event) { steps = append(steps, e.Step) }
		})
		objects, _ := s.contents()
		if region == "us-west-2" {
			want := &s3upload.RegionError{Bucket: bucket, BucketRegion: region, ImageRegion: "us-east-1"}
			var elsewhere *s3upload.RegionError
			if !errors.As(err, &elsewhere) || *elsewhere != *want || slices.Contains(steps, images.StepZip) || len(objects) > 0 {
				t.Errorf("steps %v, objects %v, error %v", steps, objects, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for key := range objects {
			if result.ArtifactURI != "s3://"+bucket+"/"+key || key != keyOf(s.get(key)) {
				t.Errorf("URI %s, key %s", result.ArtifactURI, key)
			}
		}
		if len(objects) != 1 {
			t.Errorf("objects %v", objects)
		}
	}
}
