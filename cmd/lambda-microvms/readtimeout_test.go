//go:build unix

package main

import (
	"net/http"
	"strings"
	"testing"
)

// A response that stops in its body is a read timeout, as one without headers is.
func TestReadTimeoutOfBody(t *testing.T) {
	stop := make(chan struct{})
	cmd, _, stderr := command(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		w.(http.Flusher).Flush()
		<-stop
	}), "list-microvms", "--cli-read-timeout", "1")
	t.Cleanup(func() { close(stop) })
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 255 || !strings.Contains(stderr.String(), "Read timeout on endpoint URL: ") {
		t.Errorf("%v, %s", err, stderr)
	}
}
