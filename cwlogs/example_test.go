package cwlogs_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cwlogs"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Print the last lines of a failed build. service stands for CloudWatch Logs; a program
// uses cloudwatchlogs.NewFromConfig(cfg).
func Example() {
	srv := fake.NewServer(fake.WithStart(start), fake.WithFault(fake.FailBuild{}))
	client := lambdamicrovms.New(srv.Options()) // a program uses NewFromConfig(cfg)
	service := newService()
	service.write("2026/11/26[1.0]microvm-7", 40*time.Second, "RUN make")
	service.write("2026/11/26[1.0]microvm-7", 41*time.Second, "make: *** No targets.  Stop.")

	_, err := images.Deploy(context.Background(), client, images.Deployment{
		Image: lambdamicrovms.CreateMicroVMImageInput{
			Name:         aws.String("app"),
			BaseImageArn: aws.String(images.BaseImageARN("us-east-1", "al2023-1")),
			BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
			CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		},
	}, func(o *images.DeployOptions) {
		o.LogReader, o.LogLines = cwlogs.New(service.client()), 10
	})
	var failed *images.BuildFailedError
	if errors.As(err, &failed) {
		fmt.Println(failed.State)
		for _, line := range failed.Lines {
			fmt.Println(line)
		}
	}
	// Output:
	// FAILED
	// 12:00:40.000  RUN make
	// 12:00:41.000  make: *** No targets. Stop.
}

func ExampleReader_Follow() {
	service := newService() // stands for CloudWatch Logs
	service.write("2026/11/26[2.0]microvm-1", time.Second, "listening on :8080")
	service.write("2026/11/26[2.0]microvm-1", 2*time.Second, "GET /hello")

	vm := &lambdamicrovms.GetMicroVMOutput{ // of Session.Describe
		ImageArn:     aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:app"),
		ImageVersion: aws.String("2.0"), MicroVMId: aws.String("microvm-1"), StartedAt: &start,
	}
	source, _ := session.LogSource(vm, nil) // RunMicroVMInput had no Logging
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for line, err := range cwlogs.New(service.client()).Follow(ctx, source) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(line)
		if line.Text == "GET /hello" {
			cancel() // ends the loop
		}
	}
	// Output:
	// 12:00:01.000  listening on :8080
	// 12:00:02.000  GET /hello
}
