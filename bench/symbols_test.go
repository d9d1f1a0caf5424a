package bench

import (
	"reflect"
	"testing"
)

const nm = `
  401000        100 T example.com/a%2eb/c.(*T).M
                    U printf
  401064         20 t slices.Sort[go.shape.struct { example.com/d.x int }]
  401078          7 t type:.eq.example.com/d.pair
  500000         50 R type:*
  500032          9 r go:string.*
  50003b          4 r $f32.3f800000
  600000         64 D example.com/d.table
  700000       4096 B example.com/d.buffer
  800000          0 r runtime.pclntab
  800200          0 r runtime.epclntab
  not a symbol
`

func TestParseSymbols(t *testing.T) {
	want := []struct {
		Symbol

		pkg    string
		inFile bool
	}{
		{Symbol{0x401000, 100, 'T', "example.com/a%2eb/c.(*T).M"}, "example.com/a%2eb/c", true},
		{Symbol{0x401064, 20, 't', "slices.Sort[go.shape.struct { example.com/d.x int }]"}, "slices", true},
		{Symbol{0x401078, 7, 't', "type:.eq.example.com/d.pair"}, "example.com/d", true},
		{Symbol{0x500000, 50, 'R', "type:*"}, "", true},
		{Symbol{0x500032, 9, 'r', "go:string.*"}, "", true},
		{Symbol{0x50003b, 4, 'r', "$f32.3f800000"}, "", true},
		{Symbol{0x600000, 64, 'D', "example.com/d.table"}, "example.com/d", true},
		{Symbol{0x700000, 4096, 'B', "example.com/d.buffer"}, "example.com/d", false},
		{Symbol{0x800000, 0, 'r', "runtime.pclntab"}, "runtime", true},
		{Symbol{0x800200, 0, 'r', "runtime.epclntab"}, "runtime", true},
	}
	got := ParseSymbols(nm)
	if len(got) != len(want) {
		t.Fatalf("%d symbols, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		if s := got[i]; s != w.Symbol || s.Package() != w.pkg || s.InFile() != w.inFile {
			t.Errorf("got %+v of package %q, in the file: %t; want %+v", s, s.Package(), s.InFile(), w)
		}
	}
}

func TestAbove(t *testing.T) {
	base := ParseSymbols(`
  401000         40 T example.com/a%2eb/c.(*T).M
  600000         64 D example.com/d.table
  800000          0 r runtime.pclntab
  800100          0 r runtime.epclntab
`)
	want := []Share{
		{"example.com/a%2eb/c", 60}, {"slices", 20}, {"example.com/d", 7},
		{FunctionTables, 0x100}, {OtherTables, 1000 - 60 - 20 - 7 - 0x100},
	}
	if got := Above(ParseSymbols(nm), base, 1000); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
