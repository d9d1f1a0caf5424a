package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/images"
)

const (
	redrawInterval = 150 * time.Millisecond
	spinner        = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	barWidth       = 20
	defaultWidth   = 80 // of what is no terminal
)

// terminal shows the current step in a line that moves, with a bar during the upload.
// Steps that are over stay above it. Every terminal can show this: it takes a carriage
// return and blanks, but no escape sequences.
type terminal struct {
	out    io.Writer
	began  time.Time
	closed chan struct{}
	redraw sync.WaitGroup

	mu    sync.Mutex // guards out, and what follows
	event images.Event
	shown bool // there is an event
	frame int  // of the spinner
	drawn int  // the width of the line that is on the terminal

	uploaded, total int64 // total is 0 while nothing is uploaded
	uploadBegan     time.Time
}

func newTerminal(out io.Writer) *terminal {
	t := &terminal{out: out, began: time.Now(), closed: make(chan struct{})}
	t.redraw.Add(1)
	go t.move()
	return t
}

// move redraws the line, so that its time goes on, until Close.
func (t *terminal) move() {
	defer t.redraw.Done()
	ticks := time.NewTicker(redrawInterval)
	defer ticks.Stop()
	for {
		select {
		case <-t.closed:
			return
		case <-ticks.C:
			t.mu.Lock()
			t.frame++
			t.draw("")
			t.mu.Unlock()
		}
	}
}

func (t *terminal) Step(e images.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, had := t.event, t.shown
	t.event, t.shown = e, true
	if e.Step != images.StepUpload {
		t.total = 0
	}
	switch {
	case !had:
		t.draw("")
	case identity(before) != identity(e):
		t.draw(over(before))
	}
}

// over returns the line of a step that is over.
func over(e images.Event) string {
	e.Delay = 0
	return e.String() + "\n"
}

func (t *terminal) Upload(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total == 0 {
		t.uploadBegan = time.Now()
	}
	t.uploaded, t.total = done, total
}

func (t *terminal) Close() {
	close(t.closed)
	t.redraw.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := ""
	if t.shown {
		kept = over(t.event)
	}
	t.shown = false
	t.draw(kept)
}

// draw writes a text in place of the line that moves, and the line behind it. In the last
// column of a terminal the line would wrap.
func (t *terminal) draw(kept string) {
	text := kept
	if t.drawn > 0 {
		text = "\r" + strings.Repeat(" ", t.drawn) + "\r" + kept
	}
	t.drawn = 0
	if t.shown {
		line := fit(t.line(), t.width()-1)
		t.drawn = output.TextWidth(line)
		text += line
	}
	_, _ = io.WriteString(t.out, text)
}

func (t *terminal) line() string {
	frames := []rune(spinner)
	line := fmt.Sprintf("%c %.0fs  %s", frames[t.frame%len(frames)], time.Since(t.began).Seconds(), title(t.event))
	if t.total > 0 {
		line += "  " + t.bar()
	}
	return line
}

// bar shows how much is uploaded, and the bytes per second.
func (t *terminal) bar() string {
	done := min(t.uploaded, t.total)
	bar := strings.Repeat("=", int(barWidth*done/t.total))
	text := fmt.Sprintf("%d %% [%-*s] %s / %s", 100*done/t.total, barWidth, bar, Size(done), Size(t.total))
	if elapsed := time.Since(t.uploadBegan).Seconds(); elapsed >= 1 {
		text += fmt.Sprintf("  %s/s", Size(int64(float64(done)/elapsed)))
	}
	return text
}

// width is the number of columns of the terminal, which can change.
func (t *terminal) width() int {
	if file, ok := t.out.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

// fit cuts a text to a number of columns.
func fit(text string, columns int) string {
	used := 0
	for i, r := range text {
		if used += output.TextWidth(string(r)); used > columns {
			return text[:i]
		}
	}
	return text
}
