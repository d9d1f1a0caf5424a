package printing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

// No way to print a value that contains wire values shows a secret.
func TestValuesPrintNoSecrets(t *testing.T) {
	const secret = "planted-s3cr3t-0123456789"
	environment := map[string]string{"KEY": secret}
	output := &lambdamicrovms.GetMicroVMImageVersionOutput{EnvironmentVariables: environment}
	input := &lambdamicrovms.CreateMicroVMImageInput{EnvironmentVariables: environment}
	failure := &lambdamicrovms.WaiterFailureError{Waiter: "W", Output: output}
	timeout := &lambdamicrovms.WaiterTimeoutError{Waiter: "W", Output: output, Err: failure}
	version := fake.VersionSnapshot{Version: "1.0", Configuration: types.MicroVMImageVersionSummary{EnvironmentVariables: environment}}
	image := fake.ImageSnapshot{Name: "n", Versions: []fake.VersionSnapshot{version}}
	for _, v := range []any{
		lambdamicrovms.WaiterAttempt{Waiter: "W", Output: output, Err: failure}, failure, timeout,
		&images.BusyError{Workflow: "W", Err: timeout}, &images.Error{Workflow: "W", Err: fmt.Errorf("x: %w", failure)}, images.Event{Step: "W", Err: timeout},
		&session.StartError{MicroVMID: "W", Err: failure}, &session.PanicError{Value: output, Stack: []byte("W")},
		images.Deployment{Image: *input, ContentHash: "W"}, &images.Deployment{Image: *input, ContentHash: "W"},
		fake.Call{Method: "W", Input: input, Body: secret, Header: http.Header{"Authorization": {secret}}, Err: failure},
		fake.Snapshot{Images: []fake.ImageSnapshot{image}}, image, version, errors.Join(failure, timeout),
	} {
		texts := map[string]string{}
		for _, within := range []any{v, []any{v}, map[string]any{"k": v}, struct{ V any }{v}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q", "%t"} {
				texts[verb] += fmt.Sprintf(verb, within)
			}
			data, err := json.Marshal(within)
			if err != nil {
				t.Errorf("%T: %v", v, err)
			}
			texts["JSON"] += string(data)
			var b bytes.Buffer
			for _, handler := range []slog.Handler{slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&b, nil)} {
				slog.New(handler).With("a", within).Info("m", slog.Group("g", "b", within))
			}
			texts["slog"] += b.String()
		}
		for how, text := range texts {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%T printed by %s holds the secret: %s", v, how, text)
			}
		}
		if _, isError := v.(error); !isError && !strings.Contains(texts["JSON"], "W") && !strings.Contains(texts["JSON"], "[REDACTED]") {
			t.Errorf("%T as JSON says nothing: %s", v, texts["JSON"])
		}
	}
}
