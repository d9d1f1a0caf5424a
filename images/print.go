package images

import (
	"fmt"
	"log/slog"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Format prints the deployment as JSON with sensitive values as [REDACTED], whatever the verb.
func (d Deployment) Format(s fmt.State, verb rune) { redact.Format(s, verb, "Deployment", d) }

// LogValue is for slog what Format is for fmt.
func (d Deployment) LogValue() slog.Value { return redact.LogValue("Deployment", d) }

// MarshalJSON returns what LogValue prints. To store a deployment, store its Image.
func (d Deployment) MarshalJSON() ([]byte, error) { return redact.Marshal(d) }
