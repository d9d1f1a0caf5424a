package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/microvm-go/lambdamicrovms/images"
)

// terminal shows the current step in a line that moves, with a bar below it during the
// upload. Steps that are over stay above it.
type terminal struct {
	bars    *mpb.Progress
	current *mpb.Bar
	upload  *mpb.Bar
	began   time.Time

	// mu guards what a redraw reads. mpb redraws while it handles calls, so none may be made
	// with mu held.
	mu    sync.Mutex
	event images.Event
	shown bool // there is an event

	uploading sync.Mutex // guards upload
}

func newTerminal(out io.Writer) *terminal {
	t := &terminal{bars: mpb.New(mpb.WithOutput(out), mpb.WithAutoRefresh()), began: time.Now()}
	t.current = t.bars.New(0, mpb.SpinnerStyle().PositionLeft(),
		mpb.BarWidth(1), mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return t.line() })))
	return t
}

// line is what the moving line shows behind its spinner.
func (t *terminal) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.shown {
		return ""
	}
	return fmt.Sprintf(" %.0fs  %s", time.Since(t.began).Seconds(), title(t.event))
}

func (t *terminal) Step(e images.Event) {
	t.mu.Lock()
	before, had := t.event, t.shown
	t.event, t.shown = e, true
	t.mu.Unlock()
	if e.Step != images.StepUpload {
		t.endUpload()
	}
	if had && identity(before) != identity(e) {
		t.keep(before)
	}
}

// keep writes a step that is over above the moving line. mpb may have ended already.
func (t *terminal) keep(e images.Event) {
	e.Delay = 0
	_, _ = fmt.Fprintln(t.bars, e)
}

func (t *terminal) Upload(done, total int64) {
	t.uploading.Lock()
	defer t.uploading.Unlock()
	if t.upload == nil && total > 0 {
		t.upload = t.bars.New(total, mpb.BarStyle().Rbound("]"), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Percentage(decor.WCSyncSpace)),
			mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "  % .1f")))
	}
	if t.upload != nil {
		t.upload.SetCurrent(done)
	}
}

func (t *terminal) endUpload() {
	t.uploading.Lock()
	defer t.uploading.Unlock()
	if t.upload != nil {
		t.upload.Abort(true)
		t.upload = nil
	}
}

func (t *terminal) Close() {
	t.mu.Lock()
	last, had := t.event, t.shown
	t.shown = false
	t.mu.Unlock()
	if had {
		t.keep(last)
	}
	t.endUpload()
	t.current.Abort(true)
	t.bars.Wait()
}
