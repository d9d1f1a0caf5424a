package session_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestLogSource(t *testing.T) {
	began := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	ended := began.Add(time.Hour)
	vm := &lambdamicrovms.GetMicroVMOutput{
		ImageArn: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:app"), ImageVersion: aws.String("2.0"),
		MicroVMId: aws.String("microvm-1"), StartedAt: &began,
	}
	over := *vm
	over.TerminatedAt = &ended
	to := &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("mine"), LogStream: aws.String("one")}}
	for _, test := range []struct {
		name    string
		vm      *lambdamicrovms.GetMicroVMOutput
		logging types.Logging
		want    logs.Source
		ok      bool
	}{
		{"running", vm, nil, logs.Source{Group: "/aws/lambda-microvms/app", Version: "2.0", MicroVMID: "microvm-1", Since: began}, true},
		{"ended", &over, nil, logs.Source{Group: "/aws/lambda-microvms/app", Version: "2.0", MicroVMID: "microvm-1", Since: began, Until: ended}, true},
		{"configured", vm, to, logs.Source{Group: "mine", Stream: "one", Version: "2.0", MicroVMID: "microvm-1", Since: began}, true},
		{"disabled", vm, &types.LoggingMemberDisabled{}, logs.Source{}, false},
		{"incomplete", &lambdamicrovms.GetMicroVMOutput{}, nil, logs.Source{}, false},
		{"none", nil, nil, logs.Source{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := session.LogSource(test.vm, test.logging)
			if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
				t.Errorf("%t, source (-want +got):\n%s", ok, diff)
			}
		})
	}
}
