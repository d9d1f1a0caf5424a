// Package redact keeps secrets out of texts that leave the module: errors, logs and what
// fmt, slog and encoding/json print of values.
//
// A server can repeat a secret in any encoding, so texts are not compared with a list of
// encoded forms. Both sides are reduced to their letters and digits after every escape is
// decoded, see reduce, and runs that both have in common are replaced. Base64, hex and
// lists of byte values survive that reduction as themselves and are looked for too.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Text stands for a secret that is left out.
const Text = "[REDACTED]"

const (
	// minRun is how many letters and digits in a row a text must share with a secret to
	// be redacted. It is more than a region or a word has.
	minRun = 16
	// minSecret is the length from which a secret is redacted as a whole, if it does not
	// look like a word or a number: short values such as "true" would tear texts apart.
	minSecret = 8
)

// Secrets are the values that the texts about one call must not show. A nil *Secrets has
// none.
type Secrets struct {
	values []string
	public []string

	once  sync.Once
	index index
	exact *strings.Replacer // of the secrets that have too few letters and digits to be reduced
	open  string            // public, reduced
}

// Format prints none of them.
func (*Secrets) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Text) }

// New returns secrets of which no text may show a run of minRun letters and digits,
// unless public texts, such as the rest of the request, hold that run too.
func New(values []string, public ...string) *Secrets {
	return &Secrets{values: union(nil, values), public: union(nil, public)}
}

// Of returns the sensitive members of shapes. Their other members are public.
func Of(shapes ...restjson.Encoder) *Secrets {
	var values, public []string
	for _, shape := range shapes {
		w := restjson.Writer{Redact: true, OnSecret: func(secret string) { values = append(values, secret) }}
		shape.EncodeJSON(&w)
		public = append(public, string(w.Bytes()))
	}
	return New(values, public...)
}

// And returns the secrets of both. Either is not changed.
func (s *Secrets) And(other *Secrets) *Secrets {
	switch {
	case other == nil || len(other.values) == 0 && len(other.public) == 0:
		return s
	case s == nil:
		return other
	}
	values, public := union(s.values, other.values), union(s.public, other.public)
	if len(values) == len(s.values) && len(public) == len(s.public) {
		return s
	}
	return &Secrets{values: values, public: public}
}

// union returns a and what b has more.
func union(a, b []string) []string {
	all := slices.Clip(a)
	for i, text := range b {
		if slices.Contains(all, text) {
			continue
		}
		if len(all) == len(a) { // the first addition: allocate for all of them
			all = slices.Grow(all, len(b)-i)
		}
		all = append(all, text)
	}
	return all
}

// Redact replaces the secrets in a text, whole or in part, in whatever encoding.
func (s *Secrets) Redact(text string) string {
	if s == nil || len(s.values) == 0 || text == "" {
		return text
	}
	s.once.Do(s.build)
	if s.exact != nil {
		text = s.exact.Replace(text)
	}
	if s.index.isWithout(text) {
		return text
	}
	found := s.index.find(reduce(text), s.open)
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	end := 0
	for _, f := range found {
		if f.start < end { // both begin in one escape
			continue
		}
		b.WriteString(text[end:f.start])
		b.WriteString(Text)
		end = f.end
		for n := len(f.tail); n > 0 && end < len(text) && strings.IndexByte(f.tail, text[end]) >= 0; n-- {
			end++
		}
	}
	b.WriteString(text[end:])
	return b.String()
}

// Clean makes a text from outside fit for an error or a log: without control characters
// and marks of writing direction, at most limit bytes long, and without the secrets.
func (s *Secrets) Clean(text string, limit int) string {
	// What is cut off after the redaction must not be the rest of a secret that the cut
	// has made too short to find.
	return cut(s.Redact(Clean(text, 2*limit+1024)), limit)
}

func (s *Secrets) build() {
	for _, text := range s.public {
		s.open += string(reduce(text).text) + " " // which no reduced text holds
	}
	var exact []string
	s.index.grow(s.values)
	for _, secret := range s.values {
		reduced := reduce(secret).text
		switch {
		case len(secret) < minSecret || strings.TrimSpace(secret) == "":
		case len(reduced) >= minRun || len(reduced) >= minSecret && isUncommon(secret):
			s.index.add(reduced, tail(secret))
			if torn := lettersAndDigits([]byte(secret)); !bytes.Equal(torn, reduced) {
				s.index.add(torn, tail(secret)) // something can tear escapes in the secret apart
			}
			s.index.addEncodings(secret)
		case (len(secret) >= minRun || isUncommon(secret)) && !slices.ContainsFunc(s.public, func(text string) bool { return strings.Contains(text, secret) }):
			for _, form := range escapings(secret) {
				exact = append(exact, form, Text)
			}
		}
	}
	if len(exact) > 0 {
		s.exact = strings.NewReplacer(exact...)
	}
}

// isUncommon reports whether a short value is unlikely to be a word or a number that
// texts hold anyway: it mixes letters with digits, or capitals into a word.
func isUncommon(s string) bool {
	var letter, digit, capitalWithin, small bool
	for i, c := range s {
		switch {
		case '0' <= c && c <= '9':
			digit = true
		case 'A' <= c && c <= 'Z':
			letter = true
			capitalWithin = capitalWithin || i > 0
		case 'a' <= c && c <= 'z' || c >= 0x80:
			letter, small = true, true
		}
	}
	return letter && digit || capitalWithin && small
}

// tail returns what follows the last letter or digit of a secret, which reducing drops.
func tail(secret string) string {
	return secret[strings.LastIndexFunc(secret, isKept)+1:]
}

// escapings returns the forms in which escapes leave a secret.
func escapings(secret string) []string {
	text := jsonText(secret)
	quoted := strconv.QuoteToASCII(secret)
	forms := []string{
		secret, Clean(secret, len(secret)), text, quoted[1 : len(quoted)-1], strings.ReplaceAll(text, "/", `\/`),
		strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(text),
		html.EscapeString(secret), html.EscapeString(text), url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(text),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(forms, func(form string) bool { return strings.TrimSpace(form) == "" })
}

// jsonText returns a text with the escapes of a JSON string.
func jsonText(text string) string {
	if restjson.IsPlain(text) {
		return text
	}
	var w restjson.Writer
	w.String(text)
	return string(w.Bytes()[1 : len(w.Bytes())-1])
}
