package s3upload

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
	lambdatypes "github.com/microvm-go/lambdamicrovms/types"
)

// API is the set of operations that an Uploader calls. *s3.Client implements it.
type API interface {
	transfermanager.S3APIClient
	s3.HeadBucketAPIClient
	s3.ListPartsAPIClient
}

// Options are the options of an Uploader. A zero field means its default.
type Options struct {
	// Prefix is the beginning of every key, such as "images/". It must not contain white
	// space, and not make a key longer than 1024 bytes. The default is none.
	Prefix string

	// Region is the region in which the bucket must be. The default is the region of the
	// image, which images.Deploy names. If neither is known, the region is not checked.
	Region string

	// ExpectedBucketOwner is the ID of the account that must own the bucket. Requests to
	// a bucket of another account fail.
	ExpectedBucketOwner string

	// ServerSideEncryption selects how S3 encrypts the object. The default is that of the
	// bucket.
	ServerSideEncryption types.ServerSideEncryption

	// KMSKeyID is the ID, ARN or alias of the key. It requires the ServerSideEncryption
	// "aws:kms" or "aws:kms:dsse", whose default is the key that AWS manages for S3.
	KMSKeyID string

	// Tags are the tags of the object, at most 10. A key has 1 to 128 characters, a value
	// at most 256.
	Tags map[string]string

	// ChecksumAlgorithm is the checksum with which S3 verifies the upload, one of those
	// that the S3 client computes. The default is CRC64NVME, which covers the whole
	// archive even if it is uploaded in parts. With other algorithms S3 verifies each part.
	// If the client's RequestChecksumCalculation is "when required", for servers that do
	// not know checksums, the default is none.
	ChecksumAlgorithm types.ChecksumAlgorithm

	// PartSize is the size of the parts of a multipart upload in bytes, at least 5 MiB.
	// The default is 8 MiB, or more if the archive would have more than 10,000 parts.
	PartSize int64

	// Concurrency is the number of parts that are uploaded at a time. The default is 5.
	// An upload uses about (Concurrency + 1) * PartSize bytes of memory.
	Concurrency int

	// CleanupTimeout limits how long Upload continues after its context has ended, to
	// abort a multipart upload. The default is 30 seconds.
	CleanupTimeout time.Duration

	// Progress is called when an upload begins, after each part, and when it ends.
	// Calls for one upload do not overlap. They may come from other goroutines than the
	// caller's.
	Progress func(Progress)
}

// Progress reports how much of an archive is stored.
type Progress struct {
	Bucket, Key string
	// Bytes of Total bytes are stored.
	Bytes, Total int64
	// Exists is true if the object existed, so that nothing is uploaded.
	Exists bool
}

const (
	minPartSize           = 5 << 20
	maxTags               = 10
	maxTagKey             = 128 // characters, as maxTagValue
	maxTagValue           = 256
	maxKey                = 1024 // bytes of a key
	defaultPartSize       = 8 << 20
	multipartThreshold    = 16 << 20
	defaultConcurrency    = 5
	defaultCleanupTimeout = 30 * time.Second
)

