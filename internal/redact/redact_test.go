package redact_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

func TestRedact(t *testing.T) {
	tests := []struct {
		name, secret, text, want string
		public                   string
	}{
		{name: "whole", secret: "Kx7Jq2mWv9Lp4Rt8", text: "got Kx7Jq2mWv9Lp4Rt8!", want: "got [REDACTED]!"},
		{name: "part", secret: "Kx7Jq2mWv9Lp4Rt8Zb3Nc6Yd1Hf5Gs0T", text: "got Kx7Jq2mWv9Lp4Rt8Zb3N", want: "got [REDACTED]"},
		{name: "short part", secret: "Kx7Jq2mWv9Lp4Rt8Zb3Nc6Yd1Hf5Gs0T", text: "got Kx7Jq2mWv9Lp4Rt", want: "got Kx7Jq2mWv9Lp4Rt"},
		{name: "twice", secret: "Kx7Jq2mWv9Lp4Rt8", text: "Kx7Jq2mWv9Lp4Rt8Kx7Jq2mWv9Lp4Rt8 a", want: "[REDACTED][REDACTED] a"},
		{name: "password", secret: "hunter22", text: "password hunter22", want: "password [REDACTED]"},
		{name: "password with signs", secret: "p@$$-w0rd!#", text: `password "p@$$-w0rd!#"`, want: `password "[REDACTED]"`},
		{name: "signs at the end", secret: "Kx7Jq2mWv9Lp4Rt8!?#", text: "Kx7Jq2mWv9Lp4Rt8!?#;", want: "[REDACTED];"},
		{name: "letters of no Latin", secret: "пароль-секретный-длинный", text: "x пароль-секретный-длинный", want: "x [REDACTED]"},
		{name: "the same in JSON", secret: "пароль-секретный-длинный", text: strconv.QuoteToASCII("пароль-секретный-длинный"), want: `"[REDACTED]"`},
		{name: "word", secret: "production", text: "no production here", want: "no production here"},
		{name: "number", secret: "123456789012", text: "account 123456789012", want: "account 123456789012"},
		{name: "too short", secret: "hunter2", text: "hunter2", want: "hunter2"},
		{
			name: "public", secret: "arn:aws:sqs:us-east-1:123456789012:orders", public: "/microvm-images/arn:aws:lambda:us-east-1:123456789012:microvm-image:shop",
			text: "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop is busy", want: "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop is busy",
		},
		{
			name: "partly public", secret: "arn:aws:sqs:us-east-1:123456789012:orders", public: "us-east-1:123456789012",
			text: "no arn:aws:sqs:us-east-1:123456789012:orders", want: "no [REDACTED]",
		},
		{name: "escaped four times", secret: "Kx7J/2mWv9Lp4Rt8&a=b", text: esc(esc(esc(esc("Kx7J/2mWv9Lp4Rt8&a=b")))), want: "[REDACTED]"},
		{name: "path of Windows", secret: `C:\new\table\passw0rd-4711`, text: strconv.Quote(`C:\new\table\passw0rd-4711`), want: `"[REDACTED]"`},
		{name: "surrogates", secret: "Kx7Jq2mWv9Lp4Rt8\U00020000\U00020001", text: `Kx7Jq2mWv9Lp4Rt8\ud840\udc00\ud840\udc01`, want: "[REDACTED]"},
		{name: "half an escape", secret: "Kx7Jq2mWv9Lp4Rt8", text: `%&\&#Kx7Jq2mWv9Lp4Rt8%4`, want: `%&\&#[REDACTED]%4`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, redact.New([]string{test.secret}, test.public).Redact(test.text)); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func esc(s string) string { return url.QueryEscape(s) }

// encodings are ways to write a text.
func encodings() map[string]func(string) string {
	return map[string]func(string) string{
		"plain": func(s string) string { return s }, "JSON": strconv.Quote, "ASCII": strconv.QuoteToASCII, "HTML": html.EscapeString,
		"query": url.QueryEscape, "path": url.PathEscape, "hex": func(s string) string { return hex.EncodeToString([]byte(s)) },
		"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"URL":    func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"base32": func(s string) string { return base32.StdEncoding.EncodeToString([]byte(s)) },
		"bytes":  func(s string) string { return fmt.Sprintf("%d", []byte(s)) },
		"0x":     func(s string) string { return fmt.Sprintf("%#v", []byte(s)) },
		"braces": func(s string) string { return eachByte(s, `\u{%x}`) },
		"padded": func(s string) string { return eachByte(s, `\u{0000%02X}`) },
	}
}

// eachByte formats every byte of a text.
func eachByte(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// A text and secrets that repeat themselves do not make the search slow: both are so long
// that a quadratic search would not end within the time of a test.
func TestRedactIsLinear(*testing.T) {
	for _, unit := range []string{"a", "ab0", "%2541", `\\`, "&amp;", "Kx7Jq2mWv9Lp4Rt8", "Kx7Jq2mWv9Lp4Rt"} {
		text := strings.Repeat(unit, 1<<18/len(unit))
		redact.New([]string{strings.Repeat(unit, 1<<16)}, strings.Repeat(unit, 1<<12)).Redact(text)
		redact.New([]string{"Kx7Jq2mWv9Lp4Rt8"}).Clean(text, redact.MaxText)
	}
}

func TestClean(t *testing.T) {
	for _, test := range []struct {
		text, want string
		limit      int
	}{
		{text: "plain text", want: "plain text"},
		{text: "a\r\n\t b\x1b[31mc\x00d", want: "a b[31mcd"},
		{text: "a\u202eb\u2066c\u200bd\u00ade\ufefff", want: "abcdef"},
		{text: "a\xffb\ufffdc", want: "abc"},
		{text: "é ü 漢", want: "é ü 漢"},
		{text: "123456", limit: 5, want: "12345…"},
		{text: "äöü", limit: 3, want: "ä…"},
		{text: " ", want: ""},
	} {
		limit := test.limit
		if limit == 0 {
			limit = 100
		}
		if diff := cmp.Diff(test.want, redact.Clean(test.text, limit)); diff != "" {
			t.Errorf("%q, difference (-want +got):\n%s", test.text, diff)
		}
	}
}

type unexported struct {
	text  string
	cause error
}

func (e *unexported) Error() string       { return e.text }
func (e *unexported) Unwrap() error       { return e.cause }
func (*unexported) RetryableError() bool  { return true }
func (*unexported) ConnectionError() bool { return false }

func TestError(t *testing.T) {
	const secret = "Kx7Jq2mWv9Lp4Rt8"
	secrets := redact.New([]string{secret})
	sentinel := errors.New("sentinel")

	for name, err := range map[string]error{
		"no secret": fmt.Errorf("a: %w", &url.Error{Op: "Get", URL: "u", Err: io.ErrUnexpectedEOF}),
		"several":   errors.Join(io.EOF, sentinel), "nil in a list": fmt.Errorf("%w", sentinel),
	} {
		if got := secrets.Error(err); got != err {
			t.Errorf("%s: %#v was replaced by %#v", name, err, got)
		}
	}
	if secrets.Error(nil) != nil {
		t.Error("nil is an error")
	}

	original := &url.Error{Op: "Get", URL: "https://host/" + secret, Err: &net.OpError{Op: "dial", Err: fmt.Errorf("%s: %w", secret, sentinel)}}
	err := secrets.Error(fmt.Errorf("send: %w", original))
	var sent *url.Error
	var network *net.OpError
	if !errors.As(err, &sent) || !errors.As(err, &network) || !errors.Is(err, sentinel) {
		t.Errorf("types are lost: %#v", err)
	}
	if want := `send: Get "https://host/[REDACTED]": dial: [REDACTED]: sentinel`; err.Error() != want {
		t.Errorf("text %s, want %s", err, want)
	}
	if !strings.Contains(original.Error(), secret) {
		t.Error("the original was changed")
	}

	err = secrets.Error(&unexported{text: secret, cause: textproto.ProtocolError(secret + " sent")})
	var question interface{ RetryableError() bool }
	if !errors.As(err, &question) || !question.RetryableError() {
		t.Error("it is not known any more that the error is retryable")
	}
	var other interface{ ConnectionError() bool }
	if !errors.As(err, &other) || other.ConnectionError() {
		t.Error("it is not known any more that the error is no connection error")
	}
	var protocol textproto.ProtocolError
	if !errors.As(err, &protocol) || protocol != "[REDACTED] sent" {
		t.Errorf("the error below is %q", protocol)
	}
	var leaked *unexported
	if errors.As(err, &leaked) {
		t.Error("the original is let out")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%q"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, secret) {
			t.Errorf("%s prints %s", verb, text)
		}
	}

	cycle := &unexported{text: secret}
	cycle.cause = fmt.Errorf("%w", cycle)
	if text := secrets.Error(cycle).Error(); strings.Contains(text, secret) {
		t.Errorf("a cycle prints %s", text)
	}
}

func TestHeader(t *testing.T) {
	header := http.Header{
		"Authorization":        {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250909/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=abc"},
		"Proxy-Authorization":  {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:password"))},
		"X-Amz-Security-Token": {"token"}, "X-Auth": {"Bearer b"}, "Accept": {"*/*"},
	}
	got := map[string]bool{}
	for _, value := range redact.OfHeader(nil, header) {
		got[value] = true
	}
	want := map[string]bool{"AKIDEXAMPLE": true, "abc": true, "user:password": true, "password": true, "dXNlcjpwYXNzd29yZA==": true, "token": true, "Bearer b": true, "b": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets, difference (-want +got):\n%s", diff)
	}
	if shown := redact.Header(header); shown.Get("Accept") != "*/*" || shown.Get("X-Auth") != redact.Text || header.Get("X-Auth") != "Bearer b" {
		t.Errorf("shown %v of %v", shown, header)
	}
}
