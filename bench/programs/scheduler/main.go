// Command scheduler makes one call with service/scheduler.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

func main() {
	client := scheduler.New(scheduler.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(os.Args[1]),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "SECRET"}, nil
		}),
	})
	_, err := client.UpdateSchedule(context.Background(), &scheduler.UpdateScheduleInput{
		Name:               aws.String("shop"),
		ScheduleExpression: aws.String("rate(5 minutes)"),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target: &types.Target{
			Arn:     aws.String("arn:aws:lambda:us-east-1:123456789012:function:shop"),
			RoleArn: aws.String("arn:aws:iam::123456789012:role/microvm-build"),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
}
