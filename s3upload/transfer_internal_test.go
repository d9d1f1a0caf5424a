package s3upload

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/google/go-cmp/cmp"
)

// Reports of concurrent parts can arrive out of order.
func TestProgressNeverDecreases(t *testing.T) {
	var got []int64
	u := New(nil, "bucket", func(o *Options) {
		o.Progress = func(p Progress) { got = append(got, p.Bytes) }
	})
	transfer := u.newTransfer("key", 30)
	for _, bytes := range []int64{8, 24, 16, 30} {
		transfer.OnObjectBytesTransferred(context.Background(), &transfermanager.ObjectBytesTransferredEvent{BytesTransferred: bytes})
	}
	if diff := cmp.Diff([]int64{8, 24, 24, 30}, got); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
}

// The values are those of FIPS 180-4 and of the catalog of CRC algorithms, for "abc"
// and "123456789".
func TestSum(t *testing.T) {
	for text, want := range map[string][2]string{
		"abc":       {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", ""},
		"123456789": {"", "ae8b14860a799888"},
	} {
		archive := strings.NewReader(text)
		got, err := sum(context.Background(), archive, int64(len(text)))
		check, _ := base64.StdEncoding.DecodeString(got.crc64nvme)
		if err != nil || want[0] != "" && got.sha256 != want[0] || want[1] != "" && hex.EncodeToString(check) != want[1] {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
		if archive.Len() != len(text) {
			t.Errorf("%q is not rewound", text)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := sum(ended, strings.NewReader("abc"), 3); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestErrorText(t *testing.T) {
	cause, abort := errors.New("no"), errors.New("not now")
	for want, err := range map[string]error{
		"s3upload: s3://b/: read the region of the bucket: no": &Error{Bucket: "b", Step: StepBucket, Err: cause},
		"s3upload: s3://b/k: upload: no; multipart upload 7 remains: not now": &Error{
			Bucket: "b", Key: "k", Step: StepUpload, Err: cause, UploadID: "7", AbortErr: abort},
		"s3upload: bucket b is in region x, but the image is in y": &RegionError{Bucket: "b", BucketRegion: "x", ImageRegion: "y"},
	} {
		var failed *Error
		if fmt.Sprint(err) != want || errors.As(err, &failed) != errors.Is(err, cause) || failed != nil && errors.Is(err, abort) != (failed.AbortErr != nil) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
