package redact

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"unicode"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Error returns an error whose text, and the texts of all wrapped errors, contain neither
// secrets nor control characters:
//
//   - An error without any is returned itself.
//   - An error whose members are all exported is copied, with redacted members, so that
//     errors.As finds the same types.
//   - Any other, such as one of errors.New, is replaced by an error that errors.Is still
//     matches.
func (s *Secrets) Error(err error) error {
	if err == nil || s.allowsError(err) {
		return err
	}
	p := pass{secrets: s, known: map[error]outcome{}}
	return p.err(err, 0).err
}

// maxDepth limits how deep errors are wrapped. A deeper chain is taken for a cycle.
const maxDepth = 100

// A pass redacts one tree of errors.
type pass struct {
	secrets *Secrets
	known   map[error]outcome // only errors that are pointers, because others may not be comparable
}

type outcome struct {
	err     error
	changed bool
}

func (p *pass) err(err error, depth int) outcome {
	if depth > maxDepth {
		return outcome{newOpaque(Text, err, nil), true}
	}
	isPointer := reflect.TypeOf(err).Kind() == reflect.Pointer
	if isPointer {
		if o, ok := p.known[err]; ok {
			return o
		}
	}
	o := p.once(err, depth)
	if isPointer {
		p.known[err] = o
	}
	return o
}

func (p *pass) once(err error, depth int) outcome {
	result := p.copied(err, depth)
	var below []error
	replaced := false
	for _, inner := range unwrap(result.err) {
		o := p.err(inner, depth+1)
		below, replaced = append(below, o.err), replaced || o.changed
	}
	text := result.err.Error()
	if redacted := p.text(text); redacted != text || replaced {
		return outcome{newOpaque(redacted, err, below), true}
	}
	return result
}

func unwrap(err error) []error {
	var list []error
	switch err := err.(type) { //nolint:errorlint // one step at a time
	case interface{ Unwrap() error }:
		list = []error{err.Unwrap()}
	case interface{ Unwrap() []error }:
		list = err.Unwrap()
	}
	var below []error
	for _, e := range list {
		if e != nil {
			below = append(below, e)
		}
	}
	return below
}

// maxLength is the maximum length of a text in an error. It exceeds MaxText, so that a
// few cleaned texts fit.
const maxLength = 8 * MaxText

func (p *pass) text(text string) string {
	if len(text) > maxLength || strings.IndexFunc(text, isHarmful) >= 0 {
		return p.secrets.Clean(text, maxLength)
	}
	return p.secrets.Redact(text)
}

// isHarmful reports whether a character must not be in an error: control characters and
// marks of writing direction. Line ends and tabs are allowed, because errors of several
// lines have them.
func isHarmful(c rune) bool {
	return c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c))
}

// copied returns a copy of err with redacted members. It returns err itself if that would
// change nothing, or if a member is not exported.
func (p *pass) copied(err error, depth int) outcome {
	v := reflect.ValueOf(err)
	isPointer := v.Kind() == reflect.Pointer
	if isPointer {
		if v.IsNil() {
			return outcome{err: err}
		}
		v = v.Elem()
	}
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	changed := false
	switch v.Kind() {
	case reflect.String:
		c.Elem().SetString(p.text(v.String()))
		changed = c.Elem().String() != v.String()
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				return outcome{err: err}
			}
		}
		changed = p.members(c.Elem(), depth)
	}
	if !changed {
		return outcome{err: err}
	}
	if !isPointer {
		c = c.Elem()
	}
	return outcome{c.Interface().(error), true}
}

// member redacts a member of an error, and the values below the member. It replaces these
// values instead of changing them. It reports whether something was redacted.
func (p *pass) member(v reflect.Value, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch m := v.Interface().(type) {
	case *smithyhttp.Response, *http.Response: // see Response
		return false
	case error:
		return p.errorMember(v, m, depth)
	}
	switch v.Kind() {
	case reflect.String:
		text := v.String()
		v.SetString(p.text(text))
		return v.String() != text
	case reflect.Struct:
		return isOurs(v.Type()) && p.members(v, depth)
	case reflect.Pointer:
		if below := v.Type().Elem(); v.IsNil() || below.Kind() != reflect.String && !isOurs(below) {
			return false
		}
		below := reflect.New(v.Type().Elem())
		return p.replaced(v, below, below.Elem(), v.Elem(), depth)
	case reflect.Interface:
		if v.IsNil() || v.Elem().Kind() != reflect.Pointer {
			return false
		}
		below := reflect.New(v.Elem().Type()).Elem()
		return p.replaced(v, below, below, v.Elem(), depth)
	case reflect.Slice:
		if element := v.Type().Elem(); element.Kind() != reflect.String && !isOurs(element) {
			return false
		}
		below := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(below, v)
		changed := false
		for i := range below.Len() {
			changed = p.member(below.Index(i), depth+1) || changed
		}
		if changed {
			v.Set(below)
		}
		return changed
	}
	return false
}

