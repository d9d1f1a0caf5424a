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
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

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

func createInput(name string) lambdamicrovms.CreateMicroVMImageInput {
	return lambdamicrovms.CreateMicroVMImageInput{
		Name:         &name,
		BaseImageArn: aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn: aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact: &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
	}
}

// imagesOf returns a client of a fake with n built images, and the ARN of the first.
func imagesOf(n int) (client *lambdamicrovms.Client, arn string, err error) {
	srv := fake.NewServer()
	client = lambdamicrovms.New(srv.Options())
	for i := range n {
		in := createInput(fmt.Sprintf("shop-%d", i))
		out, err := client.CreateMicroVMImage(context.Background(), &in)
		if err != nil {
			return nil, "", err
		}
		if i == 0 {
			arn = *out.ImageArn
		}
		srv.Advance(time.Hour) // the build ends
	}
	return client, arn, nil
}

func get(client *lambdamicrovms.Client, arn string) bench.Call {
	in := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: &arn}
	return func() error { _, err := client.GetMicroVMImage(context.Background(), in); return err }
}

// deployTwice makes a server, deploys a new image, and deploys it again with another
// archive. Waiting takes no time, because it moves the clock of the server.
func deployTwice() error {
	client := lambdamicrovms.New(fake.NewServer().Options())
	deployment := images.Deployment{Image: createInput("shop")}
	for _, archive := range []string{"s3://bucket/one.zip", "s3://bucket/two.zip"} {
		deployment.Image.CodeArtifact = &types.CodeArtifactMemberUri{Value: archive}
		if _, err := images.Deploy(context.Background(), client, deployment); err != nil {
			return err
		}
	}
	return nil
}

// listAll lists n images by the paginator.
func listAll(n int) (bench.Call, error) {
	client, _, err := imagesOf(n)
	return func() error {
		seen := 0
		for _, err := range lambdamicrovms.NewListMicroVMImagesPaginator(client, nil).Items(context.Background()) {
			if err != nil {
				return err
			}
			seen++
		}
		if seen != n {
			return fmt.Errorf("%d of %d images are listed", seen, n)
		}
		return nil
	}, err
}

// numbers of goroutines that share a client.
var numbers = []int{1, 16, 256}

const callsOfAll = 4096

// together makes calls with a number of goroutines.
func together(call bench.Call, goroutines int) error {
	var all sync.WaitGroup
	errs := make(chan error, goroutines)
	for range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			for range callsOfAll / goroutines {
				if err := call(); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	all.Wait()
	close(errs)
	return <-errs
}

// rates returns the calls a second by number of goroutines: medians of slices that take
// turns.
func rates(call bench.Call, rounds int) ([]float64, error) {
	all := make([][]float64, len(numbers))
	for range rounds {
		for i, goroutines := range numbers {
			start := time.Now()
			if err := together(call, goroutines); err != nil {
				return nil, err
			}
			all[i] = append(all[i], callsOfAll/time.Since(start).Seconds())
		}
	}
	medians := make([]float64, len(numbers))
	for i := range all {
		medians[i] = bench.Median(all[i])
	}
	return medians, nil
}

// cpu returns the CPU time of the process.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for another first argument
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

const slice = 20 * time.Millisecond // of CPU time, that a call is repeated in one go

// measure returns the CPU times of calls: medians of slices that take turns. Allocations
// are those that bench.Compare counts.
func measure(calls []bench.Call, rounds int) ([]bench.Cost, error) {
	costs, err := bench.Compare(calls, 1)
	if err != nil {
		return nil, err
	}
	times := make([][]time.Duration, len(calls))
	for range rounds {
		for i, call := range calls {
			start, n := cpu(), max(1, int(slice/costs[i].Time))
			for range n {
				if err := call(); err != nil {
					return nil, err
				}
			}
			times[i] = append(times[i], (cpu()-start)/time.Duration(n))
		}
	}
	for i := range times {
		costs[i].Time = bench.Median(times[i])
	}
	return costs, nil
}

func report(rounds, listed int) (string, error) {
	client, arn, err := imagesOf(1)
	if err != nil {
		return "", err
	}
	list, err := listAll(listed)
	if err != nil {
		return "", err
	}
	costs, err := measure([]bench.Call{get(client, arn), bench.Plain(), deployTwice}, rounds)
	if err != nil {
		return "", err
	}
	lists, err := measure([]bench.Call{list}, rounds)
	if err != nil {
		return "", err
	}
	medians, err := rates(get(client, arn), rounds)
	if err != nil {
		return "", err
	}

	var b strings.Builder
	fmt.Fprintf(&b, "The client of package fake in the process of the server, as tests use it, with validation and signatures. %d cores; CPU time, and for calls a second real time; medians of slices that take turns. "+
		"Two deploys are a new server, a new image, and another archive for it: %s. Written by `go run ./bench/cmd/fake`.\n\n", runtime.NumCPU(), "`images.Deploy` waits for both builds")
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
	b.WriteString("\n| goroutines | calls a second | to one goroutine |\n|---:|---:|---:|\n")
	for i, goroutines := range numbers {
		fmt.Fprintf(&b, "| %d | %.0f | %.2f |\n", goroutines, medians[i], medians[i]/medians[0])
	}
	return b.String(), nil
}
