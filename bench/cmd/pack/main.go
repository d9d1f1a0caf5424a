//go:build unix

// Command pack compares images.Zip with programs that pack directories, prints a table,
// and writes it to a section of RESULTS.md. It needs zip, tar, gzip and 7z (the packages
// zip and p7zip-full):
//
//	go run ./bench/cmd/pack
//
// With -memory it measures instead, and writes to another section, how the memory of
// images.Zip grows with the number of files. This needs no other program.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/bench"
	"github.com/microvm-go/lambdamicrovms/images"
)

func main() {
	rounds := flag.Int("rounds", 5, "runs that a figure is the median of")
	only := flag.String("only", "", "used by the program itself: tree, many, zip, hash or sequential, with a directory and a file or number")
	grows := flag.Bool("memory", false, "measure memory by the number of files")
	bench.Main(func() (*bench.Report, error) {
		if *only != "" {
			return nil, pack(*only, flag.Arg(0), flag.Arg(1))
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		temp, err := os.MkdirTemp("", "pack-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(temp) //nolint:errcheck // the system cleans up
		if *grows {
			body, err := memory(self, temp)
			return &bench.Report{Title: bench.MemoryTitle, Body: body}, err
		}
		body, err := compare(self, temp, *rounds)
		return &bench.Report{Title: bench.PackTitle, Body: body}, err
	})
}

// pack does what is measured, in a process of its own, or writes a directory for it.
func pack(how, dir, file string) error {
	ctx := context.Background()
	switch how {
	case "tree":
		files, size, err := plant(dir)
		fmt.Println(files, size)
		return err
	case "many":
		n, err := strconv.Atoi(file)
		if err != nil {
			return err
		}
		return plantMany(dir, n)
	case "hash":
		_, err := images.HashDir(ctx, dir)
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if how == "sequential" {
		err = sequential(out, dir)
	} else {
		_, err = images.Zip(ctx, out, dir)
	}
	if err != nil {
		return err
	}
	return out.Close()
}

// contender is one of the programs that are compared.
type contender struct {
	name    string
	command []string // DIR and OUT stand for the directory and the file
	env     string
	runs    []bench.Process
	size    int64
}

// compare lets the programs pack the same tree in turns. self is this program, and temp
// is for the tree and the archives.
func compare(self, temp string, rounds int) (string, error) {
	dir := filepath.Join(temp, "tree")
	log.Print("tree")
	// In a process of its own, because the memory of this one would count as that of the
	// programs that it starts.
	plant := exec.Command(self, "-only", "tree", dir)
	plant.Stderr = os.Stderr
	planted, err := plant.Output()
	if err != nil {
		return "", err
	}
	var files int
	var size int64
	if _, err := fmt.Sscan(string(planted), &files, &size); err != nil {
		return "", err
	}
	all := []*contender{
		{name: "`zip -r`", command: []string{"zip", "-qr", "OUT", "."}},
		{name: "`images.Zip`", command: []string{self, "-only", "zip", "DIR", "OUT"}},
		{name: "`images.Zip`, one core", command: []string{self, "-only", "zip", "DIR", "OUT"}, env: "GOMAXPROCS=1"},
		{name: "`images.HashDir`", command: []string{self, "-only", "hash", "DIR"}},
		{name: "archive/zip and SHA-256, one file after the other", command: []string{self, "-only", "sequential", "DIR", "OUT"}},
		{name: "`tar \\| gzip`", command: []string{"sh", "-c", "tar -cf - . | gzip >OUT"}},
		{name: "`7z a -tzip`", command: []string{"7z", "a", "-tzip", "-bd", "OUT", "."}},
	}
	for i := range rounds + 1 { // the first is to fill the page cache
		for _, c := range all {
			log.Printf("round %d: %s", i, c.name)
			if err := c.measure(dir, filepath.Join(temp, "out.zip"), i > 0); err != nil {
				return "", fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return report(all, files, size), nil
}

func (c *contender) measure(dir, out string, counts bool) error {
	if err := os.RemoveAll(out); err != nil { // zip and 7z would add to it
		return err
	}
	args := slices.Clone(c.command)
	for i := range args {
		args[i] = strings.ReplaceAll(strings.ReplaceAll(args[i], "DIR", dir), "OUT", out)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), c.env)
	took, err := bench.RunProcess(cmd)
	if err != nil {
		return err
	}
	if counts {
		c.runs = append(c.runs, took)
	}
	if info, err := os.Stat(out); err == nil {
		c.size = info.Size()
	}
	return nil
}

// memory measures the peak memory of images.Zip and images.HashDir by the number of
// files. self and temp are those of compare.
func memory(self, temp string) (string, error) {
	var b strings.Builder
	b.WriteString("Peak memory of a process in MiB, by the number of files and GOMAXPROCS: files of up to 30 kB with paths of 100 bytes, as below " +
		"node_modules. The maximum of 3 runs. The program itself takes about 10. Written by `go run ./bench/cmd/pack -memory`.\n\n")
	b.WriteString("| files | `images.Zip`, 2 | `images.Zip`, 16 | `images.HashDir`, 2 | `images.HashDir`, 16 |\n|---:|---:|---:|---:|---:|\n")
	for _, n := range []int{10, 1000, 10_000, 30_000, 100_000} {
		dir := filepath.Join(temp, strconv.Itoa(n))
		if err := exec.Command(self, "-only", "many", dir, strconv.Itoa(n)).Run(); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %d |", n)
		for _, how := range []string{"zip", "hash"} {
			for _, processors := range []string{"2", "16"} {
				c := &contender{command: []string{self, "-only", how, "DIR", "OUT"}, env: "GOMAXPROCS=" + processors}
				for range 3 {
					log.Printf("%d files: %s, %s processors", n, how, processors)
					if err := c.measure(dir, filepath.Join(temp, "out.zip"), true); err != nil {
						return "", err
					}
				}
				peak := 0.0
				for _, r := range c.runs {
					peak = max(peak, r.PeakMiB())
				}
				fmt.Fprintf(&b, " %.0f |", peak)
			}
		}
		b.WriteString("\n")
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func report(all []*contender, files int, size int64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "A tree of %d files and %.0f MB: Go source, programs of the Go distribution, and noise in every fourth of 40 "+
		"large files, which stands for what is compressed already. %d cores; whole processes, which take turns; medians of %d runs; the tree is in the page "+
		"cache. Ratios are to `zip -r`, run by run. Written by `go run ./bench/cmd/pack`.\n\n",
		files, float64(size)/1e6, runtime.NumCPU(), len(all[0].runs))
	b.WriteString("| | s | ratio | CPU s | ratio | peak MiB | archive MB |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, c := range all {
		median := func(value func(run, base bench.Process) float64) float64 {
			return bench.MedianOf(len(c.runs), func(i int) float64 { return value(c.runs[i], all[0].runs[i]) })
		}
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.2f | %.2f | %.0f |", c.name,
			median(func(run, _ bench.Process) float64 { return run.Wall.Seconds() }),
			median(func(run, base bench.Process) float64 { return run.Wall.Seconds() / base.Wall.Seconds() }),
			median(func(run, _ bench.Process) float64 { return run.CPU.Seconds() }),
			median(func(run, base bench.Process) float64 { return run.CPU.Seconds() / base.CPU.Seconds() }),
			median(func(run, _ bench.Process) float64 { return run.PeakMiB() }))
		if c.size > 0 {
			fmt.Fprintf(&b, " %.1f", float64(c.size)/1e6)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}
