package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// logGroup is a fake CloudWatch Logs with one log group.
type logGroup struct {
	name string

	mu    sync.Mutex
	lines []loggedLine
}

type loggedLine struct {
	Stream string `json:"logStreamName"`
	Text   string `json:"message"`
	Time   int64  `json:"timestamp"`
}

func (g *logGroup) write(stream string, at time.Time, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, loggedLine{stream, text, at.UnixMilli()})
}

func (g *logGroup) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		LogGroupName, LogStreamNamePrefix string
		StartTime                         int64
		StartFromHead                     *bool
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil || in.LogGroupName != g.name {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."})
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	found := []loggedLine{}
	for _, line := range g.lines {
		if strings.HasPrefix(line.Stream, in.LogStreamNamePrefix) && line.Time >= in.StartTime {
			found = append(found, line)
		}
	}
	if in.StartFromHead != nil && !*in.StartFromHead {
		slices.Reverse(found)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"events": found, "logStreams": found})
}

// startLogs writes the lines of a file, one a second: those of version 2.0 of the image
// broken, or of the given stream, from the start of the fake's clock. A stream without a
// date is of today, and begins now.
func startLogs(ts *testscript.TestScript, _ bool, args []string) {
	group, stream, begin := "/aws/lambda-microvms/broken", "2026/08/01[2.0]microvm-1", time.Date(2026, time.August, 1, 12, 0, 0, 0, time.UTC)
	if len(args) > 1 {
		group, stream = args[1], args[2]
	}
	if strings.HasPrefix(stream, "[") {
		begin = time.Now().UTC()
		stream = begin.Format("2006/01/02") + stream
	}
	g := &logGroup{name: group}
	for i, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		g.write(stream, begin.Add(time.Duration(i+1)*time.Second), line)
	}
	server := httptest.NewServer(g)
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.URL)
}
