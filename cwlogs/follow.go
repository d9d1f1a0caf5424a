package cwlogs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/microvm-go/lambdamicrovms/logs"
)

const (
	// overlap is how far each poll goes back behind the last line, for late ones.
	overlap = time.Minute

	// settle is how long Follow continues after the end of a source, for late lines.
	settle = time.Minute
)

// Follow returns the lines of a source from its beginning, or from now if it has none,
// and then those that are added. Options.From leaves out earlier ones. It ends without an
// error when the context ends, and a minute after source.Until. If there is no log group
// or stream of the source within Options.AppearTimeout, the last value is a
// *logs.NotFoundError. The error of a call ends it, too; the client has retried by then.
func (r *Reader) Follow(ctx context.Context, source logs.Source) iter.Seq2[logs.Line, error] {
	return func(yield func(logs.Line, error) bool) {
		began := r.options.Clock.Now()
		if source.Since.IsZero() {
			source.Since = began
		}
		f := &follower{Reader: r, source: source, prefixes: source.StreamPrefixes(), from: later(source.Since, r.options.From), seen: make(map[string]time.Time)}
		for {
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
			case !source.Until.IsZero() && !now.Before(source.Until.Add(settle)):
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
	prefixes []string
	exists   bool                 // there is a stream
	from     time.Time            // of the next poll
	last     time.Time            // of the last line, or zero
	seen     map[string]time.Time // the lines since from, by their IDs
}

// poll yields the new lines. It returns false if the caller wants no more.
func (f *follower) poll(ctx context.Context, yield func(logs.Line, error) bool) (bool, error) {
	for _, prefix := range slices.Clone(f.prefixes) {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(f.client, filter(f.source, prefix, f.from), func(o *cloudwatchlogs.FilterLogEventsPaginatorOptions) {
			o.StopOnDuplicateToken = true
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				var missing *types.ResourceNotFoundException
				if errors.As(err, &missing) && f.last.IsZero() { // it may appear
					return true, nil
				}
				return true, err
			}
			for _, event := range page.Events {
				if f.isNew(event) {
					f.prefixes = f.narrow(prefix)
					if !yield(f.line(event), nil) {
						return false, nil
					}
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
	id := cmp.Or(aws.ToString(event.EventId), fmt.Sprint(aws.ToString(event.LogStreamName), at, aws.ToString(event.Message)))
	if _, known := f.seen[id]; known {
		return false
	}
	f.seen[id], f.last = at, later(f.last, at)
	return true
}

// narrow returns the prefixes to poll after a line was found with one of them. A MicroVM
// has one stream; those of a build may be of several days.
func (f *follower) narrow(found string) []string {
	if f.source.MicroVMID != "" {
		return []string{found}
	}
	return f.prefixes
}

// advance moves the beginning of the next poll, and forgets the lines before it.
func (f *follower) advance() {
	f.from = later(f.from, f.last.Add(-overlap))
	for id, at := range f.seen {
		if at.Before(f.from) {
			delete(f.seen, id)
		}
	}
}
