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
	switch name { // headers of every request, which must cost little
	case "Authorization", "X-Amz-Security-Token":
		return true
	case "Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Content-Length", "Content-Type", "User-Agent", "X-Amz-Date":
		return false
	}
	for _, mark := range [...]string{"auth", "token", "cookie", "secret", "password", "signature", "credential", "api-key", "apikey"} {
		if containsFold(name, mark) {
			return true
		}
	}
	return false
}

// containsFold reports whether s contains part, which is in lower case, in any case.
func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
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
// keep it. It returns r itself if it is such a copy.
func Request(r *http.Request) *http.Request {
	if r == nil || isShown(r) {
		return r
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

func isShown(r *http.Request) bool {
	if r.Body != nil || r.GetBody != nil || r.Response != nil {
		return false
	}
	if r.URL != nil {
		if password, ok := r.URL.User.Password(); ok && password != Text {
			return false
		}
	}
	for _, header := range [...]http.Header{r.Header, r.Trailer} {
		for name, values := range header {
			if IsSecretHeader(name) && (len(values) != 1 || values[0] != Text) {
				return false
			}
		}
	}
	return true
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

// AllowResponse reports whether a response, and an error that was made of it and of the
// beginning of its body, certainly need no redaction. The texts around the error may
// repeat the request ID. Status and values are searched as Response cleans them, because
// removing an invisible character can complete an escape.
func (s *Secrets) AllowResponse(r *http.Response, requestID, body string, err error) bool {
	size := len(r.Status) + len(body)
	for name, values := range r.Header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	if size > MaxText || len(r.Trailer) > 0 { // such texts are cut, or searched with the index
		return false
	}
	v := newSieve()
	defer v.release()
	v.part(Clean(requestID, maxHeader))
	if !v.errorText(err, 0) {
		return false
	}
	v.end()
	if !strings.HasPrefix(body, "{") { // the error may have a part of it
		v.add(body)
	}
	v.add(Clean(r.Status, MaxText))
	for name, values := range r.Header {
		v.add(name)
		for _, value := range values {
			v.add(Clean(value, maxHeader))
		}
	}
	return s.allows(v)
}

// Response redacts a response that an error keeps: its request, and secrets that its
// status and headers repeat. It copies headers that it changes, because a stub may return
// the same headers again.
func (s *Secrets) Response(r *smithyhttp.Response) {
	if r == nil || r.Response == nil {
		return
	}
	r.Request = Request(r.Request)
	r.Status = s.Clean(r.Status, MaxText)
	r.Header, r.Trailer = s.header(r.Header), s.header(r.Trailer)
}

func (s *Secrets) header(header http.Header) http.Header {
	if s.isClean(header) {
		return header
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

// isClean reports whether a header needs no redaction.
func (s *Secrets) isClean(header http.Header) bool {
	for name, values := range header {
		if s.Redact(name) != name {
			return false
		}
		for _, value := range values {
			if s.Clean(value, maxHeader) != value {
				return false
			}
		}
	}
	return true
}

// maxHeader is the maximum length in bytes of a header that an error keeps.
const maxHeader = 8 << 10
