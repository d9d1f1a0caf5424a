package session

import (
	"fmt"
	"log/slog"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Format prints the error text for every verb.
func (e *PanicError) Format(s fmt.State, _ rune) { redact.FormatError(s, e) }

// LogValue returns the error text.
func (e *PanicError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalJSON encodes the fields, with sensitive values as [REDACTED].
func (e *PanicError) MarshalJSON() ([]byte, error) { return redact.Marshal(e) }
