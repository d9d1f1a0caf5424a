// Command cistep is the deployment step of a CI job: it deploys an archive, tests the new
// version, and makes the one before it active again if the test fails.
//
//	go run ./examples/cistep                                          # against the fake
//	go run ./examples/cistep -aws -name shop -build-role ARN \
//	    -artifact s3://bucket/shop-4f2a.zip -test /health -output "$GITHUB_OUTPUT"
//
// The exit status is 1 if the version that serves is not the one that was to be deployed,
// or has failed its test. A run for the same archive builds nothing, and tests the
// version again: a job that was canceled may have left it untested.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func main() {
	// A CI system that cancels a job sends SIGTERM. The build goes on; the next run waits
	// for it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "cistep:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	d := deployment{log: stdout}
	flags := flag.NewFlagSet("cistep", flag.ContinueOnError)
	real := flags.Bool("aws", false, "use AWS, with the configuration of the environment, and not the fake")
	output := flags.String("output", "", "file to which version=… is appended")
	flags.StringVar(&d.name, "name", "shop", "name of the image")
	flags.StringVar(&d.role, "build-role", "arn:aws:iam::123456789012:role/build", "ARN of the role that the service builds with")
	flags.StringVar(&d.artifact, "artifact", "s3://bucket/shop.zip", "URI of the archive; each content needs a name of its own")
	flags.StringVar(&d.test, "test", "/", "path that the application must respond to with status 200")
	flags.IntVar(&d.keep, "keep", 10, "number of versions to keep")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d.client = lambdamicrovms.New(fake.NewServer().Options())
	if *real {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		d.client = lambdamicrovms.NewFromConfig(cfg)
	}
	version, err := d.run(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(stdout, "serving version", version)
	if *output == "" {
		return nil
	}
	file, err := os.OpenFile(*output, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "version=%s\n", version)
	return errors.Join(err, file.Close())
}

type deployment struct {
	client                     *lambdamicrovms.Client
	name, role, artifact, test string
	keep                       int
	log                        io.Writer
}

// run returns the version that serves.
func (d *deployment) run(ctx context.Context) (string, error) {
	result, err := images.Deploy(ctx, d.client, images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String(d.name),
			BaseImageArn: images.BaseImage(d.client, "al2023-1"),
			BuildRoleArn: aws.String(d.role),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: d.artifact},
		},
		ContentHash: d.artifact,
	}, func(o *images.DeployOptions) {
		o.Progress = func(e images.Event) { _, _ = fmt.Fprintln(d.log, e) }
	})
	if err != nil {
		return "", err // the version before it still serves
	}
	if err := d.smokeTest(ctx, result); err != nil {
		return "", errors.Join(err, d.rollBack(ctx, result))
	}
	if result.Unchanged {
		return result.Version, nil
	}
	if _, err := images.Prune(ctx, d.client, result.Image, d.keep); err != nil {
		_, _ = fmt.Fprintln(d.log, "old versions are left:", err) // not a reason to fail
	}
	return result.Version, nil
}

// smokeTest sends a request to a MicroVM of the new version.
func (d *deployment) smokeTest(ctx context.Context, result *images.Result) (err error) {
	s, err := session.Run(ctx, d.client, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: aws.String(result.Image), ImageVersion: aws.String(result.Version),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.test, http.NoBody)
	if err != nil {
		return err
	}
	response, err := s.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it is not read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("version %s: GET %s: %s", result.Version, d.test, response.Status)
	}
	return nil
}

// rollBack makes the version before active again, if this run has replaced one. The error
// says which version serves.
func (d *deployment) rollBack(ctx context.Context, result *images.Result) error {
	if result.Unchanged || result.From == "" {
		return fmt.Errorf("version %s still serves", result.Version)
	}
	back, err := images.Rollback(ctx, d.client, result.Image, result.From)
	if err != nil {
		return fmt.Errorf("version %s serves although its test has failed: %w", result.Version, err)
	}
	return fmt.Errorf("version %s serves again", back.To)
}
