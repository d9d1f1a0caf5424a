// Package redact keeps secrets out of texts that leave the module: errors, logs, and
// values that fmt, slog and encoding/json print.
//
// A server can repeat a secret in any encoding, so a list of encoded forms does not
// suffice. Instead, both the text and the secrets are reduced: every escape is decoded,
// and only letters and digits are kept (see reduce). Runs that both have in common are
// replaced. Reducing does not decode base64, hex and lists of byte values, so these
// encodings are searched for, too.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Text replaces a secret.
const Text = "[REDACTED]"

const (
	// minRun is the length of the runs of letters and digits that a text must not share
	// with a secret. It is longer than a region or a word.
	minRun = 16
	// minSecret is the minimum length of a secret that is redacted as a whole, if it does
	// not look like a word or a number. Shorter values such as "true" occur in many
	// texts.
	minSecret = 8
)

// Secrets are the values that texts about a call must not contain. A nil *Secrets has
// none.
type Secrets struct {
	values []string
	public []string // texts whose runs may be shown, see New

	indexing   sync.Once
	indexed    atomic.Bool  // index and publicText are complete
	sieved     atomic.Int32 // number of texts
	index      index
	publicText string // reduced

	replacing sync.Once
	exact     *strings.Replacer // for secrets of the kind replaced
}

// Format prints none of them.
func (*Secrets) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Text) }

// New returns secrets. No text may contain a run of minRun letters and digits of a value,
// unless a public text, such as the rest of the request, contains that run, too.
func New(values []string, public ...string) *Secrets {
	return &Secrets{values: union(nil, values), public: union(nil, public)}
}

// Of returns the sensitive members of shapes. Their other members are public.
func Of(shapes ...restjson.Encoder) *Secrets {
	var values, public []string
	for _, shape := range shapes {
		values, public = AppendOf(values, public, shape)
	}
	return New(values, public...)
}

// AppendOf appends the sensitive members of a shape to values, and the text of the others
// to public.
func AppendOf(values, public []string, shape restjson.Encoder) (_, _ []string) {
	text := restjson.Redacted(shape, func(secret string) {
		values = appendStrings(append(values, secret), secret)
	})
	return values, append(public, text)
}

// appendStrings appends the strings in a secret that is a JSON object or array, without
// the names of members. Each can be a secret that is too short to be found as a part.
func appendStrings(values []string, secret string) []string {
	secret = strings.TrimSpace(secret)
	if !strings.HasPrefix(secret, "{") && !strings.HasPrefix(secret, "[") {
		return values
	}
	for {
		_, text, found := strings.Cut(secret, `"`)
		end := 0
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		if !found || end >= len(text) {
			return values
		}
		text, secret = text[:end], text[end+1:]
		if !strings.HasPrefix(strings.TrimLeft(secret, " \t\r\n"), ":") {
			values = append(values, restjson.NewReader(`"`+text+`"`).String())
		}
	}
}

// And returns the secrets of both. It changes neither.
func (s *Secrets) And(other *Secrets) *Secrets {
	switch {
	case other == nil || len(other.values) == 0 && len(other.public) == 0:
		return s
	case s == nil:
		return other
	}
	return s.Plus(other.values, other.public)
}

// Plus returns the secrets with more values and public texts. It changes neither s, which
// can be nil, nor the slices.
func (s *Secrets) Plus(values, public []string) *Secrets {
	if s == nil {
		s = new(Secrets)
	}
	values, public = union(s.values, values), union(s.public, public)
	if len(values) == len(s.values) && len(public) == len(s.public) {
		return s
	}
	return &Secrets{values: values, public: public}
}

// union returns a and the texts of b that are not in a.
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

