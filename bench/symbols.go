package bench

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Symbol is a line that `go tool nm -size` prints of a program.
type Symbol struct {
	Address, Size int64
	Kind          byte // as nm prints it
	Name          string
}

// ParseSymbols reads the output of `go tool nm -size`. It skips symbols without an
// address, which are defined elsewhere.
func ParseSymbols(nm string) []Symbol {
	var list []Symbol
	for line := range strings.Lines(nm) {
		address, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		size, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kind, name, named := strings.Cut(rest, " ")
		s := Symbol{Name: name}
		var errAddress, errSize error
		s.Address, errAddress = strconv.ParseInt(address, 16, 64)
		s.Size, errSize = strconv.ParseInt(size, 10, 64)
		if !named || len(kind) != 1 || errAddress != nil || errSize != nil {
			continue
		}
		s.Kind = kind[0]
		list = append(list, s)
	}
	return list
}

// InFile reports whether the symbol takes space in the file of the program. Variables
// that begin as zero do not.
func (s Symbol) InFile() bool { return strings.IndexByte("TtRrDd", s.Kind) >= 0 }

// Package returns the import path of the package whose source has the symbol, or "" for a
// table that the linker makes of all packages. Generic code belongs to the package that
// defines it.
func (s Symbol) Package() string {
	name := strings.TrimPrefix(s.Name, "type:.eq.")
	if strings.HasPrefix(name, "go:") || strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "$") {
		return ""
	}
	name, _, _ = strings.Cut(name, "[") // type arguments
	slash := strings.LastIndexByte(name, '/') + 1
	last, _, ok := strings.Cut(name[slash:], ".")
	if !ok {
		return ""
	}
	return name[:slash] + last
}

// A Share is a part of the bytes of a program.
type Share struct {
	Name  string
	Bytes int64
}

// Shares that are not of packages.
const (
	FunctionTables = "tables of functions"
	OtherTables    = "types, strings and other tables"
)

// Above returns where the bytes are that a program has above another: by package, largest
// first, then in tables that the linker makes of all packages. bytes is the difference of
// the files without symbols, which the shares add up to.
func Above(program, base []Symbol, bytes int64) []Share {
	sizes := map[string]int64{}
	count := func(symbols []Symbol, sign int64) {
		for _, s := range symbols {
			switch pkg := s.Package(); {
			case s.Name == "runtime.pclntab": // the tables are from here to epclntab
				sizes[FunctionTables] -= sign * s.Address
			case s.Name == "runtime.epclntab":
				sizes[FunctionTables] += sign * s.Address
			case s.InFile() && pkg != "":
				sizes[pkg] += sign * s.Size
			}
		}
	}
	count(program, 1)
	count(base, -1)
	tables := []Share{{FunctionTables, sizes[FunctionTables]}, {OtherTables, bytes - sizes[FunctionTables]}}
	delete(sizes, FunctionTables)
	var packages []Share
	for name, size := range sizes {
		tables[1].Bytes -= size
		if size != 0 {
			packages = append(packages, Share{name, size})
		}
	}
	slices.SortFunc(packages, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) })
	return append(packages, tables...)
}
