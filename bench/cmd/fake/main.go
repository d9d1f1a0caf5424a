//go:build unix

// Command fake measures package fake: what a user's tests spend in it. It prints a table,
// and writes it to RESULTS.md:
//
//	go run ./bench/cmd/fake
//
// The costs of a call are CPU time of the process, which other programs affect little.
package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/bench"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

func main() {
	rounds := flag.Int("rounds", 31, "slices that a figure is the median of")
	listed := flag.Int("images", 10_000, "images that are listed")
	bench.Main(func() (*bench.Report, error) {
		body, err := report(*rounds, *listed)
		return &bench.Report{Title: bench.FakeTitle, Body: body}, err
	})
}

// deployTwice makes a server, deploys a new image, and deploys it again with another
// archive. Deploy does not wait in real time: each wait advances the server's clock.
func deployTwice() error {
	client := lambdamicrovms.New(fake.NewServer().Options())
	deployment := images.Deployment{Image: *bench.CreateInput("shop")}
	for _, archive := range []string{"s3://bucket/one.zip", "s3://bucket/two.zip"} {
		deployment.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: archive}
		if _, err := images.Deploy(context.Background(), client, deployment); err != nil {
			return err
		}
	}
	return nil
}

// numbers of goroutines that share a client.
var numbers = []int{1, 16, 256}

const callsOfAll = 4096

// rates returns the calls a second by number of goroutines, on one core and on all:
// medians of slices that take turns.
func rates(call bench.Call, rounds int) (one, all []float64, err error) {
	cores := []int{1, runtime.GOMAXPROCS(0)}
	defer runtime.GOMAXPROCS(cores[1])
	slices := make([][2][]float64, len(numbers))
	for range rounds {
		for i, goroutines := range numbers {
			for j, n := range cores {
				runtime.GOMAXPROCS(n)
				start := time.Now()
				if err := bench.Concurrently(call, callsOfAll, goroutines); err != nil {
					return nil, nil, err
				}
				slices[i][j] = append(slices[i][j], callsOfAll/time.Since(start).Seconds())
			}
		}
	}
	for _, s := range slices {
		one, all = append(one, bench.Median(s[0])), append(all, bench.Median(s[1]))
	}
	return one, all, nil
}

func report(rounds, listed int) (string, error) {
	few, err := bench.WithImages(fake.NewServer(), 1)
	if err != nil {
		return "", err
	}
	many, err := bench.WithImages(fake.NewServer(), listed)
	if err != nil {
		return "", err
	}
	get := bench.GetImage(few)
	costs, err := bench.CompareCPU([]bench.Call{get, bench.Plain(), deployTwice}, rounds)
	if err != nil {
		return "", err
	}
	lists, err := bench.CompareCPU([]bench.Call{bench.ListImages(many, listed)}, rounds)
	if err != nil {
		return "", err
	}
	one, all, err := rates(get, rounds)
	if err != nil {
		return "", err
	}
	oneStub, allStub, err := rates(bench.Plain(), rounds)
	if err != nil {
		return "", err
	}

	var b strings.Builder
	fmt.Fprintf(&b, "The client of package fake in the process of the server, as tests use it, with validation and signatures. %d cores; CPU time, and for calls a second real time; medians of slices that take turns. "+
		"Two deploys are a new server, a new image, and another archive for it: `images.Deploy` waits for both builds. Written by `go run ./bench/cmd/fake`.\n\n", runtime.NumCPU())
	b.WriteString("| | µs | allocations | bytes |\n|---|---:|---:|---:|\n")
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	row := func(name string, c bench.Cost) {
		fmt.Fprintf(&b, "| %s | %.1f | %.0f | %.0f |\n", name, micros(c.Time), c.Allocs, c.Bytes)
	}
	row("GetMicroVMImage", costs[0])
	row("of which the client: the same to a stub", costs[1])
	row("of which the server", bench.Cost{Time: costs[0].Time - costs[1].Time, Allocs: costs[0].Allocs - costs[1].Allocs, Bytes: costs[0].Bytes - costs[1].Bytes})
	row("two deploys", costs[2])
	row(fmt.Sprintf("a list of %d images, by the paginator", listed), lists[0])
	fmt.Fprintf(&b, "\nCalls a second on one core and on %d. The last column is the same ratio for calls to a stub, so without the server.\n\n", runtime.NumCPU())
	b.WriteString("| goroutines | one core | all cores | ratio | ratio of the client |\n|---:|---:|---:|---:|---:|\n")
	for i, goroutines := range numbers {
		fmt.Fprintf(&b, "| %d | %.0f | %.0f | %.2f | %.2f |\n", goroutines, one[i], all[i], all[i]/one[i], allStub[i]/oneStub[i])
	}
	return b.String(), nil
}
