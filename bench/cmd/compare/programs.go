package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	starts = 101
	builds = 3
)

func measurePrograms(dir string) ([]program, error) {
	bin, err := os.MkdirTemp("", "compare")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	goCommand := func(cache string, args ...string) ([]byte, error) {
		command := exec.Command("go", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		if cache != "" {
			command.Env = append(command.Env, "GOCACHE="+cache)
		}
		command.Stderr = os.Stderr
		return command.Output()
	}
	build := func(cache, name string) error {
		_, err := goCommand(cache, "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(bin, name), "./programs/"+name)
		return err
	}

	standard := filepath.Join(bin, "cache")
	list := make([]program, len(programNames))
	for i, name := range programNames {
		p := &list[i]
		p.name = name
		if err := build("", name); err != nil {
			return nil, err
		}
		info, err := os.Stat(filepath.Join(bin, name))
		if err != nil {
			return nil, err
		}
		p.size = info.Size()
		deps, err := goCommand("", "list", "-deps", "-f", "{{if not .Standard}}{{.Module.Path}} {{.ImportPath}}{{end}}", "./programs/"+name)
		if err != nil {
			return nil, err
		}
		var modules []string
		for line := range strings.Lines(string(deps)) {
			module, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.Contains(path, "/bench/") {
				continue // the program itself
			}
			p.packages++
			if !slices.Contains(modules, module) {
				modules = append(modules, module)
			}
		}
		p.modules = len(modules)
	}
	// The standard library, and what else any of them needs of it.
	if _, err := goCommand(standard, "build", "-trimpath", "std"); err != nil {
		return nil, err
	}
	if err := build(standard, programNames[0]); err != nil {
		return nil, err
	}
	for i, name := range programNames {
		for n := range builds {
			cache := filepath.Join(bin, fmt.Sprint("cache", n))
			if err := os.CopyFS(cache, os.DirFS(standard)); err != nil {
				return nil, err
			}
			start := time.Now()
			if err := build(cache, name); err != nil {
				return nil, err
			}
			if took := time.Since(start); n == 0 || took < list[i].build {
				list[i].build = took
			}
			if err := os.RemoveAll(cache); err != nil {
				return nil, err
			}
		}
	}
	return list, measureStarts(bin, list)
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
		slices.Sort(times[i])
		list[i].start = times[i][starts/2]
	}
	return nil
}
