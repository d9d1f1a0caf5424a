package logs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

const appARN = "arn:aws:lambda:us-east-1:123456789012:microvm-image:app"

func TestNewSource(t *testing.T) {
	cloudWatch := func(group, stream *string) types.Logging {
		return &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: group, LogStream: stream}}
	}
	for _, test := range []struct {
		name    string
		image   string
		logging types.Logging
		want    logs.Source
		ok      bool
	}{
		{"default", appARN, nil, logs.Source{Group: "/aws/lambda-microvms/app"}, true},
		{"group", appARN, cloudWatch(aws.String("mine"), nil), logs.Source{Group: "mine"}, true},
		{"stream", appARN, cloudWatch(nil, aws.String("one")), logs.Source{Group: "/aws/lambda-microvms/app", Stream: "one"}, true},
		{"group without an ARN", "", cloudWatch(aws.String("mine"), aws.String("one")), logs.Source{Group: "mine", Stream: "one"}, true},
		{"unknown kind", appARN, &types.UnknownUnionMember{Tag: "other"}, logs.Source{Group: "/aws/lambda-microvms/app"}, true},
		{"disabled", appARN, &types.LoggingMemberDisabled{}, logs.Source{}, false},
		{"no ARN", "app", nil, logs.Source{}, false},
		{"no name", "arn:aws:lambda:us-east-1:123456789012:microvm-image:", nil, logs.Source{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := logs.NewSource(test.image, test.logging)
			if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
				t.Errorf("%t, source (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	newYear := time.Date(2026, 12, 31, 20, 0, 0, 0, time.FixedZone("", -6*3600)) // the next day in UTC
	for _, test := range []struct {
		name     string
		source   logs.Source
		prefixes []string
		match    []string
		others   []string
	}{
		{
			"MicroVM", logs.Source{Version: "2.0", MicroVMID: "microvm-1", Since: newYear},
			[]string{"2027/01/01[2.0]microvm-1", "2027/01/02[2.0]microvm-1", "2026/12/31[2.0]microvm-1"},
			[]string{"2027/01/01[2.0]microvm-1", "2026/12/31[2.0]microvm-1"},
			[]string{"2027/01/01[2.0]microvm-11", "2027/01/01[12.0]microvm-1", "microvm-1", "", "[2.0", "2.0]microvm-1"},
		},
		{
			"build", logs.Source{Version: "2.0", Since: newYear},
			[]string{"2027/01/01[2.0]", "2027/01/02[2.0]", "2026/12/31[2.0]"},
			[]string{"2027/01/01[2.0]microvm-1", "2027/01/01[2.0]microvm-2"},
			[]string{"2027/01/01[12.0]microvm-1", "other"},
		},
		{
			"without a version", logs.Source{Since: newYear},
			[]string{"2027/01/01", "2027/01/02", "2026/12/31"},
			[]string{"2027/01/01[2.0]microvm-1"},
			[]string{"other"},
		},
		{
			"named", logs.Source{Stream: "mine", Version: "2.0", Since: newYear},
			[]string{"mine"}, []string{"mine"}, []string{"mine2", "2027/01/01[2.0]microvm-1"},
		},
		{
			"without a time", logs.Source{Version: "2.0", MicroVMID: "microvm-1"},
			[]string{""}, []string{"2027/01/01[2.0]microvm-1"}, []string{"2027/01/01[2.0]microvm-2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.prefixes, test.source.StreamPrefixes()); diff != "" {
				t.Errorf("prefixes (-want +got):\n%s", diff)
			}
			for _, stream := range test.match {
				if !test.source.Matches(stream) {
					t.Errorf("%q does not match", stream)
				}
			}
			for _, stream := range test.others {
				if test.source.Matches(stream) {
					t.Errorf("%q matches", stream)
				}
			}
		})
	}
}

func TestNotFoundError(t *testing.T) {
	cause := errors.New("no")
	for want, err := range map[string]*logs.NotFoundError{
		`logs: there is no log group "a"`:                                    {Group: "a", Err: cause},
		`logs: log group "a" has no stream whose name begins with ["b" "c"]`: {Group: "a", Prefixes: []string{"b", "c"}, Err: cause},
	} {
		if err.Error() != want || !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain text":                         "plain text",
		"  \x1b[31mred\x1b[0m\t\u202eno\r\n": "[31mred[0m no",
		strings.Repeat("x", 3000):            strings.Repeat("x", 2048) + "…",
	} {
		if got := logs.Clean(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
