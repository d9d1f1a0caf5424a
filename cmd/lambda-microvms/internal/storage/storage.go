// Package storage is a fake of the operations of S3 that uploads of archives need, so
// that a directory can be deployed to the fake of the service. That fake has no S3, and
// reads no archives.
//
// Every bucket exists, in the region that a request is signed for. Signatures are not
// checked, checksums are. Only the sizes of objects are kept, in memory: nobody reads
// their content. A request for anything else gets 501, so that nothing is ignored.
package storage

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Handler serves the requests that are signed for S3, in path style, and leaves all
// others to next.
func Handler(next http.Handler) http.Handler {
	s := &server{objects: make(map[string]object), uploads: make(map[string]*upload)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		region, isS3 := scope(r)
		if !isS3 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Amz-Bucket-Region", region)
		s.serve(w, r, region)
	})
}

// scope returns the region in the credential scope of a request, and whether its service
// is S3. The scope is <key>/<date>/<region>/<service>/aws4_request.
func scope(r *http.Request) (region string, isS3 bool) {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[3] != "s3" {
		return "", false
	}
	return parts[2], true
}

type server struct {
	mu      sync.Mutex
	objects map[string]object  // by the path with the bucket
	uploads map[string]*upload // multipart uploads that are not complete, by ID
	next    int                // number of the next one
}

// object is an object, or a part of one.
type object struct {
	size int64
	etag string
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, region string) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	query.Del("x-id") // the name of the operation
	switch operationOf(r, bucket, key, query) {
	case "HEAD bucket":
	case "GET bucket location":
		serveLocation(w, region)
	case "HEAD object":
		s.head(w, r)
	case "PUT object":
		s.put(w, r)
	case "POST object uploads":
		s.begin(w, r, bucket, key)
	case "PUT object partNumber uploadId", "POST object uploadId", "DELETE object uploadId",
		"GET object uploadId", "GET object max-parts uploadId":
		s.serveUpload(w, r, query)
	default:
		fail(w, notImplemented)
	}
}

// operationOf returns the method, what the path names, and the names in the query, which
// select the operation. It returns an empty text if a header asks for more.
func operationOf(r *http.Request, bucket, key string, query url.Values) string {
	for _, name := range [...]string{
		"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Range",
		"X-Amz-Copy-Source", "X-Amz-Write-Offset-Bytes",
	} {
		if r.Header.Get(name) != "" {
			return ""
		}
	}
	words := []string{r.Method, "object"}
	switch {
	case bucket == "":
		words[1] = "service"
	case key == "":
		words[1] = "bucket"
	}
	return strings.Join(append(words, slices.Sorted(maps.Keys(query))...), " ")
}

func serveLocation(w http.ResponseWriter, region string) {
	if region == "us-east-1" { // S3 names every other region
		region = ""
	}
	respond(w, struct {
		XMLName xml.Name `xml:"LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
}

func (s *server) head(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	found, ok := s.objects[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(found.size, 10))
	w.Header().Set("ETag", found.etag)
}

func (s *server) put(w http.ResponseWriter, r *http.Request) {
	received, err := receive(r)
	if err != nil {
		fail(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[r.URL.Path] = received
	w.Header().Set("ETag", received.etag)
}

// refusal is an error of S3.
type refusal struct {
	status        int
	code, message string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

func badRequest(code, format string, args ...any) error {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

var notImplemented = &refusal{http.StatusNotImplemented, "NotImplemented", "The fake serves what uploads of archives need."}

func fail(w http.ResponseWriter, err error) {
	refused := &refusal{http.StatusBadRequest, "IncompleteBody", err.Error()}
	errors.As(err, &refused)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(refused.status)
	writeXML(w, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: refused.code, Message: refused.message})
}

func respond(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	writeXML(w, v)
}

// writeXML ignores errors: they mean that the client has gone.
func writeXML(w io.Writer, v any) {
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(v)
}
