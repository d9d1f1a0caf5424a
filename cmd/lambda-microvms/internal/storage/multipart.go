package storage

import (
	"crypto/md5" //nolint:gosec // what the entity tags of S3 are made of
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// upload is a multipart upload.
type upload struct {
	path  string
	parts map[int]object // by number
}

const (
	maxParts    = 10_000
	minPartSize = 5 << 20 // of all parts but the last
)

func (s *server) begin(w http.ResponseWriter, r *http.Request, bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := strconv.Itoa(s.next)
	s.uploads[id] = &upload{path: r.URL.Path, parts: make(map[int]object)}
	respond(w, struct {
		XMLName xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket  string
		Key     string
		ID      string `xml:"UploadId"`
	}{Bucket: bucket, Key: key, ID: id})
}

// serveUpload serves a request to a multipart upload: a part, their list, or the end.
func (s *server) serveUpload(w http.ResponseWriter, r *http.Request, query url.Values) {
	var part object
	var list partList
	var err error
	switch r.Method {
	case http.MethodPut:
		part, err = receive(r)
	case http.MethodPost:
		// The checksums of this header are of the object, not of the body.
		if xml.NewDecoder(r.Body).Decode(&list) != nil || len(list.Parts) == 0 {
			err = badRequest("MalformedXML", "The body is not a list of parts.")
		}
	}
	if err != nil {
		fail(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := query.Get("uploadId")
	u := s.uploads[id]
	if u == nil || u.path != r.URL.Path {
		fail(w, &refusal{http.StatusNotFound, "NoSuchUpload", "There is no such upload, or it has ended."})
		return
	}
	switch r.Method {
	case http.MethodPut:
		u.put(w, query.Get("partNumber"), part)
	case http.MethodGet:
		u.list(w, query.Get("max-parts"))
	case http.MethodPost:
		complete, err := u.complete(list.Parts)
		if err != nil {
			fail(w, err)
			return
		}
		s.objects[u.path] = complete
		delete(s.uploads, id)
		respond(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			ETag    string
		}{ETag: complete.etag})
	case http.MethodDelete:
		delete(s.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (u *upload) put(w http.ResponseWriter, number string, part object) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxParts {
		fail(w, badRequest("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", maxParts))
		return
	}
	u.parts[n] = part
	w.Header().Set("ETag", part.etag)
}

type listedPart struct {
	PartNumber int
	ETag       string
	Size       int64 `xml:",omitempty"`
}

type partList struct {
	XMLName     xml.Name
	IsTruncated bool
	Parts       []listedPart `xml:"Part"`
}

func (u *upload) list(w http.ResponseWriter, limit string) {
	n, err := strconv.Atoi(limit)
	if limit != "" && (err != nil || n < 0) {
		fail(w, badRequest("InvalidArgument", "max-parts is no number of parts"))
		return
	}
	if limit == "" || n > 1000 {
		n = 1000
	}
	list := partList{XMLName: xml.Name{Local: "ListPartsResult"}, IsTruncated: len(u.parts) > n}
	for _, number := range slices.Sorted(maps.Keys(u.parts))[:min(n, len(u.parts))] {
		list.Parts = append(list.Parts, listedPart{number, u.parts[number].etag, u.parts[number].size})
	}
	respond(w, list)
}

// complete returns the object of the parts that a request lists, of which there is at
// least one.
func (u *upload) complete(list []listedPart) (object, error) {
	for i := range list[1:] {
		if list[i].PartNumber >= list[i+1].PartNumber {
			return object{}, badRequest("InvalidPartOrder", "The list of parts was not in ascending order.")
		}
	}
	var whole object
	sum := md5.New() //nolint:gosec // see the import
	for i, listed := range list {
		part, found := u.parts[listed.PartNumber]
		switch {
		case !found || strings.Trim(listed.ETag, `"`) != strings.Trim(part.etag, `"`):
			return object{}, badRequest("InvalidPart", "Part %d was not uploaded, or has another entity tag.", listed.PartNumber)
		case i < len(list)-1 && part.size < minPartSize:
			return object{}, badRequest("EntityTooSmall", "Part %d is smaller than the minimum of 5 MiB.", listed.PartNumber)
		}
		whole.size += part.size
		raw, _ := hex.DecodeString(strings.Trim(part.etag, `"`)) // receive made it
		_, _ = sum.Write(raw)
	}
	whole.etag = fmt.Sprintf(`"%x-%d"`, sum.Sum(nil), len(list))
	return whole, nil
}
