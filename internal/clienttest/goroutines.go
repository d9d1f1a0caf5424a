package clienttest

import (
	"runtime"
	"time"
)

// Leftover returns the stacks of all goroutines if there are still more than before, and an
// empty string otherwise. A goroutine exits a moment after its last effect is seen, and how long
// that moment is depends on the load of the machine: Leftover gives up after a minute.
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