// Redact replaces secrets and parts of secrets in a text, in any encoding.
func (s *Secrets) Redact(text string) string {
	if s.isEmpty() || text == "" {
		return text
	}
	s.replacing.Do(s.makeExact)
	if s.exact != nil {
		text = s.exact.Replace(text)
	}
	if !s.indexed.Load() && s.sieve(text) {
		return text
	}
	s.indexing.Do(s.build)
	if s.index.isWithout(text) {
		return text
	}
	found := s.index.find(reduce(text), s.publicText)
	if len(found) == 0 {
		return text
	}
	var b strings.Builder
	end := 0
	for _, f := range found {
		if f.start < end { // both begin in the same escape
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

// Clean prepares a text from outside for an error or a log. It removes secrets, control
// characters and marks of writing direction, and shortens the text to limit bytes.
func (s *Secrets) Clean(text string, limit int) string {
	// The first cut may leave the beginning of a secret, too short to be found. The final
	// cut is so much shorter that it removes that beginning.
	return cut(s.Redact(Clean(text, 2*limit+1024)), limit)
}

func (s *Secrets) isEmpty() bool { return s == nil || len(s.values) == 0 }

// maxSieves is how many texts are sieved before the index is built: then there will
// probably be more.
const maxSieves = 16

// sieve reports whether a text is certainly without secrets of the kind indexed.
func (s *Secrets) sieve(text string) bool {
	if len(text) > maxSieved || s.sieved.Add(1) > maxSieves {
		return false
	}
	v := newSieve()
	defer v.release()
	v.add(text)
	return s.passes(v)
}

// allows reports whether the texts of a sieve are certainly without secrets.
func (s *Secrets) allows(v *sieve) bool {
	if s.isEmpty() {
		return true
	}
	s.replacing.Do(s.makeExact)
	return s.exact == nil && s.passes(v)
}

// passes reports whether the texts of a sieve are certainly without secrets of the kind
// indexed.
func (s *Secrets) passes(v *sieve) bool {
	v.index()
	for _, secret := range s.values {
		if v.mayHold(secret) {
			return false
		}
	}
	return true
}

// A kind says how a secret is found in texts.
type kind uint8

const (
	ignored  kind = iota // ordinary words and numbers: many texts hold them
	indexed              // by the letters and digits that it has in common with a text
	replaced             // as a whole, because it has too few letters and digits
)

// kindOf returns the kind of a secret of which reduce keeps a number of bytes.
func kindOf(secret string, kept int) kind {
	switch {
	case len(secret) < minSecret || strings.TrimSpace(secret) == "":
		return ignored
	case kept >= minRun || kept >= minSecret && isUncommon(secret):
		return indexed
	case len(secret) >= minRun || isUncommon(secret):
		return replaced
	}
	return ignored
}

// keptOf returns how many bytes of a text reduce keeps.
func keptOf(text string) int {
	if !isSimple(text) {
		return len(reduce(text).text)
	}
	kept := 0
	for i := range len(text) {
		if isKept(rune(text[i])) {
			kept++
		}
	}
	return kept
}

func (s *Secrets) makeExact() {
	var exact []string
	for _, secret := range s.values {
		if kindOf(secret, keptOf(secret)) != replaced || slices.ContainsFunc(s.public, func(text string) bool { return strings.Contains(text, secret) }) {
			continue
		}
		for _, form := range escapings(secret) {
			exact = append(exact, form, Text)
		}
	}
	if len(exact) > 0 {
		s.exact = strings.NewReplacer(exact...)
	}
}

func (s *Secrets) build() {
	for _, text := range s.public {
		s.publicText += string(reduce(text).text) + " " // a separator that no reduced text contains
	}
	s.index.grow(s.values)
	for _, secret := range s.values {
		reduced := reduce(secret).text
		if kindOf(secret, len(reduced)) != indexed {
			continue
		}
		s.index.add(reduced, tail(secret))
		if torn := lettersAndDigits([]byte(secret)); !bytes.Equal(torn, reduced) {
			s.index.add(torn, tail(secret)) // something can tear escapes in the secret apart
		}
		s.index.addEncodings(secret)
	}
	s.indexed.Store(true)
}

// isUncommon reports whether a short value is unlikely to be an ordinary word or number:
// it mixes letters and digits, or has a capital inside a word.
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

// tail returns the part of a secret after its last letter or digit. Reducing removes it.
func tail(secret string) string {
	return secret[strings.LastIndexFunc(secret, isKept)+1:]
}

// escapings returns the forms of a secret after an escape or an encoding.
func escapings(secret string) []string {
	text := jsonText(secret)
	quoted := strconv.QuoteToASCII(secret)
	forms := []string{
		secret, Clean(secret, len(secret)), text, quoted[1 : len(quoted)-1], strings.ReplaceAll(text, "/", `\/`),
		strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(text),
		htmlText(secret), htmlText(text), url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(text),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	// The longest is first, because a form may be a part of another.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(forms, func(form string) bool { return strings.TrimSpace(form) == "" })
}

// htmlText returns a text with the escapes of HTML. Importing package html would add
// 60 KB of named characters to every program.
func htmlText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(text)
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
