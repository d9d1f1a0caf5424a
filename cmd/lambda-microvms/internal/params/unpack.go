// Package params makes the input of an operation of the words on a command line: it loads
// the files that they name, reads JSON and shorthand, applies the types of the model, and
// checks what the AWS CLI checks before a request is sent. Constraints that the AWS CLI
// leaves to the service (patterns, upper limits, values of enums) are left to it here
// too.
package params

import (
	"errors"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/shorthand"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Unpack returns the value of an option for a member: of the words behind it, one unless
// the member is a list.
func Unpack(m *api.Member, words []string) (any, error) {
	u := &unpacker{option: m.Option, secret: m.Shape.SensitiveBelow()}
	from := literal
	if len(words) == 1 {
		text, where, err := load(words[0])
		if err != nil {
			return nil, u.fail("%s", err)
		}
		if where == binaryFile {
			return nil, fault.Usage("Parameter validation failed:\nInvalid type for parameter %s, value: %d bytes of %s, type: <class 'bytes'>, valid types: %s",
				m.Name, len(text), words[0], classes(m.Shape.Kind))
		}
		words, from = []string{text}, where
	}
	if m.Shape.Kind == api.List {
		return u.list(m.Shape, words, from)
	}
	return u.one(m.Shape, words[0])
}

type unpacker struct {
	option string
	secret bool
}

func (u *unpacker) fail(format string, args ...any) error {
	return fault.Parameter(u.option, format, args...)
}

// shown is a text as error messages may show it.
func (u *unpacker) shown(text string) string {
	if u.secret {
		return redact.Text
	}
	return text
}

func (u *unpacker) list(shape *api.Shape, words []string, from source) (any, error) {
	if len(words) == 1 && strings.HasPrefix(strings.TrimSpace(words[0]), "[") {
		return u.json(words[0])
	}
	if from == textFile && !shape.Elem.Scalar() {
		words = []string{strings.TrimSpace(words[0])}
	}
	list := make([]any, 0, len(words))
	for _, word := range words {
		v, err := u.one(shape.Elem, word)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (u *unpacker) one(shape *api.Shape, text string) (any, error) {
	if shape.Scalar() {
		return u.scalar(shape, text)
	}
	switch trimmed := strings.TrimSpace(text); {
	case strings.HasPrefix(trimmed, "{"), shape.Kind == api.List && strings.HasPrefix(trimmed, "["):
		return u.json(text)
	case strings.HasPrefix(trimmed, "["):
		return nil, u.fail("Invalid JSON:\n%s", u.shown(text))
	}
	parsed, err := shorthand.Parse(text, Load)
	if err != nil {
		return nil, u.shorthandError(err)
	}
	return u.apply(shape, parsed)
}

func (u *unpacker) shorthandError(err error) error {
	var syntax *shorthand.Error
	if u.secret && errors.As(err, &syntax) {
		return u.fail("%s for input:\n%s", withoutKey(syntax.Reason), redact.Text)
	}
	return u.fail("%s", err)
}

// withoutKey leaves out the key that a reason quotes: it may be part of a value that has
// been split at the wrong place.
func withoutKey(reason string) string {
	before, rest, _ := strings.Cut(reason, `"`)
	if _, after, ok := strings.Cut(rest, `" `); ok {
		return before + redact.Text + " " + after
	}
	if before, _, ok := strings.Cut(reason, ", received"); ok {
		return before
	}
	return reason
}

func (u *unpacker) json(text string) (any, error) {
	v, err := value.ReadJSON(text)
	if err != nil {
		return nil, u.fail("Invalid JSON: %s\nJSON received: %s", err, u.shown(text))
	}
	return v, nil
}

// Scalar converts a text to a scalar type, by the rules of the AWS CLI. ok is false if
// the text is not a value of the type.
func Scalar(kind api.Kind, text string) (v any, ok bool) {
	switch kind {
	case api.Boolean:
		lower := strings.ToLower(text)
		return lower == "true", lower == "true" || lower == "false"
	case api.Integer, api.Long:
		return value.ParseInt(text)
	case api.Double:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		return f, err == nil
	}
	return text, true
}

// scalar converts a text to the type of a scalar. A text that is no boolean stays as it
// is, for the validation to report.
func (u *unpacker) scalar(shape *api.Shape, text string) (any, error) {
	v, ok := Scalar(shape.Kind, text)
	switch {
	case ok:
		return v, nil
	case shape.Kind == api.Boolean:
		return text, nil
	case shape.Kind == api.Double:
		return nil, u.fail("could not convert string to float: %s", value.Quote(u.shown(text)))
	}
	return nil, u.fail("invalid literal for int() with base 10: %s", value.Quote(u.shown(text)))
}

// apply gives the strings of a shorthand value the types of the model. What does not fit
// stays as it is, for the validation to report.
func (u *unpacker) apply(shape *api.Shape, v any) (any, error) {
	switch shape.Kind {
	case api.Structure, api.Union:
		m, ok := v.(*value.Map)
		if !ok {
			return v, nil
		}
		for i := range shape.Members {
			member := &shape.Members[i]
			if err := u.applyTo(member.Shape, m, member.Name); err != nil {
				return nil, err
			}
		}
	case api.Map:
		m, ok := v.(*value.Map)
		if !ok {
			return v, nil
		}
		for _, member := range m.Members() {
			if err := u.applyTo(shape.Elem, m, member.Name); err != nil {
				return nil, err
			}
		}
	case api.List:
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for i := range list {
			var err error
			if list[i], err = u.apply(shape.Elem, list[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	default:
		if text, ok := v.(string); ok {
			return u.scalar(shape, text)
		}
	}
	return v, nil
}

func (u *unpacker) applyTo(shape *api.Shape, m *value.Map, name string) error {
	v, ok := m.Get(name)
	if !ok {
		return nil
	}
	v, err := u.apply(shape, v)
	if err == nil {
		m.Set(name, v)
	}
	return err
}
