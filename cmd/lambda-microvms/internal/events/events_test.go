package events

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
)

func TestEvents(t *testing.T) {
	var out bytes.Buffer
	w := New(&out)
	w.now = func() time.Time {
		return time.Date(2026, time.August, 1, 14, 0, 0, 500_000_000, time.FixedZone("", 2*60*60))
	}
	w.Step(images.Event{
		Step: images.StepWaitForBuild, Image: "arn:x", Version: "2.0", State: "PENDING",
		Elapsed: 1500 * time.Millisecond, Delay: 2 * time.Second, Err: errors.New("a\nb"),
	})
	w.Step(images.Event{Step: images.StepFind})
	w.Upload(1, 2)
	w.Write("interrupted", struct{}{})
	w.Close()
	const want = `{"type":"step","time":"2026-08-01T12:00:00.5Z","step":"wait for build","image":"arn:x","version":"2.0","state":"PENDING","elapsedSeconds":1.5,"delaySeconds":2,"error":"a\nb"}
{"type":"step","time":"2026-08-01T12:00:00.5Z","step":"find","elapsedSeconds":0}
{"type":"upload","time":"2026-08-01T12:00:00.5Z","bytes":1,"totalBytes":2}
{"type":"interrupted","time":"2026-08-01T12:00:00.5Z"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

// failing is an output that nobody reads.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestErr(t *testing.T) {
	closed := errors.New("closed")
	w := New(failing{closed})
	w.Upload(1, 2)
	if err := w.Err(); !errors.Is(err, closed) {
		t.Error(err)
	}
	w = New(new(bytes.Buffer))
	w.Write("wrong", func() {})
	if w.Err() == nil {
		t.Error("no error")
	}
}
