package progress

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
)

// Only what is new gets a line.
func TestLines(t *testing.T) {
	var out bytes.Buffer
	r := New(&out, false)
	wait := images.Event{Step: images.StepWaitForBuild, Version: "2.0", State: "PENDING", Delay: 2 * time.Second}
	r.Step(images.Event{Step: images.StepFind})
	for range 3 {
		wait.Elapsed += time.Second
		r.Step(wait)
	}
	wait.Err = errors.New("lost")
	r.Step(wait)
	wait.Err, wait.State, wait.Delay = nil, "SUCCESSFUL", 0
	r.Step(wait)
	for _, done := range []int64{0, 1024, 1024, 2048, 4096, 4096} {
		r.Upload(done, 4096)
	}
	r.Upload(0, 0)
	r.Close()
	const want = `    0.0s  find
    1.0s  wait for build 2.0: PENDING (again in 2s)
    3.0s  wait for build 2.0: PENDING: lost (again in 2s)
    3.0s  wait for build 2.0: SUCCESSFUL
          25 % of 4.0 KiB
          50 % of 4.0 KiB
          100 % of 4.0 KiB
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB", 1 << 62: "4.0 EiB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %s, want %s", bytes, got, want)
		}
	}
}
