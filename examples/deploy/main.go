// Command deploy packs a directory with a Dockerfile, uploads it to S3, and makes a
// MicroVM image of it: a new one, or the next version of the one that there is. A second
// run with the same directory has nothing to do. Without flags it deploys a sample to the
// service's fake, in-process and without an account, twice.
//
//	go run ./examples/deploy
//	go run ./examples/deploy --bucket my-bucket --name my-app --build-role arn:aws:iam::123456789012:role/build ./my-app
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/s3upload"
)

//go:embed app app/.dockerignore
var sample embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("deploy [directory]", flag.ContinueOnError)
	bucket := flags.String("bucket", "", "S3 bucket for the archive, in the region of the image (default: the fake)")
	name := flags.String("name", "app", "name of the image")
	role := flags.String("build-role", "arn:aws:iam::123456789012:role/build", "ARN of the role that the service builds with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	deployment := images.Deployment{Dir: flags.Arg(0)}
	deployment.Image.Name, deployment.Image.BuildRoleArn = name, role
	if *bucket == "" {
		return deployToFake(ctx, deployment)
	}

	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	deployment.Uploader = s3upload.New(s3.NewFromConfig(cfg), *bucket)
	return deploy(ctx, lambdamicrovms.NewFromConfig(cfg), deployment)
}

func deploy(ctx context.Context, client *lambdamicrovms.Client, deployment images.Deployment) error {
	deployment.Image.BaseImageArn = images.BaseImage(client, "al2023-1")
	result, err := images.Deploy(ctx, client, deployment, func(o *images.DeployOptions) {
		o.Progress = func(e images.Event) { fmt.Println(e) }
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s is version %s (unchanged: %v)\n%v\n", result.Image, result.Version, result.Unchanged, result.Changes)
	return nil
}

// deployToFake deploys the directory, or the sample, twice.
func deployToFake(ctx context.Context, deployment images.Deployment) error {
	srv := fake.NewServer(fake.WithRealTime(), fake.WithDelays(fake.Delays{BuildQueue: 500 * time.Millisecond, Build: 3 * time.Second}))
	deployment.Uploader = images.UploaderFunc(func(_ context.Context, name string, _ io.ReadSeeker, _ int64) (string, error) {
		return "s3://no-bucket/" + name, nil
	})
	if deployment.Dir == "" {
		dir, err := os.MkdirTemp("", "deploy")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // it is in the directory for such things
		if err := os.CopyFS(dir, sample); err != nil {
			return err
		}
		deployment.Dir = dir + "/app"
	}
	client := lambdamicrovms.New(srv.Options())
	for range 2 {
		if err := deploy(ctx, client, deployment); err != nil {
			return err
		}
	}
	return nil
}
