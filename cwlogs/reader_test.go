package cwlogs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/cwlogs"
	"github.com/microvm-go/lambdamicrovms/logs"
)

func microVM() logs.Source {
	return logs.Source{Group: group, Version: "2.0", MicroVMID: "microvm-1", Since: start}
}

func texts(lines []logs.Line) []string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Text)
	}
	return all
}

func TestTail(t *testing.T) {
	s := newService()
	for i := range 30 {
		s.write(stream, time.Duration(i)*time.Second, fmt.Sprint("vm ", i))
		s.write("2026/11/26[2.0]microvm-11", time.Duration(i)*time.Second, "another MicroVM")
		s.write("2026/11/26[3.0]microvm-1", time.Duration(i)*time.Second, "another version")
		s.write("mine", time.Duration(i)*time.Second, fmt.Sprint("mine ", i))
		s.write("mine too", time.Duration(i)*time.Second, "another stream")
	}
	s.write("2026/11/26[4.0]microvm-4", 1*time.Second, "first")
	s.write("2026/11/27[4.0]microvm-5", 3*time.Second, "third")
	s.write("2026/11/25[4.0]microvm-6", 2*time.Second, "second")
	s.write("2026/11/28[4.0]microvm-7", 2*time.Second, "of the next build")
	s.write("2026/11/26[5.0]microvm-8", time.Second, "a")
	s.write("2026/11/26[5.0]microvm-8", time.Second, "b")
	s.write("2026/11/26[5.0]microvm-8", time.Second, "c")

	for _, test := range []struct {
		name     string
		source   logs.Source
		n        int
		pageSize int
		want     []string
	}{
		{"MicroVM", microVM(), 3, 1000, []string{"vm 27", "vm 28", "vm 29"}},
		{"small pages", microVM(), 3, 2, []string{"vm 27", "vm 28", "vm 29"}},
		{"named stream", logs.Source{Group: group, Stream: "mine", Since: start}, 2, 1000, []string{"mine 28", "mine 29"}},
		{"build", logs.Source{Group: group, Version: "4.0", Since: start}, 10, 1000, []string{"first", "second", "third"}},
		{"end of a build", logs.Source{Group: group, Version: "4.0", Since: start}, 1, 1000, []string{"third"}},
		{"at the same time", logs.Source{Group: group, Version: "5.0", Since: start}, 2, 1000, []string{"b", "c"}},
		{
			"between", logs.Source{Group: group, Stream: "mine", MicroVMID: "microvm-1", Since: start.Add(4 * time.Second), Until: start.Add(5 * time.Second)},
			10, 1000, []string{"mine 4", "mine 5"},
		},
		{
			"after the end", logs.Source{Group: group, Version: "2.0", MicroVMID: "microvm-1", Since: start.Add(28 * time.Second), Until: start.Add(28 * time.Second)},
			10, 1000, []string{"vm 28", "vm 29"},
		},
		{"without a time", logs.Source{Group: group, Version: "2.0", MicroVMID: "microvm-1"}, 1, 1000, []string{"vm 29"}},
		{"none", microVM(), 0, 1000, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.pageSize = test.pageSize
			got, err := cwlogs.New(s.client()).Tail(context.Background(), test.source, test.n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, texts(got)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLines(t *testing.T) {
	const hostile = "  \x1b[31mred\u202e \t indented\r\n"
	s := newService()
	s.write(stream, 1500*time.Millisecond, hostile)
	s.write(stream, 2*time.Second, strings.Repeat("x", 3000))
	for raw, want := range map[bool][]logs.Line{
		false: {
			{Time: start.Add(1500 * time.Millisecond), Stream: stream, Text: "[31mred indented"},
			{Time: start.Add(2 * time.Second), Stream: stream, Text: strings.Repeat("x", 2048) + "…"},
		},
		true: {
			{Time: start.Add(1500 * time.Millisecond), Stream: stream, Text: strings.TrimSuffix(hostile, "\r\n")},
			{Time: start.Add(2 * time.Second), Stream: stream, Text: strings.Repeat("x", 3000)},
		},
	} {
		got, err := cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Raw = raw }).Tail(context.Background(), microVM(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("raw %t (-want +got):\n%s", raw, diff)
		}
	}
}

func TestTailFindsNothing(t *testing.T) {
	prefixes := []string{stream, "2026/11/27[2.0]microvm-1", "2026/11/25[2.0]microvm-1"}
	for _, test := range []struct {
		name  string
		setup func(*service)
		want  *logs.NotFoundError
	}{
		{"no group", func(*service) {}, &logs.NotFoundError{Group: group}},
		{"no stream", func(s *service) { s.write("2026/11/26[2.0]microvm-11", 0, "other") }, &logs.NotFoundError{Group: group, Prefixes: prefixes}},
		{"nothing written in time", func(s *service) { s.write(stream, -time.Second, "before") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newService()
			test.setup(s)
			got, err := cwlogs.New(s.client()).Tail(context.Background(), microVM(), 10)
			var missing *logs.NotFoundError
			if errors.As(err, &missing) != (test.want != nil) || len(got) > 0 || missing == nil && err != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if test.want == nil {
				return
			}
			var cause *types.ResourceNotFoundException
			if errors.As(err, &cause) != (test.want.Prefixes == nil) {
				t.Errorf("cause: %v", missing.Err)
			}
			missing.Err = nil
			if diff := cmp.Diff(test.want, missing); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTailFails(t *testing.T) {
	for _, operation := range []string{"FilterLogEvents", "DescribeLogStreams"} {
		s := newService()
		s.write(stream, -time.Second, "before")
		s.fault = func(now string) string {
			if now == operation {
				return "AccessDeniedException"
			}
			return ""
		}
		_, err := cwlogs.New(s.client()).Tail(context.Background(), microVM(), 10)
		var missing *logs.NotFoundError
		if err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "AccessDeniedException") {
			t.Errorf("%s: got %v", operation, err)
		}
	}
}

// follow collects the lines of Follow, at most n, or all if n is negative.
func follow(ctx context.Context, r *cwlogs.Reader, source logs.Source, n int) (got []string, err error) {
	for line, err := range r.Follow(ctx, source) {
		if err != nil {
			return got, err
		}
		if got = append(got, line.Text); len(got) == n {
			break
		}
	}
	return got, nil
}

func TestFollow(t *testing.T) {
	s := newService()
	s.pageSize = 2
	for i := range 5 {
		s.write(stream, time.Duration(i)*time.Second, fmt.Sprint(i))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := &clock{now: start, due: []func(){
		func() { s.write(stream, 5*time.Second, "5"); s.write(stream, 5*time.Second, "6") },
		func() {},
		func() { s.write(stream, 3*time.Second, "late"); s.write(stream, 7*time.Second, "7") },
		func() { s.write(stream, 3*time.Minute, "much later") },
		func() { s.write(stream, 3*time.Minute-59*time.Second, "late in time") },
		func() { s.write(stream, time.Minute, "too late") },
		cancel,
	}}
	got, err := follow(ctx, cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), microVM(), -1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0", "1", "2", "3", "4", "5", "6", "late", "7", "much later", "late in time"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if waited := c.now.Sub(start); waited != 7*5*time.Second {
		t.Errorf("waited %v", waited)
	}
}

// Once the stream is known, a poll reads no other streams.
func TestFollowPollsOneStream(t *testing.T) {
	s := newService()
	s.write("2026/11/25[2.0]microvm-1", 0, "0") // of another time zone
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	calls := 0
	c := &clock{now: start, due: []func(){func() { calls = len(s.calls) }, func() { calls = len(s.calls) - calls }, cancel}}
	if _, err := follow(ctx, cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), microVM(), -1); err != nil {
		t.Fatal(err)
	}
	if calls != 2 { // two pages
		t.Errorf("%d requests", calls)
	}
}

// A source with an end is followed for a minute after it.
func TestFollowEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		source logs.Source
		stream string
		want   []string
	}{
		{"MicroVM", microVM(), stream, []string{"begin", "end", "after"}},
		{"shared stream", logs.Source{Group: group, Stream: "mine", Since: start}, "mine", []string{"begin", "end"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newService()
			test.source.Until = start.Add(10 * time.Second)
			s.write(test.stream, 0, "begin")
			c := &clock{now: start, due: []func(){
				func() { s.write(test.stream, 10*time.Second, "end") },
				func() { s.write(test.stream, 11*time.Second, "after") },
			}}
			got, err := follow(context.Background(), cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), test.source, -1)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v, lines (-want +got):\n%s", err, diff)
			}
			if waited := c.now.Sub(start); waited != 70*time.Second {
				t.Errorf("waited %v", waited)
			}
		})
	}
}

// If the end of a source is not known, Follow asks for it before each poll until it is.
func TestFollowNoticesTheEnd(t *testing.T) {
	s := newService()
	s.write(stream, 0, "begin")
	c := &clock{now: start, due: []func(){
		func() {},
		func() { s.write(stream, 8*time.Second, "end") },
	}}
	asked := 0
	reader := cwlogs.New(s.client(), func(o *cwlogs.Options) {
		o.Clock = c
		o.Ended = func(context.Context) time.Time {
			if asked++; asked < 3 {
				return time.Time{}
			}
			return start.Add(10 * time.Second)
		}
	})
	got, err := follow(context.Background(), reader, microVM(), -1)
	if diff := cmp.Diff([]string{"begin", "end"}, got); diff != "" || err != nil {
		t.Errorf("%v, lines (-want +got):\n%s", err, diff)
	}
	if waited := c.now.Sub(start); waited != 70*time.Second || asked != 3 {
		t.Errorf("waited %v, asked %d times", waited, asked)
	}
}

// Follow waits for a group and a stream that do not exist yet, but only until the
// timeout.
func TestFollowWaits(t *testing.T) {
	s := newService()
	c := &clock{now: start, due: []func(){func() {}, func() { s.write("other", 0, "") }, func() { s.write(stream, time.Second, "here") }}}
	reader := cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock, o.AppearTimeout = c, 12*time.Second })
	if got, err := follow(context.Background(), reader, microVM(), 1); err != nil || !slices.Equal(got, []string{"here"}) {
		t.Errorf("got %v, %v", got, err)
	}

	for name, setup := range map[string]func(*service){
		"no group": func(*service) {}, "no stream": func(s *service) { s.write("other", 0, "") },
	} {
		s = newService()
		setup(s)
		c = &clock{now: start}
		reader = cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock, o.AppearTimeout = c, 12*time.Second })
		_, err := follow(context.Background(), reader, microVM(), 1)
		var missing *logs.NotFoundError
		if !errors.As(err, &missing) || c.now.Sub(start) != 15*time.Second {
			t.Errorf("%s: got %v after %v", name, err, c.now.Sub(start))
		}
	}
}

