package s3upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

// bucketIn returns a client of a server that stands for S3 and has one bucket. A program
// uses s3.NewFromConfig(cfg).
func bucketIn(region string) (client *s3.Client, stop func()) {
	stored := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, found := stored[r.URL.Path]
		switch {
		case r.URL.Path == "/my-bucket":
			w.Header().Set("X-Amz-Bucket-Region", region)
		case r.Method == http.MethodPut:
			content, _ := io.ReadAll(r.Body)
			stored[r.URL.Path] = len(content)
		case found:
			w.Header().Set("Content-Length", fmt.Sprint(size))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	return s3.New(s3.Options{Region: region, BaseEndpoint: &server.URL, UsePathStyle: true}), server.Close
}

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		panic(err)
	}
	client := lambdamicrovms.New(fake.NewServer().Options()) // a program uses NewFromConfig(cfg)
	bucket, stop := bucketIn("us-east-1")
	defer stop()

	for _, name := range []string{"one", "two"} {
		result, err := images.Deploy(context.Background(), client, images.Deployment{
			Image: lambdamicrovms.CreateMicroVMImageInput{
				Name:         aws.String(name),
				BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
				BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			},
			Dir: dir,
			Uploader: s3upload.New(bucket, "my-bucket", func(o *s3upload.Options) {
				o.Prefix = "images/"
				o.Tags = map[string]string{"team": "a"}
				o.Progress = func(p s3upload.Progress) { fmt.Println(p.Bytes == p.Total, "exists:", p.Exists) }
			}),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, result.Version, filepath.Dir(result.ArtifactURI))
	}
	// Output:
	// false exists: false
	// true exists: false
	// one 1.0 s3:/my-bucket/images
	// true exists: true
	// two 1.0 s3:/my-bucket/images
}

func ExampleRegionError() {
	bucket, stop := bucketIn("eu-west-1")
	defer stop()
	err := s3upload.New(bucket, "my-bucket").PrepareUpload(context.Background(),
		images.UploadTarget{Image: "app", Region: "us-east-1"})
	var elsewhere *s3upload.RegionError
	if errors.As(err, &elsewhere) {
		fmt.Println(elsewhere)
	}
	// Output:
	// s3upload: bucket my-bucket is in region eu-west-1, but the image is in us-east-1
}
