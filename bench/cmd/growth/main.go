//go:build unix

// Command growth measures how the costs of calls, the fake and packing grow with the size
// of their input. It prints a table, and writes it and a plot to RESULTS.md:
//
//	go run ./bench/cmd/growth
//
// Costs are CPU time of the process in user mode, which other programs affect little.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/bench"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
	"github.com/microvm-go/lambdamicrovms/types"
)

const (
	// steep is the slope above which growth is worse than linear. The margin over 1 is for
	// errors of measurement.
	steep = 1.15
	// steeper is the same for times whose allocations, which are exact, grow linearly: work
	// that does not fit into the caches of the processor takes longer.
	steeper = 1.4
)

// atEnd is the slope over the largest two sizes.
func atEnd(l bench.Line) float64 {
	return bench.Line{Points: l.Points[len(l.Points)-2:]}.Slope()
}

func main() {
	most := flag.Float64("most", 1, "share of the largest sizes that is measured")
	bench.Main(func() (*bench.Report, error) {
		body, plot, err := report(*most)
		return &bench.Report{Title: bench.GrowthTitle, Body: body, Plot: plot, PlotName: "growth.svg"}, err
	})
}

// A cost is measured at several sizes.
type cost struct {
	name  string
	sizes []int
	// prepare returns the work to measure at a size.
	prepare func(size int) (work func() error, err error)
	unit    string
	scale   float64 // units in a second
}

// A group is the costs of one plot.
type group struct {
	title, size string
	costs       []cost
}

var groups = []group{
	{"Environment variables", "variables of 200 bytes, sent and echoed", []cost{
		{name: "UpdateMicroVMImage", sizes: []int{1, 2, 5, 10, 20, 50}, prepare: variables, unit: "µs a call", scale: 1e6},
	}},
	{"Items of a page", "items", []cost{
		{name: "ListMicroVMImages", sizes: []int{1, 2, 5, 10, 20, 50}, prepare: page, unit: "µs a call", scale: 1e6},
	}},
	{"Images", "images in the fake", []cost{
		{name: "list all, by the paginator", sizes: []int{1, 10, 100, 1000, 10_000}, prepare: withImages(bench.ListImages), unit: "µs", scale: 1e6},
		{name: "get one", sizes: []int{1, 10, 100, 1000, 10_000}, prepare: withImages(getImage), unit: "µs a call", scale: 1e6},
	}},
	{"Files", "files of 300 bytes", []cost{
		{name: "images.Zip", sizes: []int{10, 100, 1000, 10_000, 100_000}, prepare: pack(zip), unit: "ms", scale: 1e3},
		{name: "images.HashDir", sizes: []int{10, 100, 1000, 10_000, 100_000}, prepare: pack(hash), unit: "ms", scale: 1e3},
	}},
	{"Goroutines", "goroutines that call the fake through one client", []cost{
		{name: "get an image", sizes: []int{1, 4, 16, 64, 256}, prepare: goroutines, unit: "µs for 4,096 calls, by call", scale: 1e6 / callsOfAll},
	}},
}

func client(http lambdamicrovms.HTTPClient) *lambdamicrovms.Client {
	return lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", HTTPClient: http,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""),
	})
}

func variables(n int) (func() error, error) {
	values := make(map[string]string, n)
	for i := range n {
		values[fmt.Sprintf("VARIABLE_%02d", i)] = strings.Repeat("value ", 33) + "ok"
	}
	echo, err := json.Marshal(map[string]any{"environmentVariables": values, "imageVersion": "2.0"})
	c := client(bench.NewStub(string(echo)))
	in := &lambdamicrovms.UpdateMicroVMImageInput{
		ImageIdentifier:      aws.String("shop"),
		BaseImageArn:         aws.String("arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1"),
		BuildRoleArn:         aws.String("arn:aws:iam::123456789012:role/build"),
		CodeArtifact:         &types.CodeArtifactMemberUri{Value: "s3://bucket/shop.zip"},
		EnvironmentVariables: values,
	}
	return func() error { _, err := c.UpdateMicroVMImage(context.Background(), in); return err }, err
}

func page(n int) (func() error, error) {
	c := client(bench.NewStub(bench.ImagePage(n)))
	return func() error { _, err := c.ListMicroVMImages(context.Background(), nil); return err }, nil
}

// withImages prepares a call of a client of a fake with n images.
func withImages(call func(client *lambdamicrovms.Client, n int) bench.Call) func(int) (func() error, error) {
	return func(n int) (func() error, error) {
		client, err := bench.WithImages(fake.NewServer(fake.WithCallLog(100)), n)
		if err != nil {
			return nil, err
		}
		return call(client, n), nil
	}
}

func getImage(client *lambdamicrovms.Client, _ int) bench.Call { return bench.GetImage(client) }

const callsOfAll = 4096

// goroutines makes the same number of calls with any number of goroutines.
func goroutines(n int) (func() error, error) {
	get, err := withImages(getImage)(1)
	return func() error { return bench.Concurrently(get, callsOfAll, n) }, err
}

// unlimited allows for the directories beside 100,000 files.
func unlimited(o *images.ZipOptions) { o.MaxFiles = 1_000_000 }

