package restjson

import (
	"fmt"
	"io"
	"log/slog"
)

// Format prints v as its name and its JSON without secrets, whatever the verb and flags.
// It is for the Format methods of shapes. Package fmt does not call Format for unexported
// fields, nor for the verbs %T and %p and a misplaced %w.
func Format(s fmt.State, _ rune, name string, v Encoder) {
	_, _ = io.WriteString(s, logValueOf(name, v).String())
}

// LogValue returns the JSON of v without secrets for a handler that writes JSON, and what
// Format prints for others. It is for the LogValue methods of shapes with secrets.
func LogValue(name string, v Encoder) slog.Value { return slog.AnyValue(logValueOf(name, v)) }

func logValueOf(name string, v Encoder) logValue {
	return logValue{name: name, json: Redacted(v, nil)}
}

// Redacted returns the JSON of v without secrets. It calls onSecret, if it is not nil,
// with each of them.
func Redacted(v Encoder, onSecret func(string)) string {
	w := borrowWriter()
	defer returnWriter(w)
	w.Redact, w.OnSecret = true, onSecret
	v.EncodeJSON(w)
	return string(w.Bytes())
}

// A logValue prints a shape without its secrets.
type logValue struct {
	name, json string
}

func (v logValue) String() string               { return v.name + v.json }
func (v logValue) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
func (v logValue) MarshalJSON() ([]byte, error) { return []byte(v.json), nil }
