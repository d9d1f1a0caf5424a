// Package storage stands for S3 in front of the fake of the service, as far as uploads of
// archives need it, so that a directory can be deployed to the fake. The fake itself has
// no S3, and reads no archives.
//
// Every bucket exists, in the region that a request is signed for. Signatures are not
// checked. Only the sizes of objects are kept, in memory: nobody reads their content.
package storage

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Handler serves the requests that are signed for S3, in path style, and leaves all
// others to next.
func Handler(next http.Handler) http.Handler {
	s := &server{objects: make(map[string]int64), uploads: make(map[string]*upload)}
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
	objects map[string]int64   // sizes, by the path with the bucket
	uploads map[string]*upload // multipart uploads that are not complete, by ID
	next    int                // number of the next one
}

// upload is a multipart upload.
type upload struct {
	path  string
	parts map[string]int64 // sizes, by number
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, region string) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case bucket == "":
		fail(w, http.StatusNotImplemented, "NotImplemented")
	case key == "":
		serveBucket(w, r, region)
	case query.Has("uploads") && r.Method == http.MethodPost:
		s.begin(w, r, bucket, key)
	case query.Has("uploadId"):
		s.serveUpload(w, r, query)
	case r.Method == http.MethodPut:
		size, err := receive(r)
		if err != nil {
			fail(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.objects[r.URL.Path] = size
		w.Header().Set("ETag", etag(size))
	case r.Method == http.MethodHead:
		s.mu.Lock()
		size, found := s.objects[r.URL.Path]
		s.mu.Unlock()
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.Header().Set("ETag", etag(size))
	default:
		fail(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func serveBucket(w http.ResponseWriter, r *http.Request, region string) {
	switch {
	case r.Method == http.MethodHead:
	case r.Method == http.MethodGet && r.URL.Query().Has("location"):
		if region == "us-east-1" { // S3 names every other region
			region = ""
		}
		respond(w, struct {
			XMLName xml.Name `xml:"LocationConstraint"`
			Region  string   `xml:",chardata"`
		}{Region: region})
	default:
		fail(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// begin begins a multipart upload.
func (s *server) begin(w http.ResponseWriter, r *http.Request, bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := strconv.Itoa(s.next)
	s.uploads[id] = &upload{path: r.URL.Path, parts: make(map[string]int64)}
	respond(w, struct {
		XMLName xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket  string
		Key     string
		ID      string `xml:"UploadId"`
	}{Bucket: bucket, Key: key, ID: id})
}

// serveUpload serves a request to a multipart upload: a part, or its end.
func (s *server) serveUpload(w http.ResponseWriter, r *http.Request, query url.Values) {
	size, err := receive(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := query.Get("uploadId")
	u := s.uploads[id]
	switch {
	case u == nil || u.path != r.URL.Path:
		fail(w, http.StatusNotFound, "NoSuchUpload")
	case r.Method == http.MethodPut && query.Has("partNumber"):
		u.parts[query.Get("partNumber")] = size
		w.Header().Set("ETag", etag(size))
	case r.Method == http.MethodPost:
		var total int64
		for _, size := range u.parts {
			total += size
		}
		s.objects[u.path] = total
		delete(s.uploads, id)
		respond(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			ETag    string
		}{ETag: etag(total)})
	case r.Method == http.MethodDelete:
		delete(s.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// receive reads the body and returns the size of its content, which is smaller than the
// body if a checksum follows in a trailer.
func receive(r *http.Request) (int64, error) {
	size, err := io.Copy(io.Discard, r.Body)
	if decoded := r.Header.Get("X-Amz-Decoded-Content-Length"); err == nil && decoded != "" {
		return strconv.ParseInt(decoded, 10, 64)
	}
	return size, err
}

// etag returns an entity tag. Clients only send it back.
func etag(size int64) string { return fmt.Sprintf(`"%032x"`, size) }

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	writeXML(w, struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: code, Message: "The fake serves what uploads of archives need."})
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
