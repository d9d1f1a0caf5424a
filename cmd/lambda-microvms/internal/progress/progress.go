// Package progress shows the steps of a workflow: as lines, or as a line that moves where
// there is a terminal.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/microvm-go/lambdamicrovms/images"
)

// Reporter receives what happens while a workflow runs. Its methods can be called by
// several goroutines.
type Reporter interface {
	// Step reports a step, or a poll while a step waits.
	Step(event images.Event)
	// Upload reports how much of the archive is uploaded.
	Upload(done, total int64)
	// Close ends the report. Nothing must follow.
	Close()
}

// New returns a Reporter that writes for people.
func New(out io.Writer, isTerminal bool) Reporter {
	if isTerminal {
		return newTerminal(out)
	}
	return &lines{out: out}
}

// lines writes a line for each step and change of state, and for each quarter of an
// upload.
type lines struct {
	out     io.Writer
	mu      sync.Mutex
	last    string
	quarter int64
}

func (l *lines) Step(e images.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if what := identity(e); what != l.last {
		l.last = what
		fmt.Fprintln(l.out, e)
	}
}

// identity is the same for events of which only the first gets a line: polls that find
// nothing new.
func identity(e images.Event) string {
	text := string(e.Step) + "\n" + e.Version + "\n" + e.State
	if e.Err != nil {
		text += "\n" + e.Err.Error()
	}
	return text
}

func (l *lines) Upload(done, total int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if total <= 0 {
		return
	}
	quarter := 4 * done / total
	if quarter <= l.quarter {
		return
	}
	l.quarter = quarter
	fmt.Fprintf(l.out, "%9s %d %% of %s\n", "", 25*quarter, size(total))
}

func (*lines) Close() {}

// size writes a number of bytes for people.
func size(bytes int64) string {
	const unit = 1024
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	n, name := float64(bytes), -1
	for n >= unit {
		n, name = n/unit, name+1
	}
	return fmt.Sprintf("%.1f %ciB", n, "KMGTPE"[name])
}

// title describes a step without its times.
func title(e images.Event) string {
	text := string(e.Step)
	if e.Version != "" {
		text += " " + e.Version
	}
	if e.State != "" {
		text += ": " + e.State
	}
	if e.Err != nil {
		text += ": " + strings.ReplaceAll(e.Err.Error(), "\n", " ")
	}
	return text
}
