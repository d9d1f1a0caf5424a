//go:build go1.25

package fake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// TestStandstillIsReported checks which callers get a hint: those that wait in real time
// for something that happens in the server's time.
func TestStandstillIsReported(t *testing.T) {
	image := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageARN)}
	wait := func(client lambdamicrovms.GetMicroVMImageAPIClient, clock lambdamicrovms.Clock) error {
		return lambdamicrovms.NewMicroVMImageCreatedWaiter(client).Wait(context.Background(), image, 10*time.Minute,
			func(o *lambdamicrovms.MicroVMImageCreatedWaiterOptions) { o.Clock = clock })
	}
	const polled = "fake: GetMicrovmImage was polled for "
	for _, test := range []struct {
		name string
		do   func(srv *fake.Server, client *lambdamicrovms.Client) error
		real bool
		want string
	}{
		{"a client that hides its options", func(_ *fake.Server, client *lambdamicrovms.Client) error {
			_ = wait(struct {
				lambdamicrovms.GetMicroVMImageAPIClient
			}{client}, nil) // times out
			return nil
		}, false, polled},
		{"an update that is refused while the image is built", func(_ *fake.Server, client *lambdamicrovms.Client) error {
			for range 5 {
				_, err := client.UpdateMicroVMImage(context.Background(), &lambdamicrovms.UpdateMicroVMImageInput{
					ImageIdentifier: aws.String(imageARN), BaseImageArn: createInput("app").BaseImageArn,
					BuildRoleArn: createInput("app").BuildRoleArn, CodeArtifact: createInput("app").CodeArtifact,
				})
				if !lambdamicrovms.IsImageBusy(err) {
					return fmt.Errorf("%w, want that the image is busy", err)
				}
				time.Sleep(5 * time.Second)
			}
			return nil
		}, false, "fake: UpdateMicrovmImage was polled for "},
		{"the waiter's own clock", func(_ *fake.Server, client *lambdamicrovms.Client) error {
			return wait(client, nil)
		}, false, ""},
		{"the server's clock", func(srv *fake.Server, client *lambdamicrovms.Client) error {
			return wait(client, srv.Clock())
		}, false, ""},
		{"real time", func(_ *fake.Server, client *lambdamicrovms.Client) error {
			return wait(client, nil)
		}, true, ""},
		{"a slow test that moves the clock", func(srv *fake.Server, client *lambdamicrovms.Client) error {
			for range 10 {
				time.Sleep(time.Minute)
				srv.Advance(time.Second)
				if _, err := client.GetMicroVMImage(context.Background(), image); err != nil {
					return err
				}
			}
			return nil
		}, false, ""},
		{"load", func(_ *fake.Server, client *lambdamicrovms.Client) error {
			for range 100 {
				time.Sleep(100 * time.Millisecond)
				if _, err := client.GetMicroVMImage(context.Background(), image); err != nil {
					return err
				}
			}
			return nil
		}, false, ""},
		{"a hang without a deadline", func(srv *fake.Server, client *lambdamicrovms.Client) error {
			srv.Inject(fake.Hang{})
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Hour, cancel)
			_, _ = client.GetMicroVMImage(ctx, image)
			return nil
		}, false, "fake: a call hangs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log []string
				options := []fake.Option{fake.WithLog(func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) })}
				if test.real {
					options = append(options, fake.WithRealTime())
				}
				srv := fake.New(t, options...)
				client := lambdamicrovms.New(srv.Options())
				if _, err := client.CreateMicroVMImage(t.Context(), createInput("app")); err != nil {
					t.Fatal(err)
				}
				if err := test.do(srv, client); err != nil {
					t.Error(err)
				}
				if (test.want == "") != (len(log) == 0) || len(log) > 1 || !strings.HasPrefix(strings.Join(log, ""), test.want) {
					t.Errorf("logged %q, want %q", log, test.want)
				}
			})
		})
	}
}
