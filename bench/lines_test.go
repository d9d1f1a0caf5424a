package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestSlope(t *testing.T) {
	for power := range 3 {
		l := Line{}
		for _, x := range []float64{1, 10, 100, 1000} {
			l.Points = append(l.Points, Point{x, 7 * math.Pow(x, float64(power))})
		}
		if got := l.Slope(); math.Abs(got-float64(power)) > 1e-9 {
			t.Errorf("slope %v, want %d", got, power)
		}
	}
}

func TestPlotsAreXML(t *testing.T) {
	plot := Plot{Title: "A", X: "size", Y: "µs", Lines: []Line{
		{"one", []Point{{1, 2}, {10, 30}}},
		{"flat", []Point{{1, 5}, {1000, 5}}},
	}}
	text := Plots(plot, plot, plot)
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Count(text, "<polyline") != 6 {
		t.Error(text)
	}
}
