package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// endedAPI starts MicroVMs that end for a reason.
type endedAPI struct {
	session.RunAPI
	reason string
}

func (a endedAPI) RunMicroVM(context.Context, *lambdamicrovms.RunMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.RunMicroVMOutput, error) {
	return &lambdamicrovms.RunMicroVMOutput{MicroVMId: aws.String("microvm-1"), State: types.MicroVMStatePending}, nil
}

func (a endedAPI) GetMicroVM(context.Context, *lambdamicrovms.GetMicroVMInput, ...func(*lambdamicrovms.Options)) (*lambdamicrovms.GetMicroVMOutput, error) {
	return &lambdamicrovms.GetMicroVMOutput{MicroVMId: aws.String("microvm-1"), State: types.MicroVMStateTerminated, StateReason: &a.reason}, nil
}

// The reason of an ended MicroVM may repeat the payload of its run hook.
func TestReasonsHoldNoSecrets(t *testing.T) {
	const payload = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0T"
	_, err := session.Run(context.Background(), endedAPI{reason: "hook said \x07" + payload}, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"), RunHookPayload: aws.String(payload),
	})
	var failed *session.StartError
	if !errors.As(err, &failed) || failed.Reason != "hook said [REDACTED]" {
		t.Fatalf("error %#v, want a StartError with the reason", err)
	}
	var waiter *lambdamicrovms.WaiterFailureError
	if !errors.As(err, &waiter) || waiter.Reason != failed.Reason {
		t.Fatalf("no waiter's error in %v", err)
	}
	if text := fmt.Sprintf("%v %+v %v", err, *failed, waiter.Output); strings.Contains(text, payload[:20]) {
		t.Errorf("printed: %s", text)
	}
}
