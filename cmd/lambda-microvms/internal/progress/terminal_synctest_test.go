//go:build go1.25

package progress

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/images"
)

// What a terminal shows while a deployment goes on.
func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newTerminal(&out)
		wait := images.Event{Step: images.StepWaitForBuild, Elapsed: 5 * time.Second, Version: "2.0", State: "PENDING", Delay: 2 * time.Second}
		lost := wait
		lost.Err = errors.New("lost, 漢字, which is a long text 漢字漢字漢字")
		ended := wait
		ended.Elapsed, ended.State, ended.Delay = 65*time.Second, "SUCCESSFUL", 0
		const upload = 10 << 20
		for _, moment := range []struct {
			name string
			do   func()
			then time.Duration
			want string
		}{
			{"start", func() {}, 0, ""},
			{"step", func() { r.Step(images.Event{Step: images.StepFind}) }, 0, "⠋ 0s  find"},
			{"time goes on", func() {}, 310 * time.Millisecond, "⠹ 0s  find"},
			{"next step", func() { r.Step(images.Event{Step: images.StepUpload, Elapsed: time.Second}) }, 0,
				"    0.0s  find\n⠹ 0s  upload"},
			{"no archive", func() { r.Upload(0, 0) }, 150 * time.Millisecond, "    0.0s  find\n⠸ 0s  upload"},
			{"upload", func() { r.Upload(upload/4, upload) }, 150 * time.Millisecond,
				"    0.0s  find\n⠼ 1s  upload  25 % [=====               ] 2.5 MiB / 10.0 MiB"},
			{"uploaded", func() { r.Upload(upload, upload) }, 4 * time.Second,
				"    0.0s  find\n⠋ 4s  upload  100 % [====================] 10.0 MiB / 10.0 MiB  2.5 MiB/s"},
			{"the bar ends", func() { r.Step(wait) }, 0,
				"    0.0s  find\n    1.0s  upload\n⠋ 5s  wait for build 2.0: PENDING"},
			{"another poll", func() { r.Step(wait) }, time.Minute,
				"    0.0s  find\n    1.0s  upload\n⠋ 64s  wait for build 2.0: PENDING"},
			{"cut to the width", func() { r.Step(lost) }, 0,
				"    0.0s  find\n    1.0s  upload\n    5.0s  wait for build 2.0: PENDING\n⠋ 65s  wait for build 2.0: PENDING: lost, 漢字, which is a long text 漢字漢字漢"},
			{"end", func() { r.Step(ended); r.Close() }, time.Minute,
				"    0.0s  find\n    1.0s  upload\n    5.0s  wait for build 2.0: PENDING\n    5.0s  wait for build 2.0: PENDING: lost, 漢字, which is a long text 漢字漢字漢字\n   65.0s  wait for build 2.0: SUCCESSFUL\n"},
		} {
			moment.do()
			time.Sleep(moment.then) // of the test's clock
			synctest.Wait()
			r.mu.Lock()
			shown := screen(out.String())
			r.mu.Unlock()
			if diff := cmp.Diff(moment.want, shown); diff != "" {
				t.Errorf("%s: %s", moment.name, diff)
			}
		}
	})
}

// screen returns what a terminal shows of a text: a carriage return goes back to the
// beginning of the line.
func screen(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		var shown []rune
		for part := range strings.SplitSeq(line, "\r") {
			written := []rune(part)
			shown = append(written, shown[min(len(written), len(shown)):]...)
		}
		lines = append(lines, strings.TrimRight(string(shown), " "))
	}
	return strings.Join(lines, "\n")
}
