package otel_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"html"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

var update = flag.Bool("update", false, "rewrite docs/deploy-trace.svg")

// The picture of docs/observability.md shows what Deploy does now: it is drawn from the
// spans of a deployment to the fake. Each call takes 80 ms there, the upload 4 s, and
// packing no time.
func TestPicture(t *testing.T) {
	srv, client, recorder := traced(t)
	ctx := context.Background()
	d := deployment(t, t.TempDir(), srv.Clock())
	if _, err := images.Deploy(ctx, client, d, steady); err != nil {
		t.Fatal(err)
	}
	recorder.Reset()
	srv.Inject(fake.Slow{Delay: 80 * time.Millisecond})
	d.Image.EnvironmentVariables = map[string]string{"STAGE": "prod"}
	if _, err := images.Deploy(ctx, client, d, steady, hashedFirst); err != nil {
		t.Fatal(err)
	}
	got := draw(rows(recorder))
	const path = "../docs/deploy-trace.svg"
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got (go test ./otel -run Picture -update):\n%s", diff)
	}
}

// hashedFirst makes the calls of a deployment wait until the directory has been hashed:
// otherwise the end of that step in the picture would depend on the speed of the machine.
func hashedFirst(o *images.DeployOptions) {
	hashed := make(chan struct{})
	o.Logger = slog.New(ending{slog.DiscardHandler, "deploy: hash", hashed})
	o.Progress = func(e images.Event) {
		if e.Step == images.StepFind {
			<-hashed
		}
	}
}

// ending is a log handler that closes a channel at a message.
type ending struct {
	slog.Handler
	message string
	ended   chan struct{}
}

// Enabled leaves out the events at the beginning of steps, which have the same message.
func (e ending) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (e ending) Handle(_ context.Context, r slog.Record) error {
	if r.Message == e.message {
		close(e.ended)
	}
	return nil
}

// A row has the spans with the same name below the same parent, such as all polls.
type row struct {
	name  string
	depth int
	spans []sdktrace.ReadOnlySpan
}

func (r *row) start() time.Time { return r.spans[0].StartTime() }

func (r *row) end() time.Time { return r.spans[len(r.spans)-1].EndTime() }

// rows returns those of the workflow, its steps and their calls, in the order of a tree.
func rows(recorder *tracetest.SpanRecorder) []*row {
	below := map[trace.SpanID][]sdktrace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		below[s.Parent().SpanID()] = append(below[s.Parent().SpanID()], s)
	}
	var all []*row
	var add func(parent trace.SpanID, depth int)
	add = func(parent trace.SpanID, depth int) {
		children := below[parent]
		slices.SortStableFunc(children, func(a, b sdktrace.ReadOnlySpan) int {
			return cmp.Or(a.StartTime().Compare(b.StartTime()), a.EndTime().Compare(b.EndTime()), strings.Compare(a.Name(), b.Name()))
		})
		last := &row{}
		for _, s := range children {
			isCall := strings.HasPrefix(s.Name(), lambdamicrovms.ServiceID+".")
			if !isCall || s.Name() != last.name {
				last = &row{name: s.Name(), depth: depth}
				all = append(all, last)
			}
			last.spans = append(last.spans, s)
			if !isCall {
				add(s.SpanContext().SpanID(), depth+1)
			}
		}
	}
	add(trace.SpanID{}, 0)
	return all
}

// draw returns an SVG with a line for each row. It has a background of its own: GitHub
// shows a picture in the colors of the browser, not in those of the theme that the user
// has chosen for GitHub, and light text on a white page cannot be read.
func draw(all []*row) []byte {
	const (
		width, left, right = 960, 330, 80
		height             = 22
	)
	begin, end := all[0].start(), all[0].end()
	x := func(at time.Time) float64 {
		return left + (width-left-right)*at.Sub(begin).Seconds()/end.Sub(begin).Seconds()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title" font-family="ui-monospace, monospace" font-size="13">
<title id="title">The trace of a deployment</title>
<style>
text { fill: #1f2328 } .page { fill: #ffffff } .time { fill: #59636e } .step { fill: #0969da } .call { fill: #1a7f37 } .line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .page { fill: #0d1117 } .time { fill: #9198a1 } .step { fill: #4493f8 } .call { fill: #3fb950 } .line { stroke: #3d444d }
}
</style>
<rect class="page" width="100%%" height="100%%"/>
`, width, height*len(all)+4)
	for i, r := range all {
		y := height * i
		class, name := "step", r.name
		if call, ok := strings.CutPrefix(r.name, lambdamicrovms.ServiceID+"."); ok {
			class, name = "call", call
		}
		if len(r.spans) > 1 {
			name += fmt.Sprintf(" × %d", len(r.spans))
		}
		if i > 0 {
			fmt.Fprintf(&b, "<path class=\"line\" d=\"M0 %d H%d\"/>\n", y, width)
		}
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", 8+16*r.depth, y+16, html.EscapeString(name))
		for _, s := range r.spans {
			from, to := x(s.StartTime()), x(s.EndTime())
			fmt.Fprintf(&b, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"12\" rx=\"1\"/>\n", class, from, y+5, max(to-from, 2))
		}
		took := r.end().Sub(r.start())
		fmt.Fprintf(&b, "<text class=\"time\" x=\"%d\" y=\"%d\">%v</text>\n", width-right+8, y+16, took.Round(10*time.Millisecond))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
