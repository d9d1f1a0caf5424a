// Command compare measures the client beside official ones, prints the figures, and
// writes them to RESULTS.md and results.svg in the directory of the module bench:
//
//	go run ./bench/cmd/compare
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/microvm-go/lambdamicrovms/bench"
)

func main() {
	log.SetFlags(log.Ltime)
	dir := flag.String("dir", "", "directory of the module bench (default: found from the current one)")
	rounds := flag.Int("rounds", 31, "slices of 15 ms that a time is the median of")
	load := flag.Duration("load", 4*time.Second, "time of each client over loopback HTTP, for each number of goroutines")
	programs := flag.Bool("programs", true, "build and start programs, too")
	processes := flag.Int("processes", 5, "processes whose times a time of a call is the median of")
	only := flag.String("only", "", "print only the section on programs; or, used by the program itself, calls or origins")
	flag.Parse()

	var err error
	switch *only {
	case "calls":
		err = printCalls(*rounds)
	case "origins":
		err = printOrigins()
	case "programs":
		err = printPrograms(*dir)
	default:
		err = compare(*dir, *rounds, *processes, *load, *programs)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// benchDir returns dir, or the directory of the module bench if it is "".
func benchDir(dir string) string {
	if dir == "" {
		for _, dir = range []string{"bench", ".", "../.."} {
			if _, err := os.Stat(filepath.Join(dir, "programs", "nethttp")); err == nil {
				break
			}
		}
	}
	return dir
}

// printPrograms prints what RESULTS.md says of the programs.
func printPrograms(dir string) (err error) {
	var f figures
	if f.programs, f.above, err = measurePrograms(benchDir(dir)); err != nil {
		return err
	}
	line := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	goalRows(f.programGoals(), line)
	line("")
	f.writePrograms(line)
	return nil
}

func compare(dir string, rounds, processes int, load time.Duration, programs bool) error {
	dir = benchDir(dir)
	var f figures
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"calls", func() error { return f.measureCalls(rounds, processes) }},
		{"parts", func() error { return f.measureParts(rounds) }},
		{"origins of allocations", f.measureOrigins},
		{"programs", func() (err error) {
			if programs {
				f.programs, f.above, err = measurePrograms(dir)
			}
			return err
		}},
		{"loopback HTTP", func() error { return f.measureLoads(load) }},
	} {
		log.Print(step.name)
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	text, name := f.report(), filepath.Join(dir, "RESULTS.md")
	if old, err := os.ReadFile(name); err == nil {
		for _, title := range bench.OwnSections {
			if section := bench.Section(string(old), title); section != "" {
				text = bench.WithSection(text, title, section)
			}
		}
	}
	fmt.Print(text)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "results.svg"), []byte(f.plot()), 0o644)
}

// figures are all that is measured.
type figures struct {
	calls     callCosts
	spread    map[bench.Size][]float64  // ratio of our time to service/lambda's, by process
	sdkSigner map[bench.Size]bench.Cost // our call with it
	parts     map[bench.Size][]bench.Cost

	construct, stack, retried, failed []bench.Cost // by client
	poll, plain, page, listed         bench.Cost
	pages                             []bench.Cost // of pageSizes
	origins                           string
	programs                          []program
	above                             []bench.Share // of our program above the first
	loads                             []loadRow
	sequences                         []loadRow
}

var (
	official  = bench.Clients[:3] // those with a stack, ours first
	pageSizes = []int{1, 10, 50}
)

const (
	ours = iota // index into bench.Clients
	lambda
	scheduler
	byHand
)

// callCosts are the costs of a call by size and client. The last is our call with the
// SDK's signer.
type callCosts map[bench.Size][]bench.Cost

