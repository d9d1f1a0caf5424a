package s3upload

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// RegionError reports that a bucket is not in the region of the image. The service cannot
// read archives from another region.
type RegionError struct {
	Bucket       string
	BucketRegion string
	ImageRegion  string
}

func (e *RegionError) Error() string {
	return fmt.Sprintf("s3upload: bucket %s is in region %s, but the image is in %s",
		e.Bucket, e.BucketRegion, e.ImageRegion)
}

// Step is what an Uploader was doing.
type Step string

// The steps of an upload.
const (
	StepBucket Step = "read the region of the bucket"
	StepRead   Step = "read the archive"
	StepFind   Step = "look for the object"
	StepUpload Step = "upload"
)

// Error reports that an archive could not be stored.
type Error struct {
	Bucket string
	Key    string // empty if it is not known yet
	Step   Step
	Err    error

	// UploadID identifies a multipart upload that could not be aborted, because of
	// AbortErr. Its parts cost money until it is aborted.
	UploadID string
	AbortErr error
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "s3upload: s3://%s/%s: %s: %v", e.Bucket, e.Key, e.Step, e.Err)
	if e.AbortErr != nil {
		fmt.Fprintf(&b, "; multipart upload %s remains: %v", e.UploadID, e.AbortErr)
	}
	return b.String()
}

// Unwrap returns Err and, if set, AbortErr.
func (e *Error) Unwrap() []error {
	if e.AbortErr == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.AbortErr}
}

// status returns the HTTP status of the response that caused an error, or 0.
func status(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// regionIn returns the region of the bucket that an error response names, or "". S3 names
// it even if the caller may not read the bucket, or sent the request to another region.
func regionIn(err error) string {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.Response == nil {
		return ""
	}
	return response.Response.Header.Get("X-Amz-Bucket-Region")
}

// isMissing reports whether an error of HeadObject may mean that there is no object.
// Without permission to list the bucket, S3 responds with 403 instead of 404.
func isMissing(err error) bool {
	code := status(err)
	return code == http.StatusNotFound || code == http.StatusForbidden
}

func isNoSuchUpload(err error) bool {
	var rejected smithy.APIError
	return errors.As(err, &rejected) && rejected.ErrorCode() == "NoSuchUpload"
}
