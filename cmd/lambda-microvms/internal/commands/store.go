package commands

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// bucketVariable names the bucket for archives.
const bucketVariable = "LAMBDA_MICROVMS_BUCKET"

// store uploads the archive. It makes its client and looks for the bucket only when there
// is something to upload.
type store struct {
	s   *cli.Session
	cfg aws.Config
	r   *run

	live string // the bucket of the version that is active
	to   *s3upload.Uploader
}

func newStore(s *cli.Session, cfg aws.Config, r *run) *store { return &store{s: s, cfg: cfg, r: r} }

// bucket returns the bucket to use.
func (t *store) bucket() (string, error) {
	for _, name := range []string{t.s.Args.Value(bucketOption), os.Getenv(bucketVariable), t.live} {
		if name != "" {
			return name, nil
		}
	}
	return "", fault.Usage("--%s is required: neither %s nor the image names a bucket for the archive", bucketOption, bucketVariable)
}

// PrepareUpload checks the bucket before the directory is packed.
func (t *store) PrepareUpload(ctx context.Context, target images.UploadTarget) error {
	bucket, err := t.bucket()
	if err != nil {
		return err
	}
	t.s.Debugf("the archive goes to the bucket %s", bucket)
	client := s3.NewFromConfig(t.cfg, func(o *s3.Options) {
		// An emulator of S3 has no host name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
	})
	t.to = s3upload.New(client, bucket, func(o *s3upload.Options) {
		o.Prefix = t.s.Args.Value(prefixOption)
		o.Progress = func(p s3upload.Progress) {
			if !p.Exists {
				t.r.reporter.Upload(p.Bytes, p.Total)
			}
		}
	})
	return t.to.PrepareUpload(ctx, target)
}

// Upload uploads the archive.
func (t *store) Upload(ctx context.Context, name string, archive io.ReadSeeker, size int64) (string, error) {
	return t.to.Upload(ctx, name, archive, size)
}

// uploadError adds the bucket and the key to an error of S3. It returns nil for other
// errors.
func uploadError(ctx context.Context, s *cli.Session, err error) error {
	var elsewhere *s3upload.RegionError
	if errors.As(err, &elsewhere) {
		return fault.General("--%s: the bucket %s is in the region %s, but the image is in %s, and the service reads archives of its own region only",
			bucketOption, elsewhere.Bucket, elsewhere.BucketRegion, elsewhere.ImageRegion)
	}
	var failed *s3upload.Error
	if !errors.As(err, &failed) {
		return nil
	}
	e := *fault.Of(s.WorkflowError(ctx, err, plain(err)))
	if e.Operation != "" {
		if e.Message == "" { // a response to HEAD has no body
			e.Message = "the request to " + string(failed.Step) + " was refused"
		}
		if e.Code == "NotFound" && failed.Step == s3upload.StepBucket {
			e.Message = "there is no such bucket"
		}
		e.Details = append(e.Details, fault.Detail{Name: "bucket", Value: failed.Bucket})
		if failed.Key != "" {
			e.Details = append(e.Details, fault.Detail{Name: "key", Value: failed.Key})
		}
	}
	return &e
}

// remains returns what an upload has left in the bucket, and the command that removes it.
func remains(s *cli.Session, err error) (what, end string) {
	var failed *s3upload.Error
	if !errors.As(err, &failed) || failed.UploadID == "" {
		return "", ""
	}
	return "parts of the archive remain in the bucket " + failed.Bucket,
		cli.Quote(append([]string{"aws", "s3api", "abort-multipart-upload", "--bucket", failed.Bucket, "--key", failed.Key, "--upload-id", failed.UploadID},
			given(option{"--profile", s.Globals.Profile}, option{"--region", s.Globals.Region})...))
}
