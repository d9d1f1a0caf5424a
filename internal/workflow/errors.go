package workflow

import "errors"

var (
	// ErrPanicked is what spans and logs show for a step that panics or ends its
	// goroutine.
	ErrPanicked = errors.New("panic, or runtime.Goexit")

	// ErrGoexit is the error of a function that has ended its goroutine.
	ErrGoexit = errors.New("code that the caller supplied, such as a log handler, called runtime.Goexit")
)
