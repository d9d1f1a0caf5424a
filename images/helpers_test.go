package images_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

// bench is a fake and a client.
type bench struct {
	t      *testing.T
	ctx    context.Context
	srv    *fake.Server
	client *lambdamicrovms.Client
}

func newBench(t *testing.T, opts ...fake.Option) *bench {
	t.Helper()
	srv := fake.New(t, opts...)
	return &bench{t: t, ctx: context.Background(), srv: srv, client: lambdamicrovms.New(srv.Options())}
}

// clock, updating and the methods below are options with the fake's clock.
func (b *bench) clock(o *images.Options)           { o.Clock = b.srv.Clock() }
func (b *bench) updating(o *images.UpdateOptions)  { b.clock(&o.Options) }
func (b *bench) deploying(o *images.DeployOptions) { b.clock(&o.Options) }
func (b *bench) pruning(o *images.PruneOptions)    { b.clock(&o.Options) }

// declaration returns an input with only the required members.
func declaration() lambdamicrovms.CreateMicroVMImageInput {
	return lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("app"),
		BaseImageArn: aws.String(images.BaseImageARN(region, "al2023-1")),
		BuildRoleArn: aws.String(roleARN),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: artifact},
	}
}

// everything returns an input with all members of a configuration.
func everything() lambdamicrovms.CreateMicroVMImageInput {
	in := declaration()
	in.Description = aws.String("all of it")
	in.AdditionalOsCapabilities = []types.Capability{types.CapabilityAll}
	in.CpuConfigurations = []types.CpuConfiguration{{Architecture: types.ArchitectureArm64}}
	in.EgressNetworkConnectors = []string{"arn:aws:lambda:us-east-1:123456789012:network-connector:nc-1"}
	in.EnvironmentVariables = map[string]string{"MODE": "live", "PASSWORD": "hunter2"}
	in.Hooks = &types.Hooks{
		Port:              aws.Int32(9000),
		MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled, ReadyTimeoutInSeconds: aws.Int32(300)},
		MicroVMHooks:      &types.MicroVMHooks{Run: types.HookStateEnabled, RunTimeoutInSeconds: aws.Int32(5)},
	}
	in.Logging = &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("my/group")}}
	in.Resources = []types.Resources{{MinimumMemoryInMiB: aws.Int32(4096)}}
	return in
}

// deployment returns the deployment of a directory as an image with all members.
func (b *bench) deployment() images.Deployment {
	b.t.Helper()
	d := images.Deployment{Image: everything(), Dir: directory(b.t, map[string]string{"Dockerfile": "FROM scratch"}), Uploader: &bucket{}}
	d.Image.CodeArtifact = nil
	return d
}

// create creates an image and advances the clock to the end of its build.
func (b *bench) create(in lambdamicrovms.CreateMicroVMImageInput) {
	b.t.Helper()
	if _, err := b.client.CreateMicroVMImage(b.ctx, &in); err != nil {
		b.t.Fatal(err)
	}
	b.srv.Advance(5 * time.Minute)
}

// update makes a concurrent update of the description, and advances the clock to the end
// of its build.
func (b *bench) update(description string) {
	b.t.Helper()
	b.begin(description)
	b.srv.Advance(5 * time.Minute)
}

// begin makes a concurrent update whose build has not ended.
func (b *bench) begin(description string) {
	b.t.Helper()
	in := images.InputFrom(b.version(b.latest()))
	in.Description = &description
	if _, err := b.client.UpdateMicroVMImage(b.ctx, in); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) latest() string {
	b.t.Helper()
	image, err := b.client.GetMicroVMImage(b.ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(appARN)})
	if err != nil {
		b.t.Fatal(err)
	}
	return aws.ToString(image.LatestActiveImageVersion)
}

func (b *bench) version(version string) *lambdamicrovms.GetMicroVMImageVersionOutput {
	b.t.Helper()
	out, err := b.client.GetMicroVMImageVersion(b.ctx, &lambdamicrovms.GetMicroVMImageVersionInput{
		ImageIdentifier: aws.String(appARN), ImageVersion: &version,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// versions returns the numbers of the existing versions.
func (b *bench) versions() []string {
	b.t.Helper()
	out, err := b.client.ListMicroVMImageVersions(b.ctx, &lambdamicrovms.ListMicroVMImageVersionsInput{ImageIdentifier: aws.String(appARN)})
	if err != nil {
		b.t.Fatal(err)
	}
	var found []string
	for _, v := range out.Items {
		found = append(found, *v.ImageVersion)
	}
	return found
}

func (b *bench) setStatus(version string, status types.MicroVMImageVersionStatus) {
	b.t.Helper()
	_, err := b.client.UpdateMicroVMImageVersion(b.ctx, &lambdamicrovms.UpdateMicroVMImageVersionInput{
		ImageIdentifier: aws.String(appARN), ImageVersion: &version, Status: status,
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// describe returns a change of the description.
func describe(text string) func(*lambdamicrovms.UpdateMicroVMImageInput) error {
	return func(in *lambdamicrovms.UpdateMicroVMImageInput) error {
		in.Description = &text
		return nil
	}
}

// interposed is a client that runs concurrent calls of others before a request.
type interposed struct {
	*lambdamicrovms.Client
	update, list, remove func()
	find                 func(context.Context) error
	get                  func()
	// changed may change the result of an update.
	changed func(*lambdamicrovms.UpdateMicroVMImageOutput, error) (*lambdamicrovms.UpdateMicroVMImageOutput, error)
}

func once(f func()) func() {
	done := false
	return func() {
		if !done {
			done = true
			f()
		}
	}
}

func (c *interposed) UpdateMicroVMImage(ctx context.Context, in *lambdamicrovms.UpdateMicroVMImageInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.UpdateMicroVMImageOutput, error) {
	if c.update != nil {
		c.update()
	}
	out, err := c.Client.UpdateMicroVMImage(ctx, in, optFns...)
	if c.changed != nil {
		return c.changed(out, err)
	}
	return out, err
}

func (c *interposed) ListMicroVMImages(ctx context.Context, in *lambdamicrovms.ListMicroVMImagesInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImagesOutput, error) {
	if c.find != nil {
		if err := c.find(ctx); err != nil {
			return nil, err
		}
	}
	return c.Client.ListMicroVMImages(ctx, in, optFns...)
}

func (c *interposed) GetMicroVMImage(ctx context.Context, in *lambdamicrovms.GetMicroVMImageInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMImageOutput, error) {
	if c.get != nil {
		c.get()
	}
	return c.Client.GetMicroVMImage(ctx, in, optFns...)
}

func (c *interposed) ListMicroVMImageVersions(ctx context.Context, in *lambdamicrovms.ListMicroVMImageVersionsInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.ListMicroVMImageVersionsOutput, error) {
	if c.list != nil {
		c.list()
	}
	return c.Client.ListMicroVMImageVersions(ctx, in, optFns...)
}

func (c *interposed) DeleteMicroVMImageVersion(ctx context.Context, in *lambdamicrovms.DeleteMicroVMImageVersionInput, optFns ...func(*lambdamicrovms.Options)) (*lambdamicrovms.DeleteMicroVMImageVersionOutput, error) {
	if c.remove != nil {
		c.remove()
	}
	return c.Client.DeleteMicroVMImageVersion(ctx, in, optFns...)
}
