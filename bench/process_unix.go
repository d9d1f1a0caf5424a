//go:build unix

package bench

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// CPUTime returns the CPU time of this process in user mode and in the kernel.
func CPUTime() (user, system time.Duration) {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for another first argument
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
}

// CompareCPU is Compare by the CPU time of this process, which other programs affect
// little.
func CompareCPU(calls []Call, rounds int) ([]Cost, error) {
	return compare(calls, rounds, func() time.Duration {
		user, system := CPUTime()
		return user + system
	})
}

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
