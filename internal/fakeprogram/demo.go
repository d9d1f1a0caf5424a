package fakeprogram

import (
	"context"
	_ "embed"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The images of the demonstration. Builds of demoFailing fail, except for its first
// version.
const (
	demoImage   = "web"
	demoFailing = "checkout"
)

// demonstration creates the resources of --demo.
type demonstration struct {
	srv         *fake.Server
	client      *lambdamicrovms.Client
	region      string
	credentials aws.Credentials
}

// seed creates two images, one with a failed update, and two MicroVMs, unless the loaded
// state has them. The IDs are the same at every start.
func seed(ctx context.Context, srv *fake.Server) (*demonstration, error) {
	d := &demonstration{srv: srv, client: lambdamicrovms.New(srv.Options())}
	d.region = d.client.Options().Region
	var err error
	if d.credentials, err = srv.Credentials().Retrieve(ctx); err != nil {
		return nil, err
	}
	if _, err = images.Find(ctx, d.client, demoImage); lambdamicrovms.IsNotFound(err) {
		err = errors.Join(d.create(ctx, demoImage), d.create(ctx, demoFailing), d.run(ctx), d.run(ctx))
	}
	if err != nil {
		return nil, err
	}
	srv.Inject(fake.FailBuild{}, fake.Image(demoFailing))
	return d, d.fail(ctx)
}

func (d *demonstration) imageARN(name string) string {
	return images.ARN{Region: d.region, Account: d.credentials.AccountID, Name: name}.String()
}

func (d *demonstration) roleARN() string {
	return "arn:aws:iam::" + d.credentials.AccountID + ":role/microvm-build"
}

func artifact(name string) types.CodeArtifact {
	return &types.CodeArtifactMemberUri{Value: "s3://microvm-demo/" + name + ".zip"}
}

func (d *demonstration) create(ctx context.Context, name string) error {
	created, err := d.client.CreateMicroVMImage(ctx, &lambdamicrovms.CreateMicroVMImageInput{
		Name:                 &name,
		Description:          aws.String("Demonstration"),
		BaseImageArn:         aws.String(images.BaseImageARN(d.region, "al2023-1")),
		BuildRoleArn:         aws.String(d.roleARN()),
		CodeArtifact:         artifact(name),
		EnvironmentVariables: map[string]string{"STAGE": "test"},
	})
	if err != nil {
		return err
	}
	return d.built(ctx, created.ImageArn, created.ImageVersion)
}

// fail starts a build of demoFailing that fails, unless one has failed before.
func (d *demonstration) fail(ctx context.Context) error {
	found, err := images.Find(ctx, d.client, demoFailing)
	if err != nil || found.LatestFailedImageVersion != nil {
		return err
	}
	updated, err := d.client.UpdateMicroVMImage(ctx, &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier: found.ImageArn,
		BaseImageArn:    aws.String(images.BaseImageARN(d.region, "al2023-1")),
		BuildRoleArn:    aws.String(d.roleARN()),
		CodeArtifact:    artifact(demoFailing),
	})
	if err != nil {
		return err
	}
	err = d.built(ctx, updated.ImageArn, updated.ImageVersion)
	var failed *lambdamicrovms.WaiterFailureError
	if errors.As(err, &failed) {
		return nil
	}
	return err
}

func (d *demonstration) run(ctx context.Context) error {
	started, err := d.client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(d.imageARN(demoImage))})
	if err != nil {
		return err
	}
	in := &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: started.MicroVMId}
	return lambdamicrovms.NewMicroVMRunningWaiter(d.client, func(o *lambdamicrovms.MicroVMRunningWaiterOptions) {
		o.Clock = skippingClock{d.srv}
	}).Wait(ctx, in, time.Hour)
}

// built waits until the build of a version ends.
func (d *demonstration) built(ctx context.Context, image, version *string) error {
	in := &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: image, ImageVersion: version}
	return lambdamicrovms.NewMicroVMImageVersionSuccessfulWaiter(d.client, func(o *lambdamicrovms.MicroVMImageVersionSuccessfulWaiterOptions) {
		o.Clock = skippingClock{d.srv}
	}).Wait(ctx, in, time.Hour)
}

// skippingClock advances the server's clock instead of sleeping. The server's own clock
// would sleep, because it shows real time.
type skippingClock struct{ *fake.Server }

func (c skippingClock) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// demoText are the commands to try, and demoDeploy is one more, which needs S3.
var (
	//go:embed demo.txt
	demoText string
	//go:embed demo_deploy.txt
	demoDeploy string
)

// commands returns shell commands to try.
func (d *demonstration) commands(command, address string, hasStorage bool) string {
	text := demoText
	if hasStorage {
		text += demoDeploy
	}
	return strings.NewReplacer(
		"{command}", command,
		"{address}", address,
		"{region}", d.region,
		"{key}", d.credentials.AccessKeyID,
		"{secret}", d.credentials.SecretAccessKey,
		"{failing}", d.imageARN(demoFailing),
		"{image}", d.imageARN(demoImage),
		"{base}", images.BaseImageARN(d.region, "al2023-1"),
		"{role}", d.roleARN(),
		"{egress}", images.ConnectorARN(d.region, "INTERNET_EGRESS"),
	).Replace(text)
}
