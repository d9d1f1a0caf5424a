//go:build unix

package bench

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A Process is what a process took.
type Process struct {
	Wall, CPU time.Duration
	Peak      int64 // bytes of memory
}

// PeakMiB returns the peak memory in MiB.
func (p Process) PeakMiB() float64 { return float64(p.Peak) / (1 << 20) }

// RunProcess runs a command and returns what its process took. Linux counts the memory of
// the process that starts another one as that of the other one, so the caller must take
// less memory than the command.
func RunProcess(cmd *exec.Cmd) (Process, error) {
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return Process{}, err
	}
	p := Process{Wall: time.Since(began), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		p.Peak = int64(usage.Maxrss) //nolint:unconvert // the types differ by system
		if runtime.GOOS != "darwin" {
			p.Peak <<= 10
		}
	}
	return p, nil
}
