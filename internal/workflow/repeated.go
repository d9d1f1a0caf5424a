package workflow

import (
	"fmt"
	"time"
)

// Repeated returns the error of the last of several calls that failed, with how many there
// were and how long they took. A single call's error is returned as it is.
func Repeated(calls int, elapsed time.Duration, err error) error {
	if calls < 2 || err == nil {
		return err
	}
	return fmt.Errorf("%d calls in %v, the last one: %w", calls, elapsed.Round(100*time.Millisecond), err)
}
