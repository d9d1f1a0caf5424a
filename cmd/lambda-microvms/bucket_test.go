package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bucket stands for S3: it has one bucket with the name bucket, as far as uploads need it.
type bucket struct {
	region  string
	arrived chan struct{} // if set, receives when an upload has arrived, which then
	hold    chan struct{} // waits until this is closed
	objects sync.Map      // sizes by path
	uploads atomic.Int32
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amz-Bucket-Region", b.region)
	size, found := b.objects.Load(r.URL.Path)
	switch {
	case strings.Trim(r.URL.Path, "/") == "bucket":
	case !strings.HasPrefix(r.URL.Path, "/bucket/"):
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPut:
		content, _ := io.ReadAll(r.Body)
		if b.hold != nil {
			b.arrived <- struct{}{}
			select {
			case <-b.hold:
			case <-r.Context().Done():
				return
			}
		}
		b.objects.Store(r.URL.Path, len(content))
		b.uploads.Add(1)
	case found:
		w.Header().Set("Content-Length", strconv.Itoa(size.(int)))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// buckets are those of running scripts.
var buckets sync.Map

func startBucket(ts *testscript.TestScript, _ bool, args []string) {
	b := &bucket{region: args[0]}
	server := httptest.NewServer(b)
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	buckets.Store(ts, b)
}

func compareUploads(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := buckets.Load(ts)
	if !ok {
		ts.Fatalf("no bucket")
	}
	if got := strconv.Itoa(int(v.(*bucket).uploads.Load())); got != args[0] {
		ts.Fatalf("%s uploads, want %s", got, args[0])
	}
}

// startLogs has the output of version 2.0 of the image broken, one line a second from the
// start of the fake's clock. Other versions have streams, but no output.
func startLogs(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ LogGroupName, LogStreamNamePrefix string }
		err := json.NewDecoder(r.Body).Decode(&in)
		const stream = "2026/08/01[2.0]microvm-1"
		var events []map[string]any
		for i := range lines {
			if strings.HasPrefix(stream, in.LogStreamNamePrefix) {
				at := time.Date(2026, time.August, 1, 12, 0, i+1, 0, time.UTC)
				events = append([]map[string]any{{"logStreamName": stream, "message": lines[i], "timestamp": at.UnixMilli()}}, events...)
			}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		var out any = map[string]any{"events": events}
		if err != nil || in.LogGroupName != "/aws/lambda-microvms/broken" {
			w.WriteHeader(http.StatusBadRequest)
			out = map[string]string{"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}
		}
		_ = json.NewEncoder(w).Encode(out)
	}))
	ts.Defer(server.Close)
	ts.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.URL)
}
