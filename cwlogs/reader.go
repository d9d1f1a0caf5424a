package cwlogs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/logs"
)

// API is the set of operations that a Reader calls. *cloudwatchlogs.Client implements it.
type API interface {
	cloudwatchlogs.FilterLogEventsAPIClient
	cloudwatchlogs.DescribeLogStreamsAPIClient
}

// Options are the options of a Reader. A zero field means its default.
type Options struct {
	// PollInterval is the time between two polls of Follow. The default is 5 seconds.
	// A poll makes up to three calls.
	PollInterval time.Duration

	// AppearTimeout limits how long Follow waits for the log group and a stream of the
	// source. The default is one minute.
	AppearTimeout time.Duration

	// From leaves out earlier lines. The default is the beginning of the source. Do not
	// change Source.Since instead: it also selects the streams.
	From time.Time

	// Ended returns when the source ended, or zero while it may write more. If Source.Until
	// is zero, Follow calls Ended before each poll, until it returns a time. If both are
	// unset, Follow does not notice when the source ends.
	Ended func(context.Context) time.Time

	// Raw returns lines as they are stored, except for the line end. By default they are
	// cut and cleaned as by logs.Clean.
	Raw bool

	// Clock is the time source of Follow. The default is the system clock.
	Clock lambdamicrovms.Clock
}

// Reader reads the output of builds and MicroVMs. It implements logs.Reader and is safe
// for concurrent use.
type Reader struct {
	client  API
	options Options
}

var _ logs.Reader = (*Reader)(nil)

// New returns a Reader.
func New(client API, optFns ...func(*Options)) *Reader {
	r := &Reader{client: client}
	for _, fn := range optFns {
		fn(&r.options)
	}
	o := &r.options
	if o.PollInterval <= 0 {
		o.PollInterval = 5 * time.Second
	}
	if o.AppearTimeout <= 0 {
		o.AppearTimeout = time.Minute
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	return r
}

// systemClock is the system's clock.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	return smithytime.SleepWithContext(ctx, d)
}

const (
	// maxPageLines is the maximum number of lines in a page of CloudWatch Logs.
	maxPageLines = 10_000

	// maxPages limits the pages of lines that Tail reads per prefix, and the pages of
	// streams. Pages can be empty.
	maxPages = 100
)

// earliest is the first start time with which CloudWatch Logs can return the latest lines
// first.
func earliest() time.Time { return time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC) }

// Tail returns the last n lines of a source, oldest first. If there are none because the
// log group or the streams do not exist, the error is a *logs.NotFoundError. Other errors
// are those of the client.
func (r *Reader) Tail(ctx context.Context, source logs.Source, n int) ([]logs.Line, error) {
	if n <= 0 {
		return nil, nil
	}
	var lines []logs.Line
	for _, prefix := range source.StreamPrefixes() {
		found, err := r.newest(ctx, source, prefix, n)
		if err != nil {
			return nil, noGroup(source, err)
		}
		lines = append(lines, found...)
	}
	if len(lines) == 0 {
		return nil, r.explain(ctx, source)
	}
	sortLines(lines)
	return lines[max(0, len(lines)-n):], nil
}

// newest returns the last n lines of the streams with a prefix.
func (r *Reader) newest(ctx context.Context, source logs.Source, prefix string, n int) ([]logs.Line, error) {
	in := filter(source, prefix, later(later(source.Since, r.options.From), earliest()))
	in.StartFromHead = aws.Bool(false)
	in.Limit = aws.Int32(int32(min(n, maxPageLines)))
	pages := r.pages(in)
	var lines []logs.Line
	for i := 0; i < maxPages && pages.HasMorePages() && len(lines) < n; i++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, event := range page.Events {
			if source.Matches(aws.ToString(event.LogStreamName)) {
				lines = append(lines, r.line(event))
			}
		}
	}
	slices.Reverse(lines)
	sortLines(lines)
	return lines[max(0, len(lines)-n):], nil
}

func (r *Reader) pages(in *cloudwatchlogs.FilterLogEventsInput) *cloudwatchlogs.FilterLogEventsPaginator {
	return cloudwatchlogs.NewFilterLogEventsPaginator(r.client, in, func(o *cloudwatchlogs.FilterLogEventsPaginatorOptions) {
		o.StopOnDuplicateToken = true
	})
}

// filter returns a request for the lines since a time, in the streams with a prefix.
func filter(source logs.Source, prefix string, since time.Time) *cloudwatchlogs.FilterLogEventsInput {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &source.Group, StartTime: aws.Int64(since.UnixMilli())}
	if prefix != "" {
		in.LogStreamNamePrefix = &prefix
	}
	// Nobody has measured how exact the end of a MicroVM is: its last lines may be dated
	// after it. They need no limit, because only the MicroVM writes to its own stream.
	isOwn := source.MicroVMID != "" && source.Stream == ""
	if !source.Until.IsZero() && !isOwn {
		in.EndTime = aws.Int64(source.Until.UnixMilli())
	}
	return in
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (r *Reader) line(event types.FilteredLogEvent) logs.Line {
	line := logs.Line{
		Time:   time.UnixMilli(aws.ToInt64(event.Timestamp)).UTC(),
		Stream: aws.ToString(event.LogStreamName),
		Text:   strings.TrimRight(aws.ToString(event.Message), "\r\n"),
	}
	if !r.options.Raw {
		line.Stream, line.Text = logs.Clean(line.Stream), logs.Clean(line.Text)
	}
	return line
}

func sortLines(lines []logs.Line) {
	slices.SortStableFunc(lines, func(a, b logs.Line) int { return a.Time.Compare(b.Time) })
}

// explain returns a *logs.NotFoundError if a source without lines has no streams. If it
// has streams, it has written nothing in its time, and the error is nil.
func (r *Reader) explain(ctx context.Context, source logs.Source) error {
	prefixes := source.StreamPrefixes()
	for _, prefix := range prefixes {
		found, err := r.hasStream(ctx, source, prefix)
		if found || err != nil {
			return noGroup(source, err)
		}
	}
	return &logs.NotFoundError{Group: source.Group, Prefixes: prefixes}
}

// hasStream reports whether a stream with the prefix is one of the source.
func (r *Reader) hasStream(ctx context.Context, source logs.Source, prefix string) (bool, error) {
	in := &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: &source.Group}
	if prefix != "" {
		in.LogStreamNamePrefix = &prefix
	}
	pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(r.client, in, func(o *cloudwatchlogs.DescribeLogStreamsPaginatorOptions) {
		o.StopOnDuplicateToken = true
	})
	for i := 0; i < maxPages && pages.HasMorePages(); i++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, stream := range page.LogStreams {
			if source.Matches(aws.ToString(stream.LogStreamName)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// noGroup wraps the error for a missing log group in a *logs.NotFoundError.
func noGroup(source logs.Source, err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return &logs.NotFoundError{Group: source.Group, Err: err}
	}
	return err
}
