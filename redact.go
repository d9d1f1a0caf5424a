package lambdamicrovms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Format prints the options without the credentials. Other members print as they will.
func (o Options) Format(s fmt.State, verb rune) {
	type shown Options // without this method
	if o.Credentials != nil {
		o.Credentials = redactedCredentials{}
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), shown(o))
}

// LogValue is for slog what Format is for fmt.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// MarshalText is for JSON what Format is for fmt.
func (o Options) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%+v", o), nil }

// Format prints the client's options without the credentials.
func (c *Client) Format(s fmt.State, verb rune) {
	if c == nil || c.options == nil {
		_, _ = s.Write([]byte("<nil>"))
		return
	}
	c.complete().Format(s, verb) // a first call may be completing them right now
}

// redactedCredentials stand for credentials in what is printed.
type redactedCredentials struct{}

func (redactedCredentials) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redactedText)) }

func (redactedCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("the credentials are redacted")
}

// minEchoed keeps a value that is common, such as a region or "true", from tearing a text
// apart. Keys, tokens and passwords that are hard to guess are longer.
const minEchoed = 16

// echoes are what a request carried in confidence and its answer may repeat: secret headers,
// and sensitive members of the body. AWS services repeat the canonical request, and with it
// the session token, when a signature is wrong; proxies repeat whole requests.
type echoes []string

// echoesOf returns those of a request. body is nil if it has none of ours.
func echoesOf(request any, body *requestBody) echoes {
	var secrets echoes
	add := func(secret string) {
		if len(secret) >= minEchoed {
			secrets = append(secrets, secret)
		}
	}
	if req, ok := request.(*smithyhttp.Request); ok && req.Request != nil {
		for name, values := range req.Header {
			if isSecretHeader(name) {
				for _, value := range values {
					add(value)
				}
			}
		}
	}
	if body != nil {
		encoder := newRequestEncoder()
		encoder.body.OnSecret = add
		body.input.serialize(encoder)
		encoder.release()
	}
	return secrets
}

// redact takes them out of a text.
func (e echoes) redact(text string) string {
	var forms []string
	for _, secret := range e {
		if mayRepeat(text, secret) {
			forms = appendForms(forms, secret)
		}
	}
	if len(forms) == 0 {
		return text
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, redactedText)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// mayRepeat is false if the text holds none of a secret's forms, as nearly all texts. A piece
// that no escaping touches is in all of them.
func mayRepeat(text, secret string) bool {
	long := false
	for piece := range pieces(secret) {
		if strings.Contains(text, piece) {
			return true
		}
		long = true
	}
	return !long
}

// appendForms appends the forms in which a text may repeat a secret: as it is, as JSON, HTML
// and URLs have it, and those of its pieces that no escaping touches.
func appendForms(forms []string, secret string) []string {
	text := jsonText(secret) // of a body that is repeated
	ascii := strconv.QuoteToASCII(secret)
	forms = append(forms, secret, text, ascii[1:len(ascii)-1], strings.ReplaceAll(text, "/", `\/`),
		strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(text),
		html.EscapeString(secret), html.EscapeString(text), url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(text))
	return slices.AppendSeq(forms, pieces(secret))
}

// pieces are those of a secret that no escaping touches, and that are long enough to tell.
func pieces(secret string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for piece := range strings.FieldsFuncSeq(secret, func(c rune) bool { return !isLetterOrDigit(c) }) {
			if len(piece) >= minEchoed && !yield(piece) {
				return
			}
		}
	}
}

// jsonText is a text as it stands in a string of JSON.
func jsonText(text string) string {
	var w restjson.Writer
	w.String(text)
	return string(w.Bytes()[1 : len(w.Bytes())-1])
}

// redactMembers redacts the texts of a modeled error.
func redactMembers(failed modeledError, secrets echoes) {
	members := reflect.ValueOf(failed).Elem()
	for i := range members.NumField() {
		if text, ok := members.Field(i).Addr().Interface().(**string); ok && *text != nil {
			redacted := secrets.redact(**text)
			*text = &redacted
		}
	}
}

// withoutConfidence is a request as errors may keep it: without its secret headers and its body.
func withoutConfidence(r *http.Request) *http.Request {
	if r == nil {
		return nil
	}
	kept := *r
	kept.Header, kept.Body, kept.GetBody = withoutSecretHeaders(r.Header), nil, nil
	return &kept
}

func withoutSecretHeaders(header http.Header) http.Header {
	shown := header.Clone()
	for name := range shown {
		if isSecretHeader(name) {
			shown[name] = []string{redactedText}
		}
	}
	return shown
}

func isLetterOrDigit(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
