// Package sigv4 signs ordinary requests with Signature Version 4. It makes the same
// signatures as the signer of the AWS SDK, at a fraction of the cost. It declines every
// other request, which then needs the SDK's signer.
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	algorithm           = "AWS4-HMAC-SHA256"
	dateHeader          = "X-Amz-Date"
	securityTokenHeader = "X-Amz-Security-Token"
	authorizationHeader = "Authorization"
)

// Limits of an ordinary request. They let the signer work without allocations.
const (
	maxHeaders = 24
	maxParams  = 16
)

// A Signer signs requests. Its zero value is ready, and it is safe for concurrent use.
type Signer struct {
	key atomic.Pointer[signingKey]
}

// Sign signs the request, which is an HTTP request with the payload hash. It reports
// false if it declines the request: the request is then unchanged and not signed.
func (s *Signer) Sign(c *aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time) bool {
	if !ordinary(c, r) {
		return false
	}
	var paramBuffer [maxParams]string
	params, sorted, ok := queryParams(paramBuffer[:0], r.URL.RawQuery)
	if !ok {
		return false
	}
	var headerBuffer [maxHeaders]header
	headers, ok := signedHeaders(headerBuffer[:0], r)
	if !ok {
		return false
	}

	at = at.UTC()
	stamp := at.Format("20060102T150405Z")
	// The strings of all headers share one slice.
	values := [...]string{stamp, c.SessionToken, ""}
	owned := values[:]
	r.Header[dateHeader] = owned[0:1:1]
	headers = append(headers, header{name: dateHeader, value: stamp})
	if c.SessionToken != "" {
		r.Header[securityTokenHeader] = owned[1:2:2]
		headers = append(headers, header{name: securityTokenHeader, value: c.SessionToken})
	}
	insertionSort(headers, func(a, b header) int { return compareLower(a.name, b.name) })
	if !sorted {
		r.URL.RawQuery = strings.Join(params, "&")
	}

	var namesBuffer [512]byte
	names := appendNames(namesBuffer[:0], headers)
	var requestBuffer [2048]byte
	canonical := appendRequest(requestBuffer[:0], r, headers, names, payloadHash)
	hash := sha256.Sum256(canonical)

	var scopeBuffer [128]byte
	scope := appendScope(scopeBuffer[:0], stamp[:8], region, service)
	var textBuffer [256]byte
	text := appendText(textBuffer[:0], stamp, scope, hash[:])
	key := s.signingKey(c, stamp[:8], region, service)
	signature := mac(key[:], text)

	var authorizationBuffer [1024]byte
	owned[2] = string(appendAuthorization(authorizationBuffer[:0], c.AccessKeyID, scope, names, signature[:]))
	r.Header[authorizationHeader] = owned[2:3:3]
	return true
}

// ordinary reports whether the signer knows how the SDK's signer treats such a request.
func ordinary(c *aws.Credentials, r *http.Request) bool {
	return r.Header != nil && len(r.Header) <= maxHeaders-4 && // Host, Content-Length and two that Sign adds
		r.Host == "" && ordinaryHost(r.URL.Host) &&
		r.URL.Opaque == "" && r.URL.User == nil && ordinaryPath(r.URL.Path, r.URL.RawPath) &&
		(c.SessionToken == "" || ordinaryValue(c.SessionToken))
}

// ordinaryHost reports whether the host has neither a port that the SDK's signer may
// remove nor an unusual character.
func ordinaryHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		case c == ':':
			port := host[i+1:]
			return port != "" && port != "80" && port != "443" && strings.Trim(port, "0123456789") == ""
		default:
			return false
		}
	}
	return host != ""
}

// ordinaryPath reports whether RawPath is the escaped path of the URL, as the client's
// encoder leaves it: every character is unreserved, a slash or escaped.
func ordinaryPath(path, rawPath string) bool {
	if rawPath == "" {
		rawPath = path
	}
	if !strings.HasPrefix(rawPath, "/") || strings.HasPrefix(rawPath, "//") {
		return false
	}
	// RawPath counts only if it is an encoding of Path.
	n := 0
	for i := 0; i < len(rawPath); i++ {
		c := rawPath[i]
		switch {
		case unreserved(c), c == '/':
		case c == '%' && rawPath != path && i+2 < len(rawPath):
			high, low := fromHex(rawPath[i+1]), fromHex(rawPath[i+2])
			if high > 15 || low > 15 {
				return false
			}
			c = high<<4 | low
			i += 2
		default:
			return false
		}
		if n >= len(path) || path[n] != c {
			return false
		}
		n++
	}
	return n == len(path)
}

// ordinaryValue reports whether a header value is canonical: printable ASCII without
// spaces at its ends and without double spaces.
func ordinaryValue(value string) bool {
	space := true
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c > '~' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space || value == ""
}

// queryParams appends the parameters of a query in canonical order. sorted reports
// whether the query already has that order.
func queryParams(params []string, query string) (_ []string, sorted, ok bool) {
	if query == "" {
		return params, true, true
	}
	for param := range strings.SplitSeq(query, "&") {
		if len(params) == maxParams || !ordinaryParam(param) {
			return nil, false, false
		}
		params = append(params, param)
	}
	if slices.IsSortedFunc(params, compareParams) {
		return params, true, true
	}
	insertionSort(params, compareParams)
	return params, false, true
}

