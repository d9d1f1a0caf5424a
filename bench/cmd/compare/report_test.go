package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/bench"
)

func TestAbove(t *testing.T) {
	shares := []bench.Share{
		{Name: "github.com/microvm-go/lambdamicrovms", Bytes: 50_000},
		{Name: "github.com/aws/smithy-go/middleware", Bytes: 20_000},
		{Name: "github.com/microvm-go/lambdamicrovms/types", Bytes: 6_000},
		{Name: "sort", Bytes: 4_000},
		{Name: "reflect", Bytes: -1_000},
		{Name: bench.FunctionTables, Bytes: 16_000},
		{Name: bench.OtherTables, Bytes: 5_000},
	}
	const why = "of these bytes 56 % are ours, 20 % the SDK's, 3 % what both need of the standard library, " +
		"and 21 % tables that the linker makes of all of them; the packages are listed below"
	if got := owners(shares); got != why {
		t.Errorf("got %s\nwant %s", got, why)
	}

	var b strings.Builder
	writeAbove(shares, func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) })
	const table = `
| | kB |
|---|---:|
| ` + "`github.com/microvm-go/lambdamicrovms`" + ` | 50.0 |
| ` + "`github.com/aws/smithy-go/middleware`" + ` | 20.0 |
| ` + "`github.com/microvm-go/lambdamicrovms/types`" + ` | 6.0 |
| 2 other packages | 3.0 |
| tables of functions | 16.0 |
| types, strings and other tables | 5.0 |

`
	if _, got, _ := strings.Cut(b.String(), "\n"); got != table {
		t.Errorf("got %s\nwant %s", got, table)
	}
}
