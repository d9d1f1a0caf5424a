package clienttest

import (
	"runtime"
	"time"
)

// Leftover waits until there are no more goroutines than before, for up to a minute,
// because a goroutine exits some time after its last visible effect. It returns the
// stacks of all goroutines if there are still too many, and an empty string otherwise.
func Leftover(before int) string {
	for giveUp := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(giveUp) {
			return Stacks()
		}
		time.Sleep(100 * time.Microsecond)
	}
	return ""
}

// Stacks returns the stacks of all goroutines.
func Stacks() string {
	buffer := make([]byte, 1<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}
