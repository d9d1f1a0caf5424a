//go:build unix

package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for some seconds")
	}
	table, plot, err := report(0)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table, "\n| "); n < 8 || !strings.Contains(plot, "<polyline") {
		t.Errorf("%d lines:\n%s", n, table)
	}
}
