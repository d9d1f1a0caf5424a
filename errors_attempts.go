package lambdamicrovms

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// AttemptsError reports how many attempts a failed call made, and how long they took. It
// is found inside the *smithy.OperationError of calls with more than one attempt.
type AttemptsError struct {
	// Attempts is the number of attempts, at least 2.
	Attempts int
	// Elapsed is the time from the start of the call to its end, including the delays
	// between the attempts. It is real time, in which the delays of package fake take no
	// time.
	Elapsed time.Duration
	// Err is the error of the last attempt. If no more attempts were permitted, it is or
	// wraps a *retry.MaxAttemptsError.
	Err error
}

func (e *AttemptsError) Error() string {
	cause := e.Err
	//nolint:errorlint // an error around it may have removed secrets from its text
	if exhausted, ok := cause.(*retry.MaxAttemptsError); ok { // its text repeats the number
		cause = exhausted.Err
	}
	return fmt.Sprintf("%d attempts in %v, the last one: %v", e.Attempts, e.Elapsed.Round(100*time.Millisecond), cause)
}

// Unwrap returns Err.
func (e *AttemptsError) Unwrap() error { return e.Err }

// countAttempts wraps err in an AttemptsError if the call had several attempts. began is
// the start of the call.
func countAttempts(metadata middleware.Metadata, began time.Time, err error) error {
	attempts, _ := retry.GetAttemptResults(metadata)
	if len(attempts.Results) < 2 {
		return err
	}
	return &AttemptsError{Attempts: len(attempts.Results), Elapsed: time.Since(began), Err: err}
}
