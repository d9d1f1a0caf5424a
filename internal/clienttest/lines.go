package clienttest

import (
	"context"

	"github.com/microvm-go/lambdamicrovms/logs"
)

// LogReader is a logs.Reader that returns the same lines and error for every source, and
// records the calls.
type LogReader struct {
	Lines   []logs.Line
	Err     error
	Sources []logs.Source
	N       int  // of the last call
	Limited bool // whether the context of the last call had a deadline
}

// Tail returns Lines and Err.
func (r *LogReader) Tail(ctx context.Context, source logs.Source, n int) ([]logs.Line, error) {
	r.Sources, r.N = append(r.Sources, source), n
	_, r.Limited = ctx.Deadline()
	return r.Lines, r.Err
}
