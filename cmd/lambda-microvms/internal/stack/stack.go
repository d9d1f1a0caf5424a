// Package stack makes the stack of the main goroutine large when the program starts.
//
// When a stack grows later, the runtime copies it, and reads tables of each function on
// it. These tables are spread over the file of the program, and Linux maps 64 KiB for
// each place that is read. That was 0.9 MiB of the memory of get-microvm-image.
//
// Packages are initialized in the order of their import paths, each after the packages
// that it imports. This one must import nothing, so that few are initialized before it.
package stack

var _ = grow(0)

// grow needs a stack of 32 KiB, which is enough for a call of the service.
//
//go:noinline
func grow(i int) byte {
	var frame [20 << 10]byte
	return frame[i]
}
