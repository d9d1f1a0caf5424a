package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/microvm-go/lambdamicrovms/bench"
)

// A program makes one call, and that is all.
type program struct {
	name              string
	size              int64
	start             time.Duration // from its start to its end
	build             time.Duration // with nothing but the standard library built before
	packages, modules int
}

// programNames are directories in bench/programs; the first needs the standard library
// only.
var programNames = []string{"nethttp", "byhand", "ours", "scheduler", "lambda"}

const (
	ownProgram = 2 // index into programNames

	starts = 101
	builds = 3
)

func measurePrograms(dir string) ([]program, []bench.Share, error) {
	bin, err := os.MkdirTemp("", "compare")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	builder := bench.Builder{Dir: dir, Bin: bin}
	list := make([]program, len(programNames))
	symbols := map[string][]bench.Symbol{}
	for i, name := range programNames {
		p := &list[i]
		p.name = name
		if p.size, err = builder.Build(name); err != nil {
			return nil, nil, err
		}
		packages, modules, err := builder.Packages(name)
		if err != nil {
			return nil, nil, err
		}
		p.packages, p.modules = len(packages), len(modules)
		if symbols[name], err = builder.Symbols(name); err != nil {
			return nil, nil, err
		}
	}
	base, own := list[0], list[ownProgram]
	shares := bench.Above(symbols[own.name], symbols[base.name], own.size-base.size)
	if err := measureBuilds(builder, list); err != nil {
		return nil, nil, err
	}
	return list, shares, measureStarts(bin, list)
}

// measureBuilds measures how long builds take with a cache that has only the standard
// library and the first program, which needs nothing else.
func measureBuilds(builder bench.Builder, list []program) error {
	standard := filepath.Join(builder.Bin, "cache")
	builder.Cache = standard
	if _, err := builder.Go("build", "-trimpath", "std"); err != nil {
		return err
	}
	if _, err := builder.Build(programNames[0]); err != nil {
		return err
	}
	for i, name := range programNames {
		for n := range builds {
			builder.Cache = filepath.Join(builder.Bin, fmt.Sprint("cache", n))
			if err := os.CopyFS(builder.Cache, os.DirFS(standard)); err != nil {
				return err
			}
			start := time.Now()
			if _, err := builder.Build(name); err != nil {
				return err
			}
			if took := time.Since(start); n == 0 || took < list[i].build {
				list[i].build = took
			}
			if err := os.RemoveAll(builder.Cache); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureStarts lets the programs take turns at calling a service.
func measureStarts(bin string, list []program) error {
	service, err := bench.NewService(bench.Small)
	if err != nil {
		return err
	}
	defer func() { _ = service.Close() }()
	times := make([][]time.Duration, len(list))
	for range starts {
		for i, p := range list {
			start := time.Now()
			if out, err := exec.Command(filepath.Join(bin, p.name), service.Endpoint).CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w: %s", p.name, err, out)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	for i := range list {
		list[i].start = bench.Median(times[i])
	}
	return nil
}
