package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/logging"
)

// debugLog writes the lines of --debug. A nil one writes nothing.
type debugLog struct {
	out io.Writer
	now func() time.Time
	mu  sync.Mutex
}

func (d *debugLog) logf(logger, format string, args ...any) {
	d.write(logger, "DEBUG", fmt.Sprintf(format, args...))
}

func (d *debugLog) write(logger, level, message string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	stamp := strings.Replace(d.now().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
	fmt.Fprintf(d.out, "%s - MainThread - lambdamicrovms.%s - %s - %s\n", stamp, logger, level, strings.TrimRight(message, "\r\n"))
}

// Logf implements the SDK's logger. The client removes secrets from its messages.
func (d *debugLog) Logf(level logging.Classification, format string, args ...any) {
	d.write("client", string(level), fmt.Sprintf(format, args...))
}
