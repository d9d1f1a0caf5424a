package commands

import (
	"errors"
	"testing"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

func TestRemains(t *testing.T) {
	left := &s3upload.Error{Bucket: "artifacts", Key: "my app/1.zip", UploadID: "u1", Err: errors.New("lost")}
	for _, test := range []struct {
		name    string
		globals cli.Globals
		err     error
		what    string
		end     string
	}{
		{"nothing", cli.Globals{}, &s3upload.Error{Bucket: "artifacts"}, "", ""},
		{"parts", cli.Globals{}, left, "parts of the archive remain in the bucket artifacts",
			"aws s3api abort-multipart-upload --bucket artifacts --key 'my app/1.zip' --upload-id u1"},
		{"elsewhere", cli.Globals{Profile: "ci", Region: "eu-west-1"}, left, "parts of the archive remain in the bucket artifacts",
			"aws s3api abort-multipart-upload --bucket artifacts --key 'my app/1.zip' --upload-id u1 --profile ci --region eu-west-1"},
	} {
		if what, end := remains(&cli.Session{Globals: &test.globals}, test.err); what != test.what || end != test.end {
			t.Errorf("%s: got %q, %q", test.name, what, end)
		}
	}
}