// check returns a smithy.InvalidParamsError with all fields that are out of range, or
// nil.
func (o *Options) check(bucket string) error {
	invalid := smithy.InvalidParamsError{Context: "s3upload.Options"}
	refuse := func(refused bool, field, limit string, given any) {
		if refused {
			invalid.Add(&lambdamicrovms.ConstraintError{
				Path: field, Rule: lambdamicrovms.RuleRange, Limit: limit, Given: fmt.Sprint(given),
			})
		}
	}
	refuse(bucket == "", "bucket", "a name", "none")
	// ARNs of access points have slashes.
	refuse(strings.Contains(bucket, "/") && !strings.HasPrefix(bucket, "arn:"), "bucket", "a name without a slash", strconv.Quote(bucket))
	key := o.key(strings.Repeat("0", 2*sha256.Size))
	refuse(len(key) > maxKey, "Prefix", fmt.Sprintf("at most %d bytes", maxKey-len(key)+len(o.Prefix)), len(o.Prefix))
	if bucket != "" {
		addViolations(&invalid, "bucket", bucket, uriOf(bucket, "key"))
	}
	addViolations(&invalid, "Prefix", o.Prefix, uriOf("bucket", key))
	refuse(o.PartSize < minPartSize, "PartSize", "at least 5 MiB", o.PartSize)
	refuse(o.Concurrency < 1, "Concurrency", "at least 1", o.Concurrency)
	refuse(o.CleanupTimeout < 0, "CleanupTimeout", "at least 0s", o.CleanupTimeout)
	refuse(len(o.Tags) > maxTags, "Tags", "at most 10", len(o.Tags))
	for _, key := range slices.Sorted(maps.Keys(o.Tags)) {
		length, path := utf8.RuneCountInString(key), fmt.Sprintf("Tags[%.40q]", key)
		refuse(length < 1 || length > maxTagKey, path, fmt.Sprintf("a key of 1 to %d characters", maxTagKey), length)
		length = utf8.RuneCountInString(o.Tags[key])
		refuse(length > maxTagValue, path, fmt.Sprintf("a value of at most %d characters", maxTagValue), length)
	}
	encryption := o.ServerSideEncryption
	isKMS := encryption == types.ServerSideEncryptionAwsKms || encryption == types.ServerSideEncryptionAwsKmsDsse
	refuse(o.KMSKeyID != "" && !isKMS, "ServerSideEncryption", "aws:kms or aws:kms:dsse with a KMSKeyID", cmp.Or(encryption, "none"))
	refuse(!computed(o.ChecksumAlgorithm), "ChecksumAlgorithm",
		"one of CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512", o.ChecksumAlgorithm)
	if invalid.Len() == 0 {
		return nil
	}
	return invalid
}

// computed reports whether the S3 client computes a checksum, or none is wanted. S3 knows
// more algorithms, for which the client would fail when it uploads.
func computed(algorithm types.ChecksumAlgorithm) bool {
	switch algorithm {
	case "", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
		types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmSha512:
		return true
	}
	return false
}

// addViolations adds the rules of the service for the URI of an archive that a field
// breaks. After the upload it would be too late.
func addViolations(invalid *smithy.InvalidParamsError, field, given, uri string) {
	err := lambdamicrovms.Validate(&lambdamicrovms.CreateMicroVMImageInput{
		CodeArtifact: &lambdatypes.CodeArtifactMemberUri{Value: uri},
	}, lambdamicrovms.ValidationModel)
	for _, violation := range lambdamicrovms.Violations(err) {
		if strings.HasPrefix(violation.Path, "CodeArtifact.") {
			invalid.Add(&lambdamicrovms.ConstraintError{
				Path: field, Rule: violation.Rule, Limit: violation.Limit, Given: strconv.Quote(given),
			})
		}
	}
}

// Check returns the error of options that are out of range, or nil. It is the error that
// the methods of an Uploader with these options return.
func Check(bucket string, optFns ...func(*Options)) error {
	return New(nil, bucket, optFns...).invalid
}

// Uploader stores archives in a bucket. It implements images.UploadPreparer and is safe
// for concurrent use.
type Uploader struct {
	client  API
	bucket  string
	options Options
	invalid error // the options are out of range

	// region of the bucket, once it is known. It never changes.
	mu     sync.Mutex
	region string
}

var _ images.UploadPreparer = (*Uploader)(nil)

