package s3upload

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	managertypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// transfer is the upload of one archive. It is also the S3 client of the transfer
// manager, and adds to it: requests go to the region of the bucket, and cleanup continues
// after the context has ended.
type transfer struct {
	API
	options *Options
	bucket  string
	region  string // of the bucket, or ""
	key     string
	size    int64

	// failed is the error of a multipart upload that the manager believes to be complete.
	failed error
	// abortErr is why the multipart upload with the ID uploadID could not be aborted.
	abortErr error
	uploadID string

	progress sync.Mutex
	done     int64
}

func (u *Uploader) newTransfer(key string, size int64) *transfer {
	return &transfer{API: u.client, options: &u.options, bucket: u.bucket, region: u.knownRegion(), key: key, size: size}
}

// exists reports whether the object exists. Its key says what its content is, so only an
// object of another size can be wrong.
func (t *transfer) exists(ctx context.Context) (bool, error) {
	out, err := t.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &t.bucket, Key: &t.key, ExpectedBucketOwner: optional(t.options.ExpectedBucketOwner),
	}, t.inRegion)
	switch {
	case err == nil:
		return aws.ToInt64(out.ContentLength) == t.size, nil
	case isMissing(err):
		return false, nil
	}
	return false, err
}

// inRegion makes a request to the region of the bucket.
func (t *transfer) inRegion(o *s3.Options) {
	o.Region = cmp.Or(t.region, o.Region, t.options.Region)
}

// run uploads the archive, in parts if it is large.
func (t *transfer) run(ctx context.Context, archive io.Reader, crc64nvme string) error {
	input := &transfermanager.UploadObjectInput{
		Bucket:               &t.bucket,
		Key:                  &t.key,
		Body:                 archive,
		ContentType:          aws.String("application/zip"),
		ChecksumAlgorithm:    managertypes.ChecksumAlgorithm(t.options.ChecksumAlgorithm),
		ExpectedBucketOwner:  optional(t.options.ExpectedBucketOwner),
		ServerSideEncryption: managertypes.ServerSideEncryption(t.options.ServerSideEncryption),
		SSEKMSKeyID:          optional(t.options.KMSKeyID),
		Tagging:              optional(encodeTags(t.options.Tags)),
	}
	if t.options.ChecksumAlgorithm == types.ChecksumAlgorithmCrc64nvme {
		input.ChecksumCRC64NVME, input.ChecksumType = &crc64nvme, managertypes.ChecksumTypeFullObject
	}
	manager := transfermanager.New(t, func(o *transfermanager.Options) {
		o.PartSizeBytes, o.Concurrency, o.MultipartUploadThreshold = t.options.PartSize, t.options.Concurrency, multipartThreshold
		if t.options.ChecksumAlgorithm == "" {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		}
		o.ObjectProgressListeners.Register(t)
	})
	_, err := manager.UploadObject(ctx, input)
	if err = cmp.Or(t.failed, err); err != nil {
		return &Error{Bucket: t.bucket, Key: t.key, Step: StepUpload, Err: err, UploadID: t.uploadID, AbortErr: t.abortErr}
	}
	return nil
}

func encodeTags(tags map[string]string) string {
	values := make(url.Values, len(tags))
	for key, value := range tags {
		values.Set(key, value)
	}
	return values.Encode()
}

// OnObjectTransferStart is called by the transfer manager.
func (t *transfer) OnObjectTransferStart(context.Context, *transfermanager.ObjectTransferStartEvent) {
	t.report(0)
}

// OnObjectBytesTransferred is called by the transfer manager, from several goroutines.
func (t *transfer) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	t.report(e.BytesTransferred)
}

func (t *transfer) report(done int64) {
	t.progress.Lock()
	defer t.progress.Unlock()
	t.done = max(t.done, done) // reports of concurrent parts can arrive out of order
	t.options.Progress(Progress{Bucket: t.bucket, Key: t.key, Bytes: t.done, Total: t.size})
}

// PutObject uploads a small archive.
func (t *transfer) PutObject(ctx context.Context, in *s3.PutObjectInput, optFns ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return t.API.PutObject(ctx, in, append(slices.Clip(optFns), t.inRegion)...)
}

// UploadPart uploads a part of a large archive.
func (t *transfer) UploadPart(ctx context.Context, in *s3.UploadPartInput, optFns ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	return t.API.UploadPart(ctx, in, append(slices.Clip(optFns), t.inRegion)...)
}

// CreateMultipartUpload begins the upload of a large archive. It waits for the response
// even if the context has ended, because without the ID the upload cannot be aborted.
func (t *transfer) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := outlive(ctx, t.options.CleanupTimeout)
	defer cancel()
	return t.API.CreateMultipartUpload(ctx, in, append(slices.Clip(optFns), t.inRegion)...)
}

// CompleteMultipartUpload ends the upload of a large archive. It reports success in any
// case; run returns the error. Otherwise the manager would abort the upload after a lost
// response, and write to the standard logger.
func (t *transfer) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, optFns ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := t.API.CompleteMultipartUpload(ctx, in, append(slices.Clip(optFns), t.inRegion)...)
	if err == nil {
		return out, nil
	}
	t.abort(ctx, *in.UploadId)
	outlived, cancel := outlive(ctx, t.options.CleanupTimeout)
	defer cancel()
	// After a lost response, the object may be complete.
	if exists, _ := t.exists(outlived); !exists || t.abortErr != nil {
		t.failed = err
	}
	return &s3.CompleteMultipartUploadOutput{Key: in.Key}, nil
}

// AbortMultipartUpload reports success in any case; run returns the error. Otherwise the
// manager would replace the cause of the failure by the error of aborting.
func (t *transfer) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, _ ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	t.abort(ctx, *in.UploadId)
	return &s3.AbortMultipartUploadOutput{}, nil
}

// maxAborts is how often an upload is aborted. A part that S3 was receiving during an
// abort may be stored after it.
const maxAborts = 3

// abort removes a multipart upload and its parts, even if the context has ended.
func (t *transfer) abort(ctx context.Context, uploadID string) {
	ctx, cancel := outlive(ctx, t.options.CleanupTimeout)
	defer cancel()
	owner := optional(t.options.ExpectedBucketOwner)
	for range maxAborts {
		_, err := t.API.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &t.bucket, Key: &t.key, UploadId: &uploadID, ExpectedBucketOwner: owner,
		}, t.inRegion)
		if isNoSuchUpload(err) {
			return
		}
		if err != nil {
			t.uploadID, t.abortErr = uploadID, err
			return
		}
		left, err := t.ListParts(ctx, &s3.ListPartsInput{
			Bucket: &t.bucket, Key: &t.key, UploadId: &uploadID, ExpectedBucketOwner: owner, MaxParts: aws.Int32(1),
		}, t.inRegion)
		if err != nil || len(left.Parts) == 0 { // usually NoSuchUpload
			return
		}
	}
	t.uploadID, t.abortErr = uploadID, errors.New("it still has parts")
}

// outlive returns a context that ends the given time after its parent.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
