package images_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestLastLinesOfFailedBuild(t *testing.T) {
	denied := errors.New("access denied \x1b[31mfor hunter2-hunter2")
	many := make([]logs.Line, 25)
	for i := range many {
		many[i].Text = fmt.Sprint(i)
	}
	for _, test := range []struct {
		name   string
		reader clienttest.LogReader
		lines  int
		want   []logs.Line
		text   string // in the error, or "" if there is no error of reading
	}{
		{name: "nothing", reader: clienttest.LogReader{}},
		{name: "default", reader: clienttest.LogReader{Lines: many}, want: many[5:]},
		{name: "one", reader: clienttest.LogReader{Lines: many}, lines: 1, want: many[24:]},
		{
			name: "hostile",
			reader: clienttest.LogReader{Lines: []logs.Line{{Stream: "a\x1b[2J", Text: "\x1b]0;owned\x07 PASSWORD=hunter2-hunter2\r\n"},
				{Text: strings.Repeat("x", 5000)}}},
			want: []logs.Line{{Stream: "a[2J", Text: "]0;owned PASSWORD=[REDACTED]"}, {Text: strings.Repeat("x", 2048) + "…"}},
		},
		{
			name: "some", reader: clienttest.LogReader{Lines: many[:1], Err: denied}, want: many[:1],
			text: "log group my/group, which could not be read: access denied [31mfor [REDACTED]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, fake.WithFault(fake.FailBuild{}, fake.On(fake.UpdateMicroVMImage)))
			in := everything()
			in.EnvironmentVariables["PASSWORD"] = "hunter2-hunter2"
			b.create(in)
			_, err := images.Update(b.ctx, b.client, appARN, describe("mine"), b.updating, func(o *images.UpdateOptions) {
				o.LogReader, o.LogLines = &test.reader, test.lines
			})
			var failed *images.BuildFailedError
			if !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, failed.Lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if (failed.LinesErr != nil) != (test.text != "") || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, denied) {
				t.Error("the error of reading the output looks like that of the build")
			}
			n := 20
			if test.lines > 0 {
				n = test.lines
			}
			want := []logs.Source{{Group: "my/group", Version: "2.0", Since: *b.version("2.0").CreatedAt}}
			if diff := cmp.Diff(want, test.reader.Sources); diff != "" || test.reader.N != n || !test.reader.Limited {
				t.Errorf("%d lines, limited %t, sources (-want +got):\n%s", test.reader.N, test.reader.Limited, diff)
			}
		})
	}
}

// Without a log group there is nothing to read.
func TestLastLinesWithoutLogging(t *testing.T) {
	b := newBench(t, fake.WithFault(fake.FailBuild{}, fake.On(fake.CreateMicroVMImage)))
	reader := &clienttest.LogReader{}
	in := declaration()
	in.Logging = &types.LoggingMemberDisabled{}
	_, err := b.deploy(images.Deployment{Image: in}, func(o *images.DeployOptions) { o.LogReader = reader })
	var failed *images.BuildFailedError
	if !errors.As(err, &failed) || len(reader.Sources) > 0 || failed.LinesErr != nil {
		t.Errorf("read %v, %v", reader.Sources, err)
	}
}

func TestLogSource(t *testing.T) {
	b := newBench(t)
	b.create(everything())
	version := b.version("1.0")
	want := logs.Source{Group: "my/group", Version: "1.0", Since: *version.CreatedAt}
	if got, ok := images.LogSource(version); !ok || got != want {
		t.Errorf("got %+v, %t", got, ok)
	}
	version.Logging = nil
	want.Group = "/aws/lambda-microvms/app"
	if got, ok := images.LogSource(version); !ok || got != want {
		t.Errorf("got %+v, %t", got, ok)
	}
	for _, version := range []*lambdamicrovms.GetMicroVMImageVersionOutput{
		nil, {}, {ImageArn: aws.String(appARN), Logging: &types.LoggingMemberDisabled{}},
	} {
		if got, ok := images.LogSource(version); ok {
			t.Errorf("%v: got %+v", version, got)
		}
	}
}
