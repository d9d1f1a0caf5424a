package commands

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// AWS charges for the parts of an upload until it is aborted, so a failed abort must be
// shown.
func TestRemains(t *testing.T) {
	failed := s3upload.Error{Bucket: "b", Key: "k 1.zip", UploadID: "id/1", AbortErr: errors.New("denied")}
	for _, test := range []struct {
		name    string
		err     error
		globals cli.Globals
		want    leftover
	}{
		{name: "no error"},
		{name: "another error", err: errors.New("no")},
		{name: "aborted", err: &s3upload.Error{Bucket: "b", Key: "k"}},
		{
			"not aborted", fmt.Errorf("upload: %w", &images.Error{Err: &failed}),
			cli.Globals{Profile: "p", Region: "eu-west-1"},
			leftover{
				what: "parts of the archive may remain in the bucket b",
				see:  "aws s3api list-parts --bucket b --key 'k 1.zip' --upload-id id/1 --profile p --region eu-west-1",
				end:  "aws s3api abort-multipart-upload --bucket b --key 'k 1.zip' --upload-id id/1 --profile p --region eu-west-1",
			},
		},
	} {
		r := &workflow{s: &cli.Session{Globals: &test.globals}}
		r.setMultipart(remains(test.err))
		if diff := cmp.Diff(test.want, r.leftover(test.err), cmp.AllowUnexported(leftover{})); diff != "" {
			t.Errorf("%s, -want +got:\n%s", test.name, diff)
		}
	}
}
