package fake

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxSkew is the longest accepted age of a signature, in either direction.
const maxSkew = 15 * time.Minute

const (
	signingTime = "20060102T150405Z"
	dateHeader  = "X-Amz-Date"
	tokenHeader = "X-Amz-Security-Token"
	hashHeader  = "X-Amz-Content-Sha256"
)

// today returns the time for Date headers and signatures. It is real time, shifted by
// SkewClock: clients sign with real time, whatever the server's clock says.
func (c *call) today() time.Time { return time.Now().Add(c.skew) }

// checkSigningTime refuses requests signed more than maxSkew from now. Unsigned requests
// pass.
func (c *call) checkSigningTime() error {
	text := c.http.Header.Get(dateHeader)
	if text == "" {
		return nil
	}
	at, err := time.Parse(signingTime, text)
	if err != nil {
		return refused("the X-Amz-Date of the request is malformed")
	}
	if now := c.today(); at.Sub(now).Abs() > maxSkew {
		return refused("the request is signed for " + text + ", more than 15 minutes off from " + now.UTC().Format(signingTime))
	}
	return nil
}

// refused returns the error for a bad signature. AccessDeniedException is known, the
// messages of the service are not.
func refused(why string) *failure { return accessDenied(ptr("Access denied: " + why)) }

// authorization is a parsed Authorization header.
type authorization struct {
	accessKey, date, region, service, end string // the credential
	headers                               []string
	signature                             string
}

func parseAuthorization(header string) (a authorization, ok bool) {
	fields, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, false
	}
	for _, field := range strings.Split(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			parts := strings.Split(value, "/")
			if len(parts) != 5 {
				return a, false
			}
			a.accessKey, a.date, a.region, a.service, a.end = parts[0], parts[1], parts[2], parts[3], parts[4]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.accessKey != "" && len(a.headers) > 0 && a.signature != ""
}

// checkFaults applies the injected faults. They come first because SkewClock sets the
// time that signatures are checked against.
func (c *call) checkFaults() error {
	if err := c.strike(); err != nil || !c.server.config.strict {
		return err
	}
	return c.checkSigningTime()
}

// verifySignature signs the request again and compares.
func (c *call) verifySignature() error {
	r := c.http
	given, ok := parseAuthorization(r.Header.Get("Authorization"))
	if !ok {
		if r.URL.Query().Has("X-Amz-Signature") {
			return c.unmeasured(refused("the request has no signature"), "whether the service takes signatures in the query")
		}
		return refused("the request has no signature")
	}
	credentials, known := c.server.credentialsOf(given.accessKey)
	sum := sha256.Sum256([]byte(c.body))
	hash := hex.EncodeToString(sum[:])
	at, err := time.Parse(signingTime, r.Header.Get(dateHeader))
	switch {
	case !known:
		return refused("the access key is unknown")
	case given.service != "lambda" || given.end != "aws4_request":
		return refused("the credential must be scoped to the service lambda and end in aws4_request")
	case err != nil || at.Format("20060102") != given.date:
		return refused("the credential must be scoped to the date of the request")
	case !equal(r.Header.Get(tokenHeader), credentials.SessionToken):
		return refused("the session token does not belong to the access key")
	case r.Header.Get(hashHeader) != "" && r.Header.Get(hashHeader) != hash:
		return refused("the hash of the payload does not match")
	}
	again := c.signable(given.headers)
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hash, given.service, given.region, at); err != nil {
		return refused(err.Error())
	}
	right, _ := parseAuthorization(again.Header.Get("Authorization"))
	if !slices.Equal(given.headers, right.headers) {
		return refused("the signed headers must be " + strings.Join(right.headers, ";"))
	}
	if !equal(given.signature, right.signature) {
		return refused("the signature does not match the request")
	}
	return nil
}

// signable returns the request as it was before signing.
func (c *call) signable(headers []string) *http.Request {
	r := c.http
	again := &http.Request{
		Method: r.Method,
		URL:    &url.URL{Scheme: "https", Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
		Host:   r.Host,
		Header: make(http.Header),
	}
	for _, name := range headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = int64(len(c.body))
		default:
			if values := r.Header.Values(name); len(values) > 0 {
				again.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
	}
	return again
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
