package logs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/types"
)

// Source names the output of a build or a MicroVM.
type Source struct {
	// Group is the log group, such as "/aws/lambda-microvms/app".
	Group string

	// Stream is the stream that the logging configuration names, which other builds and
	// MicroVMs may share. It is empty if the service names the streams.
	Stream string

	// Version is the image version, such as "3.0". MicroVMID is empty if the source is a
	// build, whose MicroVMs are not known. Streams that the service names contain them.
	Version, MicroVMID string

	// Since and Until are when the source began and ended. A zero Until means that it may
	// write more. A reader leaves out lines after Until if others write to the same stream.
	Since, Until time.Time
}

// Group returns the log group that builds and MicroVMs of an image write to by default.
func Group(imageName string) string { return "/aws/lambda-microvms/" + imageName }

// NewSource returns the group and the stream of a logging configuration, which may be
// nil. It returns false if logging is disabled, or if the configuration names no group
// and imageARN is not the ARN of an image.
func NewSource(imageARN string, logging types.Logging) (Source, bool) {
	var source Source
	switch to := logging.(type) {
	case *types.LoggingMemberDisabled:
		return Source{}, false
	case *types.LoggingMemberCloudWatch:
		source.Group, source.Stream = aws.ToString(to.Value.LogGroup), aws.ToString(to.Value.LogStream)
	}
	if source.Group == "" {
		_, name, ok := strings.Cut(imageARN, ":microvm-image:")
		if !ok || name == "" {
			return Source{}, false
		}
		source.Group = Group(name)
	}
	return source, true
}

// StreamPrefixes returns prefixes of the names of the streams, most likely first. If
// Stream is set, the only prefix is its whole name. Otherwise there is a prefix for the
// day on which the source began, and for the days before and after it, because the time
// zone of the date is unknown. A source without Since has the empty prefix.
func (s Source) StreamPrefixes() []string {
	switch {
	case s.Stream != "":
		return []string{s.Stream}
	case s.Since.IsZero():
		return []string{""}
	}
	var prefixes []string
	for _, days := range [...]int{0, 1, -1} {
		prefix := s.Since.UTC().AddDate(0, 0, days).Format("2006/01/02")
		if s.Version != "" {
			prefix += "[" + s.Version + "]" + s.MicroVMID
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

// Matches reports whether a stream is one of the source.
func (s Source) Matches(stream string) bool {
	if s.Stream != "" {
		return stream == s.Stream
	}
	_, rest, ok := strings.Cut(stream, "[")
	version, id, closed := strings.Cut(rest, "]")
	return ok && closed && (s.Version == "" || version == s.Version) && (s.MicroVMID == "" || id == s.MicroVMID)
}

// Line is a line of output.
type Line struct {
	Time   time.Time // when the line was written, in UTC
	Stream string
	Text   string // without the line end
}

// String returns the time and the text.
func (l Line) String() string {
	return l.Time.UTC().Format("15:04:05.000") + "  " + l.Text
}

// Clean returns at most 2 KiB of a line, without characters that can falsify the output
// of a terminal or a log: control characters, marks of writing direction and other
// invisible characters. White space becomes single spaces.
func Clean(text string) string { return redact.Clean(text, redact.MaxText) }

// Reader reads the output of builds and MicroVMs.
type Reader interface {
	// Tail returns the last n lines of a source, oldest first. The error is a
	// *NotFoundError if there is no such group or stream.
	Tail(ctx context.Context, source Source, n int) ([]Line, error)
}

// NotFoundError reports that a log group does not exist, or has no stream of the source.
// Either the first line has not been written yet, or there is no permission to write.
type NotFoundError struct {
	Group    string
	Prefixes []string // of the streams; empty if the group does not exist
	Err      error    // the error of the service, if any
}

func (e *NotFoundError) Error() string {
	if len(e.Prefixes) == 0 {
		return fmt.Sprintf("logs: there is no log group %q", e.Group)
	}
	return fmt.Sprintf("logs: log group %q has no stream whose name begins with %q", e.Group, e.Prefixes)
}

func (e *NotFoundError) Unwrap() error { return e.Err }
