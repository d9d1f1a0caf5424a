package workflow

import (
	"fmt"
	"time"
)

// Repeated wraps the error of the last of several failed calls, with their number and how
// long they took. It returns the error of a single call unchanged.
func Repeated(calls int, elapsed time.Duration, err error) error {
	if calls < 2 || err == nil {
		return err
	}
	return fmt.Errorf("%d calls in %v, the last one: %w", calls, elapsed.Round(100*time.Millisecond), err)
}