func zip(dir string) error {
	_, err := images.Zip(context.Background(), io.Discard, dir, unlimited)
	return err
}

func hash(dir string) error {
	_, err := images.HashDir(context.Background(), dir, unlimited)
	return err
}

// pack works on a directory of n files.
func pack(how func(dir string) error) func(int) (func() error, error) {
	return func(n int) (func() error, error) {
		dir := filepath.Join(os.TempDir(), fmt.Sprintf("growth-%d-%d", os.Getpid(), n))
		_, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) { // otherwise another cost has planted it
			err = plant(dir, n)
		}
		return func() error { return how(dir) }, err
	}
}

// plant writes n files, one of them the Dockerfile, in directories of 500.
func plant(dir string, n int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	planted = append(planted, dir)
	const perDirectory = 500
	for i := range n - 1 {
		in := filepath.Join(dir, fmt.Sprintf("part%d", i/perDirectory))
		if i%perDirectory == 0 {
			if err := os.Mkdir(in, 0o755); err != nil {
				return err
			}
		}
		content := fmt.Sprintf("package part%d\n", i) + strings.Repeat(fmt.Sprintf("// line %d of a comment\n", i), 12)
		if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("file%d.go", i)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o644)
}

// planted are the directories to remove.
var planted []string

func uproot() {
	for _, dir := range planted {
		_ = os.RemoveAll(dir)
	}
	planted = nil
}

// cpu returns the time that the process has spent in user mode.
func cpu() time.Duration {
	user, _ := bench.CPUTime()
	return user
}

// mallocs returns how many objects the process has allocated.
func mallocs() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.Mallocs)
}

// measure returns the allocations and the CPU time of the work. It takes the least of a
// few slices. Each slice repeats the work until it takes long enough for the system's
// clock.
func (c *cost) measure(size int) (allocations, value float64, err error) {
	work, err := c.prepare(size)
	if err != nil {
		return 0, 0, err
	}
	if err := work(); err != nil { // warm up
		return 0, 0, err
	}
	runtime.GC()
	allocations = mallocs()
	if err := work(); err != nil {
		return 0, 0, err
	}
	allocations = mallocs() - allocations
	const slices, slice, enough = 5, 100 * time.Millisecond, time.Second
	least := time.Duration(0)
	for begun, i := cpu(), 0; i < slices && cpu()-begun < enough; i++ {
		start, n := cpu(), 0
		for ; cpu()-start < slice; n++ {
			if err := work(); err != nil {
				return 0, 0, err
			}
		}
		if each := (cpu() - start) / time.Duration(n); least == 0 || each < least {
			least = each
		}
	}
	return allocations, least.Seconds() * c.scale, nil
}

// curves returns the times and the allocations by size: at least two sizes, and no more
// than a share of the largest one.
func (c *cost) curves(most float64) (times, allocations bench.Line, err error) {
	times.Name = c.name
	for _, size := range c.sizes {
		if len(times.Points) > 1 && float64(size) > most*float64(c.sizes[len(c.sizes)-1]) {
			break
		}
		allocated, value, err := c.measure(size)
		if err != nil {
			return times, allocations, fmt.Errorf("%s, %d: %w", c.name, size, err)
		}
		times.Points = append(times.Points, bench.Point{X: float64(size), Y: value})
		allocations.Points = append(allocations.Points, bench.Point{X: float64(size), Y: allocated})
	}
	return times, allocations, nil
}

// verdict judges the slopes of time and allocations at the largest sizes.
func verdict(timed, allocated float64) string {
	switch {
	case max(timed, allocated) <= steep:
		return "linear or better"
	case allocated <= steep && timed < steeper:
		return "linear work; time by caches of the processor"
	}
	return "**worse than linear**"
}

func report(most float64) (table, plot string, err error) {
	defer uproot()
	var b strings.Builder
	fmt.Fprintf(&b, "CPU time in user mode by size. The slope is the power of the size by which the cost grows, over all sizes and over the "+
		"largest two, there also of the allocations: 1 is linear, 0 is constant. Above %.2f growth is worse than linear. Written by `go run ./bench/cmd/growth`.\n\n", steep)
	b.WriteString("![costs by size, both axes logarithmic](growth.svg)\n\n")
	b.WriteString("| | unit | cost by size | slope | at the end | allocations at the end | |\n|---|---|---|---:|---:|---:|---|\n")
	var plots []bench.Plot
	for _, g := range groups {
		drawn := bench.Plot{Title: g.title, X: g.size, Y: g.costs[0].unit}
		for _, c := range g.costs {
			times, allocations, err := c.curves(most)
			if err != nil {
				return "", "", err
			}
			var cells []string
			for _, p := range times.Points {
				cells = append(cells, fmt.Sprintf("%.0f: %.3g", p.X, p.Y))
			}
			end, allocated := atEnd(times), atEnd(allocations)
			fmt.Fprintf(&b, "| %s: %s | %s | %s | %.2f | %.2f | %.2f | %s |\n", strings.ToLower(g.title), c.name, c.unit,
				strings.Join(cells, ", "), times.Slope(), end, allocated, verdict(end, allocated))
			drawn.Lines = append(drawn.Lines, times)
		}
		plots = append(plots, drawn)
	}
	return b.String(), bench.Plots(plots...), nil
}