// Follow continues if the stream exists, but has no new lines.
func TestFollowSilence(t *testing.T) {
	s := newService()
	s.write(stream, -time.Hour, "before")
	source := microVM()
	source.Until = start.Add(5 * time.Minute)
	c := &clock{now: start}
	got, err := follow(context.Background(), cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), source, -1)
	if len(got) > 0 || err != nil || c.now.Sub(start) != 6*time.Minute {
		t.Errorf("got %v, %v after %v", got, err, c.now.Sub(start))
	}
}

// Without a beginning, only what is written from now on is returned.
func TestFollowFromNow(t *testing.T) {
	s := newService()
	s.write(stream, -time.Second, "before")
	s.write(stream, time.Second, "after")
	source := microVM()
	source.Since = time.Time{}
	c := &clock{now: start}
	got, err := follow(context.Background(), cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), source, 1)
	if err != nil || !slices.Equal(got, []string{"after"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// From leaves out lines. The streams are still those of the day on which the source
// began.
func TestFrom(t *testing.T) {
	s := newService()
	s.write(stream, time.Second, "before")
	s.write(stream, 72*time.Hour, "then")
	s.write(stream, 73*time.Hour, "after")
	c := &clock{now: start.Add(73 * time.Hour)}
	reader := cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock, o.From = c, start.Add(72*time.Hour) })
	want := []string{"then", "after"}
	if got, err := reader.Tail(context.Background(), microVM(), 10); err != nil || !slices.Equal(texts(got), want) {
		t.Errorf("Tail: %v, %v", got, err)
	}
	if got, err := follow(context.Background(), reader, microVM(), len(want)); err != nil || !slices.Equal(got, want) {
		t.Errorf("Follow: %v, %v", got, err)
	}
}

// The error of a call ends Follow, after the lines that were read before.
func TestFollowFails(t *testing.T) {
	s := newService()
	s.write(stream, 0, "0")
	c := &clock{now: start, due: []func(){func() {
		s.fault = func(string) string { return "ThrottlingException" }
	}}}
	got, err := follow(context.Background(), cwlogs.New(s.client(), func(o *cwlogs.Options) { o.Clock = c }), microVM(), -1)
	if err == nil || !strings.Contains(err.Error(), "ThrottlingException") || !slices.Equal(got, []string{"0"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// If the context has ended, Follow returns no error.
func TestFollowEndedContext(t *testing.T) {
	s := newService()
	s.write(stream, 0, "0")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got, err := follow(ctx, cwlogs.New(s.client()), microVM(), -1); len(got) > 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
