package restjson

import (
	"fmt"
	"io"
	"log/slog"
)

// Format prints v as its name and its JSON without secrets, whatever the verb
// and flags. It is for the Format method of a type with secrets. Package fmt
// asks no Format method when it prints an unexported field, nor for the verbs
// %T and %p and a misplaced %w.
func Format(s fmt.State, _ rune, name string, v Encoder) {
	w := borrowWriter()
	defer returnWriter(w)
	w.Redact = true
	v.EncodeJSON(w)
	_, _ = io.WriteString(s, name)
	_, _ = s.Write(w.Bytes())
}

// LogValue returns the JSON of v without secrets: an object for a handler
// that writes JSON, text for others. It is for the LogValue method of a type
// with secrets.
func LogValue(v Encoder) slog.Value {
	w := borrowWriter()
	defer returnWriter(w)
	w.Redact = true
	v.EncodeJSON(w)
	return slog.AnyValue(logValue(w.Bytes()))
}

// A logValue is JSON without secrets.
type logValue string

func (v logValue) String() string               { return string(v) }
func (v logValue) MarshalText() ([]byte, error) { return []byte(v), nil }
func (v logValue) MarshalJSON() ([]byte, error) { return []byte(v), nil }
