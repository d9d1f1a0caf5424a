package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// OwnSigner is a Signature Version 4 signer for the requests of this package only, to
// see what one of our own would win over the SDK's. It knows no presigning, no query,
// and headers without spaces to squeeze. TestOwnSigner compares it with the SDK's.
type OwnSigner struct {
	mu  sync.Mutex
	day string
	key [sha256.Size]byte
}

// SignHTTP signs a request.
func (s *OwnSigner) SignHTTP(_ context.Context, c aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, _ ...func(*v4.SignerOptions)) error {
	at = at.UTC()
	stamp := at.Format("20060102T150405Z")
	values := make([]string, 3)
	values[0] = stamp
	r.Header["X-Amz-Date"] = values[0:1:1]
	if c.SessionToken != "" {
		values[1] = c.SessionToken
		r.Header["X-Amz-Security-Token"] = values[1:2:2]
	}
	var nameBuffer [16]string
	names := nameBuffer[:0]
	for name := range r.Header {
		if name != "User-Agent" && name != "Authorization" {
			names = append(names, name)
		}
	}
	names = append(names, "Host")
	if r.ContentLength > 0 {
		names = append(names, "Content-Length")
	}
	slices.SortFunc(names, compareLower)

	var signedBuffer [256]byte
	signed := signedBuffer[:0]
	for i, name := range names {
		if i > 0 {
			signed = append(signed, ';')
		}
		signed = appendLower(signed, name)
	}

	var requestBuffer [2048]byte
	request := append(requestBuffer[:0], r.Method...)
	request = append(request, '\n')
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	const digits = "0123456789ABCDEF"
	for i := range len(path) { // escaped once more, but for slashes
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			request = append(request, c)
		default:
			request = append(request, '%', digits[c>>4], digits[c&15])
		}
	}
	request = append(request, "\n\n"...)
	for _, name := range names {
		request = appendLower(request, name)
		request = append(request, ':')
		switch name {
		case "Host":
			request = append(request, r.URL.Host...)
		case "Content-Length":
			request = strconv.AppendInt(request, r.ContentLength, 10)
		default:
			request = append(request, strings.Join(r.Header[name], ",")...)
		}
		request = append(request, '\n')
	}
	request = append(request, '\n')
	request = append(request, signed...)
	request = append(request, '\n')
	request = append(request, payloadHash...)
	hash := sha256.Sum256(request)

	scope := stamp[:8] + "/" + region + "/" + service + "/aws4_request"
	var textBuffer [256]byte
	text := append(textBuffer[:0], "AWS4-HMAC-SHA256\n"...)
	text = append(text, stamp...)
	text = append(text, '\n')
	text = append(text, scope...)
	text = append(text, '\n')
	text = hex.AppendEncode(text, hash[:])
	key := s.signingKey(c, stamp[:8], region, service)
	signature := mac(key[:], text)

	var headerBuffer [512]byte
	header := append(headerBuffer[:0], "AWS4-HMAC-SHA256 Credential="...)
	header = append(header, c.AccessKeyID...)
	header = append(header, '/')
	header = append(header, scope...)
	header = append(header, ", SignedHeaders="...)
	header = append(header, signed...)
	header = append(header, ", Signature="...)
	header = hex.AppendEncode(header, signature[:])
	values[2] = string(header)
	r.Header["Authorization"] = values[2:3:3]
	return nil
}

func (s *OwnSigner) signingKey(c aws.Credentials, day, region, service string) [sha256.Size]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := day + c.AccessKeyID; s.day != id {
		key := mac([]byte("AWS4"+c.SecretAccessKey), []byte(day))
		key = mac(key[:], []byte(region))
		key = mac(key[:], []byte(service))
		s.key, s.day = mac(key[:], []byte("aws4_request")), id
	}
	return s.key
}

// mac is HMAC-SHA-256 without the state of package hmac, for keys of up to a block.
func mac(key, text []byte) [sha256.Size]byte {
	if len(key) > sha256.BlockSize {
		var sum [sha256.Size]byte
		h := hmac.New(sha256.New, key)
		h.Write(text)
		h.Sum(sum[:0])
		return sum
	}
	var inner [sha256.BlockSize + 512]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	sum := sha256.Sum256(append(inner[:sha256.BlockSize], text...))
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

func compareLower(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := int(lower(a[i])) - int(lower(b[i])); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lower(s[i]))
	}
	return dst
}
