package redact

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// IsSecretHeader reports whether the name of a header suggests that its value is secret.
// It guesses, because callers can add any headers.
func IsSecretHeader(name string) bool {
	name = strings.ToLower(name)
	for _, mark := range [...]string{"auth", "token", "cookie", "secret", "password", "signature", "credential", "api-key", "apikey"} {
		if strings.Contains(name, mark) {
			return true
		}
	}
	return false
}

// Header returns a copy without the values of secret headers.
func Header(header http.Header) http.Header {
	shown := header.Clone()
	for name := range shown {
		if IsSecretHeader(name) {
			shown[name] = []string{Text}
		}
	}
	return shown
}

// HeaderLines removes the values of secret headers from a text with one header per line.
func HeaderLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		name, _, ok := strings.Cut(line, ":")
		if ok && !strings.Contains(name, " ") && IsSecretHeader(name) {
			line = name + ":" + Text + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// Request returns a copy without body and secret headers, as a response or an error may
// keep it.
func Request(r *http.Request) *http.Request {
	if r == nil {
		return nil
	}
	kept := *r
	kept.Header, kept.Trailer, kept.Body, kept.GetBody, kept.Response = Header(r.Header), Header(r.Trailer), nil, nil, nil
	if r.URL != nil {
		if _, ok := r.URL.User.Password(); ok {
			u := *r.URL
			u.User = url.UserPassword(u.User.Username(), Text)
			kept.URL = &u
		}
	}
	return &kept
}

// OfHeader appends the secrets in the values of secret headers to values.
func OfHeader(values []string, header http.Header) []string {
	for name, list := range header {
		if !IsSecretHeader(name) {
			continue
		}
		for _, value := range list {
			values = append(values, OfHeaderValue(value)...)
		}
	}
	return values
}

// OfHeaderValue returns the secrets in the value of a secret header. The region and the
// signed headers in a signature are public.
func OfHeaderValue(value string) []string {
	scheme, credentials, found := strings.Cut(value, " ")
	switch {
	case strings.HasPrefix(scheme, "AWS4-"):
		var secrets []string
		for part := range strings.SplitSeq(credentials, ",") {
			name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch name {
			case "Credential":
				keyID, _, _ := strings.Cut(text, "/")
				secrets = append(secrets, keyID)
			case "Signature":
				secrets = append(secrets, text)
			}
		}
		return secrets
	case found && strings.EqualFold(scheme, "Basic"):
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			return []string{credentials, string(plain), password}
		}
	case found:
		return []string{value, credentials}
	}
	return []string{value}
}

// OfURL returns the secrets in the user part of a URL, which net/http sends as a Basic
// header.
func OfURL(u *url.URL) []string {
	if u == nil || u.User == nil {
		return nil
	}
	password, ok := u.User.Password()
	if !ok {
		return nil
	}
	plain := u.User.Username() + ":" + password
	return []string{password, plain, base64.StdEncoding.EncodeToString([]byte(plain))}
}

// Response redacts a response that an error keeps: its request, and secrets that its
// status and headers repeat. It copies the headers, because a stub may return the same
// headers again.
func (s *Secrets) Response(r *smithyhttp.Response) {
	if r == nil || r.Response == nil {
		return
	}
	r.Request = Request(r.Request)
	r.Status = s.Clean(r.Status, MaxText)
	r.Header, r.Trailer = s.header(r.Header), s.header(r.Trailer)
}

func (s *Secrets) header(header http.Header) http.Header {
	if header == nil {
		return nil
	}
	shown := make(http.Header, len(header))
	for name, values := range header {
		list := make([]string, len(values))
		for i, value := range values {
			list[i] = s.Clean(value, maxHeader)
		}
		name = s.Redact(name)
		shown[name] = append(shown[name], list...)
	}
	return shown
}

// maxHeader is the maximum length in bytes of a header that an error keeps.
const maxHeader = 8 << 10
