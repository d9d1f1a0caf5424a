package session

import (
	"fmt"
	"log/slog"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Format prints the text of the error, whatever the verb.
func (e *PanicError) Format(s fmt.State, _ rune) { redact.FormatError(s, e) }

// LogValue returns the text of the error.
func (e *PanicError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// MarshalJSON returns the members, sensitive values as [REDACTED].
func (e *PanicError) MarshalJSON() ([]byte, error) { return redact.Marshal(e) }