// insertionSort sorts a short list. It is a small fraction of the code of
// slices.SortFunc, which needs more for long lists than an ordinary request has.
func insertionSort[T any](list []T, compare func(a, b T) int) {
	for i := range list {
		for j := i; j > 0 && compare(list[j], list[j-1]) < 0; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// ordinaryParam reports whether a parameter is escaped exactly as Signature Version 4
// wants.
func ordinaryParam(param string) bool {
	equals := 0
	for i := 0; i < len(param); i++ {
		c := param[i]
		switch {
		case unreserved(c):
		case c == '=':
			equals++
		case c == '%' && i+2 < len(param) && isUpperHex(param[i+1]) && isUpperHex(param[i+2]):
			if unreserved(fromHex(param[i+1])<<4 | fromHex(param[i+2])) {
				return false
			}
			i += 2
		default:
			return false
		}
	}
	return equals == 1
}

// compareParams orders parameters by name, then by value.
func compareParams(a, b string) int {
	nameA, valueA, _ := strings.Cut(a, "=")
	nameB, valueB, _ := strings.Cut(b, "=")
	if c := strings.Compare(nameA, nameB); c != 0 {
		return c
	}
	return strings.Compare(valueA, valueB)
}

// A header is a header that is signed. If it has several values, they are in values, and
// value is not used.
type header struct {
	name, value string
	values      []string
}

// signedHeaders appends the headers to sign, without those that Sign adds.
func signedHeaders(headers []header, r *http.Request) (_ []header, ok bool) {
	headers = append(headers, header{name: "host", value: r.URL.Host})
	if r.ContentLength > 0 {
		headers = append(headers, header{name: "content-length", value: strconv.FormatInt(r.ContentLength, 10)})
	}
	for name, values := range r.Header {
		switch name {
		case "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding":
			continue // proxies change them
		case authorizationHeader, dateHeader, securityTokenHeader, "Host", "Content-Length":
			return nil, false
		}
		if !canonicalName(name) {
			return nil, false
		}
		h := header{name: name, values: values}
		for _, value := range values {
			if !ordinaryValue(value) {
				return nil, false
			}
		}
		if len(values) == 1 {
			h.value, h.values = values[0], nil
		}
		headers = append(headers, h)
	}
	return headers, true
}

// canonicalName reports whether a name has the letter case of net/http. Two such names
// never differ only in letter case.
func canonicalName(name string) bool {
	upper := true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			if upper {
				return false
			}
		case 'A' <= c && c <= 'Z':
			if !upper {
				return false
			}
		case '0' <= c && c <= '9', c == '-':
		default:
			return false
		}
		upper = c == '-'
	}
	return name != ""
}

// The functions below append the parts of a signature in the words of the protocol: the
// signed headers, the canonical request, the credential scope, the string to sign, and
// the header.

func appendNames(dst []byte, headers []header) []byte {
	for i, h := range headers {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = appendLower(dst, h.name)
	}
	return dst
}

func appendRequest(dst []byte, r *http.Request, headers []header, names []byte, payloadHash string) []byte {
	dst = append(dst, r.Method...)
	dst = append(dst, '\n')
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	dst = appendEscapedPath(dst, path)
	dst = append(dst, '\n')
	dst = append(dst, r.URL.RawQuery...)
	dst = append(dst, '\n')
	for _, h := range headers {
		dst = appendLower(dst, h.name)
		dst = append(dst, ':')
		dst = append(dst, h.value...)
		for i, value := range h.values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, value...)
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, names...)
	dst = append(dst, '\n')
	return append(dst, payloadHash...)
}

// appendEscapedPath escapes an escaped path again, as all services except S3 require.
func appendEscapedPath(dst []byte, path string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(path) {
		if c := path[i]; unreserved(c) || c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func appendScope(dst []byte, day, region, service string) []byte {
	dst = append(dst, day...)
	dst = append(dst, '/')
	dst = append(dst, region...)
	dst = append(dst, '/')
	dst = append(dst, service...)
	return append(dst, "/aws4_request"...)
}

func appendText(dst []byte, stamp string, scope, hash []byte) []byte {
	dst = append(dst, algorithm+"\n"...)
	dst = append(dst, stamp...)
	dst = append(dst, '\n')
	dst = append(dst, scope...)
	dst = append(dst, '\n')
	return hex.AppendEncode(dst, hash)
}

func appendAuthorization(dst []byte, accessKeyID string, scope, names, signature []byte) []byte {
	dst = append(dst, algorithm+" Credential="...)
	dst = append(dst, accessKeyID...)
	dst = append(dst, '/')
	dst = append(dst, scope...)
	dst = append(dst, ", SignedHeaders="...)
	dst = append(dst, names...)
	dst = append(dst, ", Signature="...)
	return hex.AppendEncode(dst, signature)
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func isUpperHex(c byte) bool { return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' }

// fromHex returns the value of a hexadecimal digit, or 255.
func fromHex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

func compareLower(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := int(lower(a[i])) - int(lower(b[i])); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
