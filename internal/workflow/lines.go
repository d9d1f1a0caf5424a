package workflow

import (
	"context"
	"time"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/logs"
)

// logTimeout limits how long reading the output of a build or MicroVM delays the error of
// a workflow. It is measured with the system clock.
const logTimeout = 30 * time.Second

// LastLines reads up to n last lines of a source for an error. Neither the lines nor the
// error of reading have secrets. Lines can be returned beside an error.
func LastLines(ctx context.Context, reader logs.Reader, source logs.Source, n int, secrets *redact.Secrets) (lines []logs.Line, err error) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	read, err := reader.Tail(ctx, source, n)
	for _, line := range read[max(0, len(read)-n):] {
		line.Text, line.Stream = secrets.Clean(line.Text, redact.MaxText), redact.Clean(line.Stream, redact.MaxText)
		lines = append(lines, line)
	}
	return lines, secrets.Error(err)
}
