package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/bench"
)

func micros(d time.Duration) float64 { return float64(d) / 1e3 }

// report is RESULTS.md.
func (f *figures) report() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("# Results")
	line("")
	line("%s, %s, %d cores, %s. Written by `go run ./bench/cmd/compare`; do not edit.", time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), processor())
	line("")
	line("![time and allocations per call](results.svg)")
	line("")
	line("Static credentials, real signatures, the standard retryer; where nothing else is said a service in a function call, which reads the request to its end and responds with 200. " +
		"Small: the required members. Large: 50 variables of 200 bytes, which lambdamicrovms and service/lambda echo back and service/scheduler does not. " +
		"By hand: our codec, the SDK's signer and net/http, without middleware, validation, retries or errors. " +
		"Times are medians of slices that take turns in one process, those of calls the median of several processes; allocations and bytes are exact. Ratios are to service/lambda.")
	line("")
	f.writeCalls(line)
	f.writeGoals(line)
	f.writeParts(line)
	f.writeLoads(line)
	f.writePrograms(line)
	line("## Commands")
	line("")
	line("    go run ./bench/cmd/compare              # this file and the plot, some minutes")
	line("    go run ./bench/cmd/pack                 # the section on packing")
	line("    go run ./bench/cmd/pack -memory         # the section on its memory")
	line("    go run ./bench/cmd/waiters              # the section on waiting and its plot")
	line("    go run ./bench/cmd/growth               # the section on growth and its plot")
	line("    go run ./bench/cmd/cli                  # the section on the command line")
	line("    go run ./bench/cmd/fake                 # the section on package fake")
	line("    go test -bench . -benchmem ./bench      # calls and parts in the usual form")
	line("    go test ./bench                         # fails when allocations rise above bench/testdata/allocations.txt")
	line("    go test ./bench -update                 # accepts them")
	return b.String()
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	out, _ := exec.Command("uname", "-m").Output()
	return strings.TrimSpace(string(out))
}

