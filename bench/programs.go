package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Builder builds the programs that make one call.
type Builder struct {
	Dir   string // of the module bench
	Bin   string // for the programs
	Cache string // of go build; "" for the usual one
}

// Go runs the go command and returns what it prints.
func (b Builder) Go(args ...string) (string, error) {
	command := exec.Command("go", args...)
	command.Dir = b.Dir
	command.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if b.Cache != "" {
		command.Env = append(command.Env, "GOCACHE="+b.Cache)
	}
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// Build builds a directory of bench/programs without symbols, as users ship programs, and
// returns the size of the program.
func (b Builder) Build(name string) (int64, error) {
	path := filepath.Join(b.Bin, name)
	if _, err := b.Go("build", "-trimpath", "-ldflags=-s -w", "-o", path, "./programs/"+name); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Symbols builds a program with its symbols and returns them.
func (b Builder) Symbols(name string) ([]Symbol, error) {
	path := filepath.Join(b.Bin, name+".symbols")
	if _, err := b.Go("build", "-trimpath", "-ldflags=-w", "-o", path, "./programs/"+name); err != nil {
		return nil, err
	}
	out, err := b.Go("tool", "nm", "-size", path)
	return ParseSymbols(out), err
}

// Packages returns the packages outside of the standard library that a program links, and
// their modules.
func (b Builder) Packages(name string) (packages, modules []string, err error) {
	out, err := b.Go("list", "-deps", "-f", "{{if not .Standard}}{{.Module.Path}} {{.ImportPath}}{{end}}", "./programs/"+name)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(out) {
		module, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == "" || strings.Contains(path, "/bench/") {
			continue // the program itself
		}
		packages = append(packages, path)
		if !slices.Contains(modules, module) {
			modules = append(modules, module)
		}
	}
	slices.Sort(packages)
	return packages, modules, nil
}
