package commands

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/microvm-go/lambdamicrovms"
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
	r   *workflow

	live string // the bucket of the version that is active
	to   *s3upload.Uploader
}

func newStore(s *cli.Session, cfg aws.Config, r *workflow) *store {
	return &store{s: s, cfg: cfg, r: r}
}

// bucket returns the bucket to use.
func (t *store) bucket() (string, error) {
	for _, name := range []string{t.s.Args.Value(bucketOption), os.Getenv(bucketVariable), t.live} {
		if name != "" {
			return name, nil
		}
	}
	return "", fault.Usage("There is no bucket for the archive: set --%s or %s", bucketOption, bucketVariable)
}

// checkDestination checks the options for the archive before anything is sent. The bucket
// of the image is not known yet.
func checkDestination(s *cli.Session) error {
	if err := notEmpty(s, bucketOption); err != nil {
		return err
	}
	bucket := cmp.Or(s.Args.Value(bucketOption), os.Getenv(bucketVariable), "bucket")
	err := s3upload.Check(bucket, func(o *s3upload.Options) { o.Prefix = s.Args.Value(prefixOption) })
	violations := lambdamicrovms.Violations(err)
	switch {
	case len(violations) == 0:
		return err
	case violations[0].Path == "Prefix":
		return fault.Parameter(prefixOption, "%s", violations[0])
	case s.Args.Value(bucketOption) != "":
		return fault.Parameter(bucketOption, "%s", violations[0])
	}
	return fault.Usage("%s: %s", bucketVariable, violations[0])
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
	t.to = s3upload.New(&multipartClient{client, t.r}, bucket, func(o *s3upload.Options) {
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
	uri, err := t.to.Upload(ctx, name, archive, size)
	t.r.setMultipart(remains(err))
	return uri, err
}

// multipart identifies a multipart upload. Its parts cost money until it ends.
type multipart struct{ bucket, key, id string }

// multipartClient notes a multipart upload when it begins.
type multipartClient struct {
	*s3.Client
	r *workflow
}

// CreateMultipartUpload implements s3upload.API.
func (c *multipartClient) CreateMultipartUpload(
	ctx context.Context, in *s3.CreateMultipartUploadInput, optFns ...func(*s3.Options),
) (*s3.CreateMultipartUploadOutput, error) {
	out, err := c.Client.CreateMultipartUpload(ctx, in, optFns...)
	if err == nil {
		c.r.setMultipart(multipart{*in.Bucket, *in.Key, aws.ToString(out.UploadId)})
	}
	return out, err
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

// remains returns the multipart upload that could not be aborted. If there is none, its
// id is empty.
func remains(err error) multipart {
	var failed *s3upload.Error
	if !errors.As(err, &failed) {
		return multipart{}
	}
	return multipart{failed.Bucket, failed.Key, failed.UploadID}
}

// command is a command line of the AWS CLI about the upload.
func (m multipart) command(s *cli.Session, name string) string {
	return cli.Quote(append([]string{"aws", "s3api", name, "--bucket", m.bucket, "--key", m.key, "--upload-id", m.id},
		given(option{"--profile", s.Globals.Profile}, option{"--region", s.Globals.Region})...))
}