func (f *figures) writeCalls(line func(string, ...any)) {
	line("## A call")
	line("")
	line("| | | µs | ratio | allocations | ratio | bytes | ratio |")
	line("|---|---|---:|---:|---:|---:|---:|---:|")
	for _, size := range bench.Sizes {
		base := f.calls[size][lambda]
		for i, c := range f.calls[size] {
			line("| %s | %s | %.1f | %.2f | %.0f | %.2f | %.0f | %.2f |", size, bench.Clients[i].Name,
				micros(c.Time), ratio(c.Time, base.Time), c.Allocs, c.Allocs/base.Allocs, c.Bytes, c.Bytes/base.Bytes)
		}
	}
	line("")
	for _, size := range bench.Sizes {
		spread := f.spread[size]
		line("By process the ratio of our time to that of service/lambda, %s, is from %.2f to %.2f.", size, spread[0], spread[len(spread)-1])
	}
	line("")
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// A goal is a figure that was set before the work began.
type goal struct {
	figure  string
	value   float64
	goal    float64
	stretch float64 // 0 if there is none
	format  string
	atLeast bool
	why     string // if it is missed
}

func (g goal) reached(limit float64) bool {
	if g.atLeast {
		return g.value >= limit
	}
	return g.value <= limit
}

func (f *figures) goals() []goal {
	small, large := f.calls[bench.Small], f.calls[bench.Large]
	share := ratio(f.parts[bench.Small][0].Time, small[ours].Time)
	shareLarge := ratio(f.parts[bench.Large][0].Time, large[ours].Time)
	signing := ratio(f.parts[bench.Small][signPart].Time, small[ours].Time)
	signed := fmt.Sprintf("signing is %.0f %% of our small call (%.0f of its %.0f allocations); the rest is the stack",
		100*signing, f.parts[bench.Small][signPart].Allocs, small[ours].Allocs)
	stack := fmt.Sprintf("the stack by itself takes %.1f µs and %.0f allocations, most of them in the SDK's retry loop and middlewares, which by hand has not; signature and codec are the same",
		micros(f.stack[ours].Time), f.stack[ours].Allocs)
	list := []goal{
		{figure: "time, small", value: ratio(small[ours].Time, small[lambda].Time), goal: 0.35, stretch: 0.30, why: signed},
		{figure: "time, large", value: ratio(large[ours].Time, large[lambda].Time), goal: 0.38, stretch: 0.33, why: "hashing and signing are the same for both"},
		{figure: "allocations, small", value: small[ours].Allocs / small[lambda].Allocs, goal: 0.24, stretch: 0.20, why: "the SDK's retry loop and middlewares make most of what is left: see the table of origins"},
		{figure: "allocations, large", value: large[ours].Allocs / large[lambda].Allocs, goal: 0.20, stretch: 0.17},
		{figure: "bytes, small", value: small[ours].Bytes / small[lambda].Bytes, goal: 0.42},
		{figure: "bytes, large", value: large[ours].Bytes / large[lambda].Bytes, goal: 0.42},
		{figure: "time to by hand, small", value: ratio(small[ours].Time, small[byHand].Time), goal: 1.35, stretch: 1.2, why: stack},
		{figure: "time to by hand, large", value: ratio(large[ours].Time, large[byHand].Time), goal: 1.25, stretch: 1.15, why: stack},
		{figure: "validation, share of a small call", value: share, goal: 0.05, stretch: 0.02, format: "%.3f"},
		{figure: "validation, share of a large call", value: shareLarge, goal: 0.05, stretch: 0.02, format: "%.3f", why: "it looks at each byte of 50 keys and counts the code points of 50 values"},
		{figure: "construction, time", value: ratio(f.construct[ours].Time, f.construct[lambda].Time), goal: 0.5},
		{figure: "construction, allocations", value: f.construct[ours].Allocs / f.construct[lambda].Allocs, goal: 0.5},
	}
	list = append(list, f.programGoals()...)
	list = append(list,
		goal{figure: "calls a second, 16 goroutines", value: f.load(bench.Ours, 16).PerSecond / f.load(bench.Lambda, 16).PerSecond, goal: 1.8, stretch: 2, atLeast: true,
			why: fmt.Sprintf("by hand it is %.2f: the service runs in the same process and takes its share of the cores", f.load(bench.ByHand, 16).PerSecond/f.load(bench.Lambda, 16).PerSecond)},
		goal{figure: "connections per 10,000 sequential calls", value: max(f.sequence(bench.Small).ConnectionsPer(10_000), f.sequence(bench.Large).ConnectionsPer(10_000)), goal: 2, stretch: 1, format: "%.1f"},
		goal{figure: "calls sent again after a 200", value: float64(f.sequence(bench.Small).Again + f.sequence(bench.Large).Again), goal: 0, format: "%.0f"},
		goal{figure: "connections of 64 goroutines", value: float64(f.load(bench.Ours, 64).Connections), goal: 100, stretch: 64, format: "%.0f"},
	)
	return list
}

func (f *figures) programGoals() []goal {
	if f.programs == nil {
		return nil
	}
	base, own, other := f.programs[0], f.program("ours"), f.program("lambda")
	return []goal{
		{figure: "process start to the end of the first call", value: ratio(own.start, other.start), goal: 0.72, stretch: 0.68,
			why: fmt.Sprintf("net/http alone is at %.2f, by hand at %.2f; the rest is code that is run, and read from its file, for the first time", ratio(base.start, other.start), ratio(f.program("byhand").start, other.start))},
		{figure: "binary above net/http alone, MB", value: float64(own.size-base.size) / 1e6, goal: 1.0, stretch: 0.8, why: owners(f.above)},
	}
}

const signPart = 4 // index of our signer in bench.Parts

func (f *figures) program(name string) program {
	for _, p := range f.programs {
		if p.name == name {
			return p
		}
	}
	return program{}
}

func (f *figures) load(client bench.Client, goroutines int) bench.Load {
	for _, row := range f.loads {
		if row.client.Name == client.Name && row.goroutines == goroutines {
			return row.Load
		}
	}
	return bench.Load{}
}

func (f *figures) sequence(size bench.Size) bench.Load {
	for _, row := range f.sequences {
		if row.client.Name == bench.Ours.Name && row.size == size {
			return row.Load
		}
	}
	return bench.Load{}
}

func (f *figures) writeGoals(line func(string, ...any)) {
	line("## Goals")
	line("")
	line("| figure | value | goal | stretch | |")
	line("|---|---:|---:|---:|---|")
	goalRows(f.goals(), line)
	line("")
}

func goalRows(goals []goal, line func(string, ...any)) {
	for _, g := range goals {
		format := g.format
		if format == "" {
			format = "%.2f"
		}
		sign := "≤ "
		if g.atLeast {
			sign = "≥ "
		}
		stretch := ""
		if g.stretch != 0 {
			stretch = sign + fmt.Sprint(g.stretch)
		}
		verdict := "missed: " + g.why
		switch {
		case g.stretch != 0 && g.reached(g.stretch):
			verdict = "stretch met"
		case g.reached(g.goal):
			verdict = "met"
		}
		line("| %s | "+format+" | %s%v | %s | %s |", g.figure, g.value, sign, g.goal, stretch, verdict)
	}
}

func (f *figures) writeParts(line func(string, ...any)) {
	line("## Parts of our call")
	line("")
	line("| | small µs | share | allocations | large µs | share | allocations |")
	line("|---|---:|---:|---:|---:|---:|---:|")
	for i, part := range bench.Parts {
		small, large := f.parts[bench.Small][i], f.parts[bench.Large][i]
		line("| %s | %.2f | %.0f %% | %.0f | %.2f | %.0f %% | %.0f |", part.Name,
			micros(small.Time), 100*ratio(small.Time, f.calls[bench.Small][ours].Time), small.Allocs,
			micros(large.Time), 100*ratio(large.Time, f.calls[bench.Large][ours].Time), large.Allocs)
	}
	line("")
	line("Where the allocations of a small call come from (`compare -only origins`; by file where they are ours):")
	line("")
	line("| | allocations | bytes |")
	line("|---|---:|---:|")
	line("%s", strings.TrimSpace(f.origins))
	line("")
	small, large := bench.Small, bench.Large
	line("With the SDK's signer (`Options.HTTPSignerV4 = v4.NewSigner()`) our small call takes %.1f µs and %.0f allocations, the large one %.1f µs.",
		micros(f.sdkSigner[small].Time), f.sdkSigner[small].Allocs, micros(f.sdkSigner[large].Time))
	line("")
	line("| | %s µs | allocations | %s µs | allocations | %s µs | allocations |", official[ours].Name, official[lambda].Name, official[scheduler].Name)
	line("|---|---:|---:|---:|---:|---:|---:|")
	for _, row := range []struct {
		name  string
		costs []bench.Cost
	}{
		{"stack: a GET without signature, validation and response", f.stack},
		{"a call whose first response is a 503, retried at once", f.retried},
		{"a call that ends in a 400", f.failed},
		{"construction, with an HTTP client", f.construct},
	} {
		cells := ""
		for _, c := range row.costs {
			cells += fmt.Sprintf(" %.2f | %.0f |", micros(c.Time), c.Allocs)
		}
		line("| %s |%s", row.name, cells)
	}
	line("")
	line("Construction leaves the defaults and stacks to the first call, unless option functions have to see the defaults.")
	line("")
	line("| | µs | allocations | bytes |")
	line("|---|---:|---:|---:|")
	for _, row := range []struct {
		name string
		cost bench.Cost
	}{
		{"GetMicroVMImage", f.plain},
		{"the same by a waiter", f.poll},
		{"ListMicroVMImages, 10 items", f.listed},
		{"the same by a paginator", f.page},
	} {
		line("| %s | %.1f | %.0f | %.0f |", row.name, micros(row.cost.Time), row.cost.Allocs, row.cost.Bytes)
	}
	for i, n := range pageSizes {
		c := f.pages[i]
		line("| decode a page of %d: %.2f µs an item | %.1f | %.0f | %.0f |", n, micros(c.Time)/float64(n), micros(c.Time), c.Allocs, c.Bytes)
	}
	line("")
}

func (f *figures) writeLoads(line func(string, ...any)) {
	line("## Loopback HTTP")
	line("")
	line("Each client with its own default HTTP client, small calls, against a net/http server in the same process, which shares its %d cores. They take turns in slices of 0.2 s; calls a second are the median of the slices.", runtime.NumCPU())
	line("")
	line("| goroutines | | calls a second | ratio | p50 µs | p99 µs | connections | sent again after a 200 |")
	line("|---:|---|---:|---:|---:|---:|---:|---:|")
	for _, row := range f.loads {
		line("| %d | %s | %.0f | %.2f | %.0f | %.0f | %d | %d |", row.goroutines, row.client.Name, row.PerSecond,
			row.PerSecond/f.load(bench.Lambda, row.goroutines).PerSecond, micros(row.P50), micros(row.P99), row.Connections, row.Again)
	}
	line("")
	line("One call after the other, up to %d or for %s:", sequence, longSequence)
	line("")
	line("| | | calls | calls a second | connections per 10,000 | sent again after a 200 |")
	line("|---|---|---:|---:|---:|---:|")
	for _, row := range f.sequences {
		line("| %s | %s | %d | %.0f | %.1f | %d |", row.size, row.client.Name, row.Calls, row.PerSecond, row.ConnectionsPer(10_000), row.Again)
	}
	line("")
}

func (f *figures) writePrograms(line func(string, ...any)) {
	if f.programs == nil {
		return
	}
	line("## Programs that make one call")
	line("")
	line("bench/programs, built with `CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'`. Start: from exec to the end of the process, whose one call goes over loopback HTTP; "+
		"median of %d, taking turns. Build: with the standard library already built; the fastest of %d.", starts, builds)
	line("")
	line("| | MB | above net/http | start ms | build s | packages | modules |")
	line("|---|---:|---:|---:|---:|---:|---:|")
	for _, p := range f.programs {
		line("| %s | %.2f | %.2f | %.2f | %.2f | %d | %d |", p.name, float64(p.size)/1e6, float64(p.size-f.programs[0].size)/1e6,
			micros(p.start)/1e3, p.build.Seconds(), p.packages, p.modules)
	}
	line("")
	writeAbove(f.above, line)
}

// minShare is the size from which a package has its own line.
const minShare = 5e3

// writeAbove lists the bytes that our program has above net/http.
func writeAbove(shares []bench.Share, line func(string, ...any)) {
	line("What `%s` has above net/http, by the sizes of its symbols (`go tool nm -size`). A package has generic code that it defines, and functions of net/http that only our program uses count, too. "+
		"Tables are those that the linker makes of all packages: functions for stack traces and the collector, descriptions of types, texts.", programNames[ownProgram])
	line("")
	line("| | kB |")
	line("|---|---:|")
	var rest, count int64
	for _, s := range shares {
		switch {
		case ownerOf(s.Name) == linker:
		case s.Bytes >= minShare:
			line("| `%s` | %.1f |", s.Name, float64(s.Bytes)/1e3)
		default:
			rest += s.Bytes
			count++
		}
	}
	line("| %d other packages | %.1f |", count, float64(rest)/1e3)
	for _, s := range shares {
		if ownerOf(s.Name) == linker {
			line("| %s | %.1f |", s.Name, float64(s.Bytes)/1e3)
		}
	}
	line("")
}

// An owner is where the code of a share comes from.
type owner int

const (
	us owner = iota
	sdk
	library
	linker
	ownerCount
)

func ownerOf(name string) owner {
	switch {
	case name == bench.FunctionTables, name == bench.OtherTables:
		return linker
	case strings.HasPrefix(name, "github.com/aws/"):
		return sdk
	case strings.Contains(name, "/lambdamicrovms"):
		return us
	default:
		return library
	}
}

// owners returns a sentence with the owners' percentages of the bytes.
func owners(shares []bench.Share) string {
	var sums [ownerCount]int64
	var all int64
	for _, s := range shares {
		sums[ownerOf(s.Name)] += s.Bytes
		all += s.Bytes
	}
	percent := func(o owner) float64 { return 100 * float64(sums[o]) / float64(all) }
	return fmt.Sprintf("of these bytes %.0f %% are ours, %.0f %% the SDK's, %.0f %% what both need of the standard library, and %.0f %% tables that the linker makes of all of them; the packages are listed below",
		percent(us), percent(sdk), percent(library), percent(linker))
}
