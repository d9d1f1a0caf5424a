package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
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

// The error of a MicroVM that ended on its own has its last lines.
func TestLastLinesOfFailedStart(t *testing.T) {
	const payload = "hunter2-hunter2-hunter2"
	denied := errors.New("access denied \x1b[31mfor " + payload)
	many := make([]logs.Line, 25)
	for i := range many {
		many[i].Text = fmt.Sprint(i)
	}
	own := &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("mine")}}
	for _, test := range []struct {
		name    string
		logging types.Logging
		reader  clienttest.LogReader
		lines   int
		want    []logs.Line
		group   string
		text    string // the end of the error
	}{
		{"nothing", nil, clienttest.LogReader{}, 0, nil, "/aws/lambda-microvms/hooked", "; log group /aws/lambda-microvms/hooked"},
		{"default", nil, clienttest.LogReader{Lines: many}, 0, many[5:], "/aws/lambda-microvms/hooked", "; log group /aws/lambda-microvms/hooked"},
		{"one of an own group", own, clienttest.LogReader{Lines: many}, 1, many[24:], "mine", "; log group mine"},
		{
			"hostile", own, clienttest.LogReader{Lines: []logs.Line{{Stream: "a\x1b[2J", Text: "\x1b]0;owned\x07 KEY=" + payload + "\r\n"}}},
			0, []logs.Line{{Stream: "a[2J", Text: "]0;owned KEY=[REDACTED]"}}, "mine", "; log group mine",
		},
		{
			"some", own, clienttest.LogReader{Lines: many[:1], Err: denied}, 0, many[:1], "mine",
			"; log group mine, which could not be read: access denied [31mfor [REDACTED]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newService(t, fake.WithFault(fake.FailStart{}))
			in := &lambdamicrovms.RunMicroVMInput{
				ImageIdentifier: s.createHooked(t), RunHookPayload: aws.String(payload), Logging: test.logging,
				ExecutionRoleArn: aws.String("arn:aws:iam::123456789012:role/run"),
			}
			_, err := session.Run(context.Background(), s, in, s.options, func(o *session.Options) {
				o.LogReader, o.LogLines = &test.reader, test.lines
			})
			var failed *session.StartError
			if !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, failed.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if (failed.LinesErr != nil) != (test.reader.Err != nil) || !strings.HasSuffix(err.Error(), test.text) || strings.Contains(err.Error(), payload) {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, denied) {
				t.Error("the error of reading the output looks like that of the start")
			}
			n := 20
			if test.lines > 0 {
				n = test.lines
			}
			ended, err := s.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: &failed.MicroVMID})
			if err != nil {
				t.Fatal(err)
			}
			want := []logs.Source{{Group: test.group, Version: "1.0", MicroVMID: failed.MicroVMID, Since: *ended.StartedAt, Until: *ended.TerminatedAt}}
			if diff := cmp.Diff(want, test.reader.Sources); diff != "" || failed.LogGroup != test.group || test.reader.N != n || !test.reader.Limited {
				t.Errorf("group %s, %d lines, limited %t, sources (-want +got):\n%s", failed.LogGroup, test.reader.N, test.reader.Limited, diff)
			}
		})
	}
}

// createHooked creates an image that accepts a payload for its run hook.
func (s *service) createHooked(t *testing.T) (imageARN *string) {
	t.Helper()
	image, err := s.CreateMicroVMImage(context.Background(), &lambdamicrovms.CreateMicroVMImageInput{
		Name:         aws.String("hooked"),
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/app.zip"},
		Hooks: &types.Hooks{
			Port:              aws.Int32(9000),
			MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled},
			MicroVMHooks:      &types.MicroVMHooks{Run: types.HookStateEnabled},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Build)
	return image.ImageArn
}

// Nothing is read if logging is disabled, or if no MicroVM was started.
func TestLastLinesWithoutSource(t *testing.T) {
	for name, test := range map[string]struct {
		fault   fake.Option
		logging types.Logging
	}{
		"disabled":    {fake.WithFault(fake.FailStart{}), &types.LoggingMemberDisabled{}},
		"not started": {fake.WithFault(fake.Throttle{}, fake.On(fake.RunMicroVM)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, test.fault)
			in, reader := s.input(), &clienttest.LogReader{}
			in.Logging = test.logging
			_, err := session.Run(context.Background(), s, in, s.options, func(o *session.Options) { o.LogReader = reader })
			if err == nil || len(reader.Sources) > 0 || strings.Contains(err.Error(), "log group") {
				t.Errorf("read %v, error %v", reader.Sources, err)
			}
		})
	}
}
