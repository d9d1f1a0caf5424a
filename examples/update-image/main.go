// Command update-image updates a MicroVM image from a configuration file and waits for
// the version that the update builds. Without flags it does so against the service's
// fake, in-process and without an account; with --aws or --endpoint-url it uses your
// credentials.
//
//	go run ./examples/update-image
//	go run ./examples/update-image --fail
//	go run ./examples/update-image --aws --config my-image.json
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

//go:embed image.json
var sampleImage []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "update-image:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("update-image", flag.ContinueOnError)
	file := flags.String("config", "", "configuration of the image, in the wire format of UpdateMicrovmImage (default: a sample)")
	fail := flags.Bool("fail", false, "let the build fail (fake only)")
	useAWS := flags.Bool("aws", false, "use AWS with your credentials in place of the fake")
	endpoint := flags.String("endpoint-url", "", "use this endpoint with your credentials in place of the fake")
	maxWait := flags.Duration("max-wait", 30*time.Minute, "how long to wait for the build")
	if err := flags.Parse(args); err != nil {
		return err
	}

	update, err := readImage(*file)
	if err != nil {
		return err
	}
	client, err := newClient(ctx, *useAWS, *endpoint, *fail)
	if err != nil {
		return err
	}
	if err := ensureImage(ctx, client, update, *maxWait); err != nil {
		return err
	}

	fmt.Println("updating", *update.ImageIdentifier)
	out, err := client.UpdateMicroVMImage(ctx, update)
	if err != nil {
		return err
	}
	if err := waitForVersion(ctx, client, out.ImageArn, out.ImageVersion, *maxWait); err != nil {
		return err
	}
	version, err := client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: out.ImageArn, ImageVersion: out.ImageVersion,
	})
	if err != nil {
		return err
	}
	return printVersion(version)
}

// readImage reads the file; a member that the service does not know is an error, since a
// typo would wipe a setting.
func readImage(name string) (*lambdamicrovms.UpdateMicroVMImageInput, error) {
	data := sampleImage
	if name != "" {
		var err error
		if data, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	in := new(lambdamicrovms.UpdateMicroVMImageInput)
	if err := json.Unmarshal(data, in); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := lambdamicrovms.Validate(in, lambdamicrovms.ValidationStrict); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return in, nil
}

func newClient(ctx context.Context, useAWS bool, endpoint string, fail bool) (*lambdamicrovms.Client, error) {
	if !useAWS && endpoint == "" {
		srv := fake.NewServer(fake.WithRealTime(), fake.WithDelays(fake.Delays{
			BuildQueue: 300 * time.Millisecond, Build: time.Second, FailedBuild: 800 * time.Millisecond,
		}))
		if fail { // the first build is that of create
			srv.Inject(fake.FailBuild{Reason: fake.ReasonContainerBuild, Generations: []string{"3"}}, fake.On(fake.UpdateMicroVMImage))
		}
		return lambdamicrovms.New(srv.Options()), nil
	}
	if fail {
		return nil, errors.New("--fail works with the fake only")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return lambdamicrovms.NewFromConfig(cfg, func(o *lambdamicrovms.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	}), nil
}

// ensureImage creates the image from the same configuration unless there is one.
func ensureImage(ctx context.Context, client *lambdamicrovms.Client, update *lambdamicrovms.UpdateMicroVMImageInput, maxWait time.Duration) error {
	_, err := client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: update.ImageIdentifier})
	if !lambdamicrovms.IsNotFound(err) {
		return err
	}
	arn := *update.ImageIdentifier
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	fmt.Println("creating", name)
	out, err := client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name: aws.String(name), BaseImageArn: update.BaseImageArn, BuildRoleArn: update.BuildRoleArn, CodeArtifact: update.CodeArtifact,
	})
	if err != nil {
		return err
	}
	return waitForVersion(ctx, client, out.ImageArn, out.ImageVersion, maxWait)
}

// waitForVersion prints a line for each poll, and for a version that failed which of its
// builds did and why.
func waitForVersion(ctx context.Context, client *lambdamicrovms.Client, image, version *string, maxWait time.Duration) error {
	waiter := lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(client, func(o *lambdamicrovms.MicroVMImageVersionSuccessfulWaiterOptions) {
		o.MinDelay = 250 * time.Millisecond
		o.OnAttempt = func(a lambdamicrovms.WaiterAttempt) {
			fmt.Printf("  %6.1fs  version %s  %s\n", a.Elapsed.Seconds(), *version, a.State)
		}
	})
	err := waiter.Wait(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: image, ImageVersion: version}, maxWait)
	var failure *lambdamicrovms.WaiterFailureError
	if !errors.As(err, &failure) {
		return err
	}
	builds := lambdamicrovms.NewListMicroVMImageBuildsPaginator(client, &lambdamicrovms.ListMicroVMImageBuildsInput{
		ImageIdentifier: image, ImageVersion: version,
	})
	for build, listErr := range builds.Items(ctx) {
		if listErr != nil {
			return errors.Join(err, listErr)
		}
		if build.BuildState == types.BuildStateFailed {
			fmt.Printf("  build %s (%s generation %s) failed: %s\n", *build.BuildId, build.Chipset, *build.ChipsetGeneration, aws.ToString(build.StateReason))
		}
	}
	return err
}

// printVersion shows the version as JSON without the values of its environment variables.
func printVersion(version *lambdamicrovms.GetMicroVMImageVersionOutput) error {
	for name := range version.EnvironmentVariables {
		version.EnvironmentVariables[name] = "[REDACTED]"
	}
	text, err := json.MarshalIndent(version, "", "  ")
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}