// isOurs reports whether a struct type belongs to this module. Other structs can be large
// or cyclic.
func isOurs(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasPrefix(t.PkgPath(), "github.com/microvm-go/lambdamicrovms")
}

// members redacts the exported fields of a struct in place. The struct must be a copy.
func (p *pass) members(v reflect.Value, depth int) bool {
	changed := false
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			changed = p.member(v.Field(i), depth+1) || changed
		}
	}
	return changed
}

// replaced copies from into to, redacts the copy, and sets v to below if that changed it.
func (p *pass) replaced(v, below, to, from reflect.Value, depth int) bool {
	to.Set(from)
	changed := p.member(to, depth+1)
	if changed {
		v.Set(below)
	}
	return changed
}

func (p *pass) errorMember(v reflect.Value, err error, depth int) bool {
	if value := reflect.ValueOf(err); value.Kind() == reflect.Pointer && value.IsNil() {
		return false
	}
	clean := p.err(err, depth+1)
	value := reflect.ValueOf(clean.err)
	if !clean.changed || !value.Type().AssignableTo(v.Type()) {
		return false // the text of the enclosing error is then redacted as a whole
	}
	v.Set(value)
	return true
}

// An opaque error replaces an error that contains a secret and cannot be copied.
type opaque struct {
	text     string
	original error   // never returned or printed
	below    []error // redacted
}

func (e *opaque) Error() string { return e.text }

// WithText returns an error with this text and without the errors below err. errors.Is
// matches it like err; errors.As finds only the interfaces that classify errors. It
// returns err itself if the text is the same.
func WithText(err error, text string) error {
	if text == err.Error() {
		return err
	}
	return newOpaque(text, err, nil)
}

// TypeName returns the name of the type of an error. If Secrets.Error has replaced the
// error, it is the type of the original.
func TypeName(err error) string {
	for {
		replaced, ok := err.(interface{ replaces() error })
		if !ok {
			return fmt.Sprintf("%T", err)
		}
		err = replaced.replaces()
	}
}

func (e *opaque) replaces() error { return e.original }

// newOpaque returns an opaque error that has a method Timeout if the original reports a
// timeout: net/http and others ask for the method without errors.As.
func newOpaque(text string, original error, below []error) error {
	e := &opaque{text: text, original: original, below: below}
	if known, ok := original.(timeouter); ok && known.Timeout() {
		return &timedOut{e}
	}
	return e
}

// A timedOut error is opaque and reports a timeout.
type timedOut struct{ *opaque }

func (*timedOut) Timeout() bool { return true }

// Format prints the text for every verb, because some verbs would print the original.
func (e *opaque) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, e.text) }

// MarshalText is for JSON what Format is for fmt.
func (e *opaque) MarshalText() ([]byte, error) { return []byte(e.text), nil }

func (e *opaque) Unwrap() []error { return e.below }

func (e *opaque) Is(target error) bool { return errors.Is(e.original, target) }

// Aliases, because errors.As is called with the interface literals.
type (
	timeouter       = interface{ Timeout() bool }
	temporary       = interface{ Temporary() bool }
	retryable       = interface{ RetryableError() bool }
	connectionError = interface{ ConnectionError() bool }
	canceled        = interface{ CanceledError() bool }
)

// As supports the interfaces with which retryers and callers of net/http classify errors
// of unexported types.
func (e *opaque) As(target any) bool {
	switch target := target.(type) {
	case *net.Error:
		var known net.Error
		if !errors.As(e.original, &known) {
			return false
		}
		*target = &classified{opaque: e, timeout: known.Timeout(), other: known.Temporary()} //nolint:staticcheck // passed on
		return true
	case *timeouter:
		var known timeouter
		ok := errors.As(e.original, &known)
		if ok {
			*target = &classified{opaque: e, timeout: known.Timeout()}
		}
		return ok
	case *temporary:
		return asked(e, target, temporary.Temporary)
	case *retryable:
		return asked(e, target, retryable.RetryableError)
	case *connectionError:
		return asked(e, target, connectionError.ConnectionError)
	case *canceled:
		return asked(e, target, canceled.CanceledError)
	}
	return false
}

// asked sets target if the original has the method of its interface.
func asked[I any](e *opaque, target *I, question func(I) bool) bool {
	var known I
	if !errors.As(e.original, &known) {
		return false
	}
	var ok bool
	*target, ok = any(&classified{opaque: e, other: question(known)}).(I)
	return ok
}

// A classified error is opaque, and classifies itself like the original.
type classified struct {
	*opaque

	timeout bool
	other   bool // the result of the other method that As was asked for
}

func (c *classified) Timeout() bool         { return c.timeout }
func (c *classified) Temporary() bool       { return c.other }
func (c *classified) RetryableError() bool  { return c.other }
func (c *classified) ConnectionError() bool { return c.other }
func (c *classified) CanceledError() bool   { return c.other }
