package fake

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Format prints String, whatever the verb.
func (c Call) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue gives slog the call as JSON, without the body and with sensitive values as
// [REDACTED].
func (c Call) LogValue() slog.Value { return redact.LogValue("Call", c) }

// MarshalJSON returns what LogValue prints.
func (c Call) MarshalJSON() ([]byte, error) { return redact.Marshal(c) }

// Format prints the snapshot as JSON with sensitive values as [REDACTED], whatever the
// verb.
func (t Snapshot) Format(s fmt.State, verb rune) { redact.Format(s, verb, "Snapshot", t) }

// LogValue returns for slog what Format prints for fmt.
func (t Snapshot) LogValue() slog.Value { return redact.LogValue("Snapshot", t) }

// MarshalJSON returns what LogValue prints. To store a state, use Server.SaveState.
func (t Snapshot) MarshalJSON() ([]byte, error) { return redact.Marshal(t) }

// Format prints the image as JSON with sensitive values as [REDACTED], whatever the verb.
func (t ImageSnapshot) Format(s fmt.State, verb rune) { redact.Format(s, verb, "ImageSnapshot", t) }

// LogValue returns for slog what Format prints for fmt.
func (t ImageSnapshot) LogValue() slog.Value { return redact.LogValue("ImageSnapshot", t) }

// MarshalJSON returns what LogValue prints.
func (t ImageSnapshot) MarshalJSON() ([]byte, error) { return redact.Marshal(t) }

// Format prints the version as JSON with sensitive values as [REDACTED], whatever the
// verb.
func (t VersionSnapshot) Format(s fmt.State, verb rune) {
	redact.Format(s, verb, "VersionSnapshot", t)
}

// LogValue returns for slog what Format prints for fmt.
func (t VersionSnapshot) LogValue() slog.Value { return redact.LogValue("VersionSnapshot", t) }

// MarshalJSON returns what LogValue prints.
func (t VersionSnapshot) MarshalJSON() ([]byte, error) { return redact.Marshal(t) }

// Format prints no state, which may hold sensitive values. Print Snapshot instead.
func (*Server) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "fake.Server") }

// LogValue returns for slog what Format prints for fmt.
func (*Server) LogValue() slog.Value { return slog.StringValue("fake.Server") }
