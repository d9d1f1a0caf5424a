// Package events writes what a workflow does for machines: one JSON object a line. Each
// has a type and a time; docs are in the help of the commands that have --json. No event
// has the value of an environment variable.
package events

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms/images"
)

// Writer writes events. It is a progress.Reporter.
type Writer struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
	err error
}

// New returns a Writer that writes to out.
func New(out io.Writer) *Writer { return &Writer{out: out, now: time.Now} }

// event has the members of all events.
type event struct {
	Type string `json:"type"`
	Time string `json:"time"`
}

// Write writes an event of a type with the members of a struct or map, which must encode
// as a JSON object.
func (w *Writer) Write(kind string, members any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	line, err := encode(event{kind, w.now().UTC().Format(time.RFC3339Nano)}, members)
	if err == nil {
		_, err = w.out.Write(line)
	}
	if w.err == nil {
		w.err = err
	}
}

// encode returns the line of an event: one object with the members of both.
func encode(e event, members any) ([]byte, error) {
	line, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	if len(body) > len("{}") {
		line = append(append(line[:len(line)-1], ','), body[1:]...)
	}
	return append(line, '\n'), nil
}

// Err returns the first error of writing.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// step is an event of the type step.
type step struct {
	Step    images.Step `json:"step"`
	Image   string      `json:"image,omitempty"`
	Version string      `json:"version,omitempty"`
	State   string      `json:"state,omitempty"`
	Elapsed float64     `json:"elapsedSeconds"`
	Delay   float64     `json:"delaySeconds,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// Step writes an event of the type step.
func (w *Writer) Step(e images.Event) {
	s := step{Step: e.Step, Image: e.Image, Version: e.Version, State: e.State, Elapsed: e.Elapsed.Seconds(), Delay: e.Delay.Seconds()}
	if e.Err != nil {
		s.Error = e.Err.Error()
	}
	w.Write("step", s)
}

// upload is an event of the type upload.
type upload struct {
	Done  int64 `json:"bytes"`
	Total int64 `json:"totalBytes"`
}

// Upload writes an event of the type upload.
func (w *Writer) Upload(done, total int64) { w.Write("upload", upload{done, total}) }

// Close does nothing: each event is written at once.
func (*Writer) Close() {}
