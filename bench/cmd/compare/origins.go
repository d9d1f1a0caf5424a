package main

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/bench"
)

// measureOrigins asks a process of its own, because the profile of every allocation
// slows all that comes after it down.
func (f *figures) measureOrigins() error {
	out, err := ownOutput("-only", "origins")
	f.origins = string(out)
	return err
}

// printOrigins prints which part of a small call makes how many allocations.
func printOrigins() error {
	const calls = 500
	call := bench.Ours.Call(bench.Setup{HTTP: bench.NewStub(bench.Ours.Response(bench.Small))}, bench.Small)
	for range 64 {
		if err := call(); err != nil {
			return err
		}
	}
	runtime.MemProfileRate = 1
	for range calls {
		if err := call(); err != nil {
			return err
		}
	}
	runtime.MemProfileRate = 0
	runtime.GC() // completes the profile
	runtime.GC()
	records := make([]runtime.MemProfileRecord, 10_000)
	n, ok := runtime.MemProfile(records, true)
	if !ok {
		return fmt.Errorf("more than %d places allocate", len(records))
	}

	type sum struct {
		origin         string
		objects, bytes int64
	}
	var sums []*sum
	total := &sum{origin: "all"}
	for _, record := range records[:n] {
		origin := originOf(record.Stack())
		if origin == "" {
			continue
		}
		i := slices.IndexFunc(sums, func(s *sum) bool { return s.origin == origin })
		if i < 0 {
			i = len(sums)
			sums = append(sums, &sum{origin: origin})
		}
		for _, s := range []*sum{sums[i], total} {
			s.objects += record.AllocObjects
			s.bytes += record.AllocBytes
		}
	}
	slices.SortFunc(sums, func(a, b *sum) int { return int(b.objects - a.objects) })
	for _, s := range append(sums, total) {
		if objects := (s.objects + calls/2) / calls; objects > 0 {
			fmt.Printf("| %s | %d | %d |\n", s.origin, objects, s.bytes/calls)
		}
	}
	return nil
}

// originOf names the part of a call that a stack belongs to: the signer, a package of
// the SDK, or a file of ours. It is empty for stacks of anything else.
func originOf(stack []uintptr) string {
	const sdk, own = "github.com/aws/aws-sdk-go-v2/", "github.com/microvm-go/lambdamicrovms"
	origin := ""
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		name := frame.Function
		switch {
		case strings.Contains(name, "signer/v4.Signer.SignHTTP"):
			return "the SDK's signer"
		case strings.HasSuffix(name, ".printOrigins"):
			return origin
		case origin != "":
		case strings.HasPrefix(name, sdk+"aws/retry"):
			origin = "the SDK's retry loop"
		case strings.HasPrefix(name, sdk):
			origin = "other middlewares of the SDK"
		case strings.HasPrefix(name, own+"/bench.(*Stub)"):
			origin = "the stub of the service"
		case strings.HasPrefix(name, own+"/internal/restjson"), strings.HasPrefix(name, own+"/types"):
			origin = "decoding"
		case strings.HasPrefix(name, own+"/bench"):
		case strings.HasPrefix(name, own):
			origin = "`" + path.Base(frame.File) + "`"
		}
		if !more {
			return origin // a deep stack is cut
		}
	}
}
