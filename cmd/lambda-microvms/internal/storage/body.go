package storage

import (
	"bufio"
	"crypto/md5"  //nolint:gosec // what S3 accepts
	"crypto/sha1" //nolint:gosec // what S3 accepts
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// crc64nvme is the polynomial of CRC-64/NVME, reversed.
const crc64nvme = 0x9a6c9329ac4bc9b5

// newHash returns the hash of a header with a checksum, or nil.
func newHash(header string) hash.Hash {
	switch header {
	case "Content-Md5":
		return md5.New() //nolint:gosec // see the import
	case "X-Amz-Checksum-Crc32":
		return crc32.NewIEEE()
	case "X-Amz-Checksum-Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "X-Amz-Checksum-Crc64nvme":
		return crc64.New(crc64.MakeTable(crc64nvme))
	case "X-Amz-Checksum-Sha1":
		return sha1.New() //nolint:gosec // see the import
	case "X-Amz-Checksum-Sha256":
		return sha256.New()
	}
	return nil
}

// receive reads the content of an object or part. It verifies the checksums in the header
// and in the trailer.
func receive(r *http.Request) (object, error) {
	tag := md5.New() //nolint:gosec // see the import
	writers := []io.Writer{tag}
	sums := make(map[string]hash.Hash)
	names := strings.Split(r.Header.Get("X-Amz-Trailer"), ",")
	for name := range r.Header {
		names = append(names, name)
	}
	for _, name := range names {
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		if sum := newHash(name); sum != nil {
			sums[name] = sum
			writers = append(writers, sum)
		}
	}
	size, trailer, err := copyContent(io.MultiWriter(writers...), r)
	if err != nil {
		return object{}, err
	}
	for name, sum := range sums {
		given := r.Header.Get(name)
		if given == "" {
			given = trailer.Get(name)
		}
		if given != base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
			return object{}, badRequest("BadDigest", "The %s you specified did not match what we received.", name)
		}
	}
	return object{size: size, etag: fmt.Sprintf(`"%x"`, tag.Sum(nil))}, nil
}

// copyContent copies the content of a body. In the encoding aws-chunked, the content is
// in chunks, which may be signed, and a trailer follows.
func copyContent(to io.Writer, r *http.Request) (size int64, trailer textproto.MIMEHeader, err error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		size, err = io.Copy(to, r.Body)
		return size, nil, err
	}
	body := bufio.NewReader(r.Body)
	if size, err = io.Copy(to, httputil.NewChunkedReader(body)); err != nil {
		return 0, nil, err
	}
	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != strconv.FormatInt(size, 10) {
		return 0, nil, badRequest("IncompleteBody", "The body has %d bytes instead of %s.", size, want)
	}
	trailer, err = textproto.NewReader(body).ReadMIMEHeader()
	if errors.Is(err, io.EOF) { // without the empty line after it
		err = nil
	}
	return size, trailer, err
}