func printCalls(rounds int) error {
	all := callCosts{}
	for _, size := range bench.Sizes {
		var calls []bench.Call
		for _, client := range bench.Clients {
			calls = append(calls, client.Call(bench.Setup{HTTP: bench.NewStub(client.Response(size))}, size))
		}
		calls = append(calls, bench.Ours.Call(bench.Setup{HTTP: bench.NewStub(bench.Ours.Response(size)), Signer: v4.NewSigner()}, size))
		costs, err := bench.Compare(calls, rounds)
		if err != nil {
			return err
		}
		all[size] = costs
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// measureCalls measures in processes of their own, since where things happen to lie in
// memory makes a difference of some percent, which stays for as long as a process lives.
func (f *figures) measureCalls(rounds, processes int) error {
	runs := make([]callCosts, processes)
	for i := range runs {
		out, err := ownOutput("-only", "calls", "-rounds", strconv.Itoa(rounds))
		if err == nil {
			err = json.Unmarshal(out, &runs[i])
		}
		if err != nil {
			return err
		}
	}
	f.calls, f.sdkSigner, f.spread = runs[0], map[bench.Size]bench.Cost{}, map[bench.Size][]float64{}
	for size, costs := range f.calls {
		for _, run := range runs {
			f.spread[size] = append(f.spread[size], ratio(run[size][ours].Time, run[size][lambda].Time))
		}
		slices.Sort(f.spread[size])
		for i := range costs { // they are those of the first run
			costs[i].Time = bench.MedianOf(processes, func(run int) time.Duration { return runs[run][size][i].Time })
		}
		f.calls[size], f.sdkSigner[size] = costs[:len(bench.Clients)], costs[len(bench.Clients)]
	}
	return nil
}

// ownOutput runs this program anew and returns what it prints.
func ownOutput(args ...string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self, args...)
	command.Stderr = os.Stderr
	return command.Output()
}

func (f *figures) measureParts(rounds int) (err error) {
	f.parts = map[bench.Size][]bench.Cost{}
	for _, size := range bench.Sizes {
		var calls []bench.Call
		for _, part := range bench.Parts {
			calls = append(calls, part.Call(size))
		}
		if f.parts[size], err = bench.Compare(calls, rounds); err != nil {
			return err
		}
	}
	each := func(call func(bench.Client) bench.Call) []bench.Cost {
		var calls []bench.Call
		for _, client := range official {
			calls = append(calls, call(client))
		}
		costs, failed := bench.Compare(calls, rounds)
		err = cmp.Or(err, failed)
		return costs
	}
	f.construct = each(bench.Construct)
	f.stack = each(func(c bench.Client) bench.Call { return c.Least(bench.NewStub("{}")) })
	f.retried = each(bench.Retried)
	f.failed = each(bench.Failed)
	if err != nil {
		return err
	}
	calls := []bench.Call{bench.Waited(), bench.Plain(), bench.Paged(), bench.Listed()}
	for _, n := range pageSizes {
		calls = append(calls, bench.Page(n))
	}
	costs, err := bench.Compare(calls, rounds)
	if err != nil {
		return err
	}
	f.poll, f.plain, f.page, f.listed, f.pages = costs[0], costs[1], costs[2], costs[3], costs[4:]
	return nil
}

// loadRow is a run over loopback HTTP.
type loadRow struct {
	client     bench.Client
	size       bench.Size
	goroutines int
	bench.Load
}

const (
	sequence     = 10_000           // calls one after the other
	longSequence = 10 * time.Second // at which such a run is cut short
)

func (f *figures) measureLoads(each time.Duration) error {
	for _, goroutines := range []int{1, 16, 64} {
		loads, err := bench.DriveInTurns(bench.Clients, bench.Small, goroutines, each)
		if err != nil {
			return err
		}
		for i, load := range loads {
			f.loads = append(f.loads, loadRow{bench.Clients[i], bench.Small, goroutines, load})
		}
	}
	for _, size := range bench.Sizes {
		for _, client := range bench.Clients {
			load, err := bench.Drive(client, size, 1, sequence, longSequence)
			if err != nil {
				return err
			}
			f.sequences = append(f.sequences, loadRow{client, size, 1, load})
		}
	}
	return nil
}
