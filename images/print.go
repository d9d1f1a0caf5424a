package images

import (
	"fmt"
	"log/slog"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
)

// Format prints the deployment as JSON for every verb, with sensitive values as
// [REDACTED].
func (d Deployment) Format(s fmt.State, verb rune) { redact.Format(s, verb, "Deployment", d) }

// LogValue returns the deployment with sensitive values as [REDACTED].
func (d Deployment) LogValue() slog.Value { return redact.LogValue("Deployment", d) }

// MarshalJSON encodes the deployment with sensitive values as [REDACTED]. To store a
// deployment, encode its Image.
func (d Deployment) MarshalJSON() ([]byte, error) { return redact.Marshal(d) }
