package cwlogs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/microvm-go/lambdamicrovms/logs"
)

const (
	// overlap is how long before the last line each poll begins, because lines can arrive
	// late.
	overlap = time.Minute

	// settle is how long Follow continues after the end of a source, for the same reason.
	settle = time.Minute
)

// Follow returns the lines of a source from source.Since, or from now if that is zero,
// and then each new line. Options.From leaves out earlier lines.
//
// Follow ends without an error when the context ends, and a minute after source.Until or
// the time that Options.Ended returns. If the source has no log group or stream within
// Options.AppearTimeout, the last value is a *logs.NotFoundError. If a call fails after
// the client's retries, the last value is its error.
func (r *Reader) Follow(ctx context.Context, source logs.Source) iter.Seq2[logs.Line, error] {
	return func(yield func(logs.Line, error) bool) {
		began := r.options.Clock.Now()
		if source.Since.IsZero() {
			source.Since = began
		}
		f := &follower{
			Reader: r, source: source, prefixes: source.StreamPrefixes(),
			from: later(source.Since, r.options.From), seen: make(map[string]time.Time),
		}
		until := source.Until
		for {
			if until.IsZero() && r.options.Ended != nil {
				until = r.options.Ended(ctx)
			}
			more, err := f.poll(ctx, yield)
			now := r.options.Clock.Now()
			if err == nil && f.last.IsZero() && !f.exists && now.Sub(began) >= r.options.AppearTimeout {
				err = r.explain(ctx, source)
				f.exists = err == nil
			}
			switch {
			case !more, ctx.Err() != nil:
				return
			case err != nil:
				yield(logs.Line{}, err)
				return
			case !until.IsZero() && !now.Before(until.Add(settle)):
				return
			case r.options.Clock.Sleep(ctx, r.options.PollInterval) != nil:
				return
			}
		}
	}
}

// A follower is one use of Follow.
type follower struct {
	*Reader
	source   logs.Source
	prefixes []string             // of the streams to poll
	exists   bool                 // the source is known to have a stream
	from     time.Time            // the beginning of the next poll
	last     time.Time            // the time of the last line, or zero
	seen     map[string]time.Time // the times of the lines since from, by ID
}

// poll yields the new lines. It returns false if the caller has ended the loop.
func (f *follower) poll(ctx context.Context, yield func(logs.Line, error) bool) (more bool, err error) {
	for _, prefix := range f.prefixes {
		pages := f.pages(filter(f.source, prefix, f.from))
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				var missing *types.ResourceNotFoundException
				if errors.As(err, &missing) && f.last.IsZero() { // the log group may still appear
					return true, nil
				}
				return true, err
			}
			for _, event := range page.Events {
				if !f.isNew(event) {
					continue
				}
				if f.source.MicroVMID != "" { // it has one stream; a build can have some of several days
					f.prefixes = []string{prefix}
				}
				if !yield(f.line(event), nil) {
					return false, nil
				}
			}
		}
	}
	f.advance()
	return true, nil
}

// isNew reports whether an event is of the source and was not seen before.
func (f *follower) isNew(event types.FilteredLogEvent) bool {
	if !f.source.Matches(aws.ToString(event.LogStreamName)) {
		return false
	}
	at := time.UnixMilli(aws.ToInt64(event.Timestamp))
	id := aws.ToString(event.EventId)
	if id == "" {
		id = fmt.Sprint(aws.ToString(event.LogStreamName), at, aws.ToString(event.Message))
	}
	if _, known := f.seen[id]; known {
		return false
	}
	f.seen[id], f.last = at, later(f.last, at)
	return true
}

// advance sets the beginning of the next poll. Earlier lines need not be remembered.
func (f *follower) advance() {
	f.from = later(f.from, f.last.Add(-overlap))
	for id, at := range f.seen {
		if at.Before(f.from) {
			delete(f.seen, id)
		}
	}
}