// New returns an Uploader for a bucket. If the options are out of range, its methods
// return an error that [lambdamicrovms.Violations] lists.
func New(client API, bucket string, optFns ...func(*Options)) *Uploader {
	u := &Uploader{client: client, bucket: bucket}
	o := &u.options
	for _, fn := range optFns {
		fn(o)
	}
	o.Tags = maps.Clone(o.Tags)
	o.PartSize = cmp.Or(o.PartSize, defaultPartSize)
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	o.CleanupTimeout = cmp.Or(o.CleanupTimeout, defaultCleanupTimeout)
	if o.ChecksumAlgorithm == "" && !checksumsOff(client) {
		o.ChecksumAlgorithm = types.ChecksumAlgorithmCrc64nvme
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	u.invalid = o.check(bucket)
	return u
}

// checksumsOff reports whether a client is configured for servers that do not know
// checksums.
func checksumsOff(client API) bool {
	configured, ok := client.(interface{ Options() s3.Options })
	return ok && configured.Options().RequestChecksumCalculation == aws.RequestChecksumCalculationWhenRequired
}

// PrepareUpload checks that the bucket exists and is in the region of the image. It makes
// at most one call, HeadBucket. It does not compare regions if one of them is unknown.
func (u *Uploader) PrepareUpload(ctx context.Context, target images.UploadTarget) error {
	if u.invalid != nil {
		return u.invalid
	}
	return u.checkRegion(ctx, target.Region)
}

func (u *Uploader) checkRegion(ctx context.Context, image string) error {
	want := cmp.Or(u.options.Region, image)
	found, err := u.bucketRegion(ctx, want)
	if err != nil {
		return &Error{Bucket: u.bucket, Step: StepBucket, Err: err}
	}
	if want != "" && found != "" && found != want {
		return &RegionError{Bucket: u.bucket, BucketRegion: found, ImageRegion: want}
	}
	return nil
}

// bucketRegion returns the region of the bucket, or "" if the server does not name it.
// want is where the bucket should be.
func (u *Uploader) bucketRegion(ctx context.Context, want string) (string, error) {
	region := u.knownRegion()
	if region != "" {
		return region, nil
	}
	out, err := u.client.HeadBucket(ctx, &s3.HeadBucketInput{
		Bucket: &u.bucket, ExpectedBucketOwner: optional(u.options.ExpectedBucketOwner),
	}, func(o *s3.Options) { o.Region = cmp.Or(o.Region, want) })
	if err == nil {
		region = aws.ToString(out.BucketRegion)
	} else if region = regionIn(err); region == "" || status(err) == http.StatusNotFound {
		return "", err
	}
	u.mu.Lock()
	u.region = region
	u.mu.Unlock()
	return region, nil
}

func (u *Uploader) knownRegion() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.region
}

// Upload stores the archive, unless its object exists, and returns s3://bucket/key. It
// reads the archive twice, from its beginning. It ignores the suggested name: the key
// depends on the content only.
func (u *Uploader) Upload(ctx context.Context, _ string, archive io.ReadSeeker, size int64) (uri string, err error) {
	if u.invalid != nil {
		return "", u.invalid
	}
	if err := u.checkRegion(ctx, ""); err != nil {
		return "", err
	}
	sums, err := sum(ctx, archive, size)
	if err != nil {
		return "", &Error{Bucket: u.bucket, Step: StepRead, Err: err}
	}
	t := u.newTransfer(u.options.key(sums.sha256), size)
	exists, err := t.exists(ctx)
	if err != nil {
		return "", &Error{Bucket: u.bucket, Key: t.key, Step: StepFind, Err: err}
	}
	if exists {
		u.options.Progress(Progress{Bucket: u.bucket, Key: t.key, Bytes: size, Total: size, Exists: true})
	} else if err := t.run(ctx, archive, sums.crc64nvme); err != nil {
		return "", err
	}
	return uriOf(u.bucket, t.key), nil
}

// key returns the key of an archive.
func (o *Options) key(sha256 string) string { return o.Prefix + sha256 + ".zip" }

func uriOf(bucket, key string) string { return "s3://" + bucket + "/" + key }

type sums struct {
	sha256    string // in hexadecimal
	crc64nvme string // in base64, as S3 has it
}

// crc64nvme is the polynomial of the checksum CRC-64/NVME, reversed.
const crc64nvme = 0x9a6c9329ac4bc9b5

// sum reads an archive of the given size from its beginning, and rewinds it.
func sum(ctx context.Context, archive io.ReadSeeker, size int64) (sums, error) {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return sums{}, err
	}
	key, check := sha256.New(), crc64.New(crc64.MakeTable(crc64nvme))
	n, err := io.Copy(io.MultiWriter(key, check), &contextReader{ctx, archive})
	if err == nil && n != size {
		err = fmt.Errorf("it has %d bytes instead of %d", n, size)
	}
	if err == nil {
		_, err = archive.Seek(0, io.SeekStart)
	}
	return sums{
		sha256:    hex.EncodeToString(key.Sum(nil)),
		crc64nvme: base64.StdEncoding.EncodeToString(check.Sum(nil)),
	}, err
}

// optional returns nil for a zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// contextReader is a reader that fails when the context ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
