package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// bucket is a fake S3 with one bucket, whose name is bucket. It serves what an upload in
// one request needs.
type bucket struct {
	region  string
	arrived chan struct{} // receives when an upload has arrived
	hold    chan struct{} // if set, uploads wait until it is closed
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

// buckets are the buckets of running scripts, by their TestScript.
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
