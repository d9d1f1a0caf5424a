package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A signingKey is derived from credentials for a day, a region and a service.
type signingKey struct {
	accessKey, secret, day, region, service string

	key [sha256.Size]byte
}

// signingKey returns the derived key. It keeps the last one, so credentials that are
// replaced do not stay in memory once a request has been signed with the new ones.
func (s *Signer) signingKey(c *aws.Credentials, day, region, service string) [sha256.Size]byte {
	known := s.key.Load()
	if known != nil && known.accessKey == c.AccessKeyID && known.secret == c.SecretAccessKey &&
		known.day == day && known.region == region && known.service == service {
		return known.key
	}
	derived := &signingKey{accessKey: c.AccessKeyID, secret: c.SecretAccessKey, day: day, region: region, service: service}
	key := mac([]byte("AWS4"+c.SecretAccessKey), []byte(day))
	key = mac(key[:], []byte(region))
	key = mac(key[:], []byte(service))
	derived.key = mac(key[:], []byte("aws4_request"))
	s.key.Store(derived)
	return derived.key
}

// maxText is the longest text that mac handles without package hmac, which allocates.
const maxText = 320

// mac returns the HMAC-SHA-256 of a text.
func mac(key, text []byte) (sum [sha256.Size]byte) {
	if len(key) > sha256.BlockSize || len(text) > maxText {
		h := hmac.New(sha256.New, key)
		h.Write(text)
		h.Sum(sum[:0])
		return sum
	}
	var inner [sha256.BlockSize + maxText]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	copy(inner[:], key)
	copy(outer[:], key)
	for i := range sha256.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := copy(inner[sha256.BlockSize:], text)
	sum = sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}
