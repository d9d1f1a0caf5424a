package main

import "testing"

// The goals for waiting: a start is noticed within 150 ms on average, by at most 12
// polls.
func TestStartIsNoticed(t *testing.T) {
	f, err := simulate(started, 500, start)
	if err != nil {
		t.Fatal(err)
	}
	if f.late > 0.15 || f.late < 0 || f.polls > 12 || f.polls < 1 {
		t.Errorf("%+v", f)
	}
}

func TestReport(t *testing.T) {
	table, plot, err := report(20)
	if err != nil || table == "" || plot == "" {
		t.Fatal(table, plot, err)
	}
}
