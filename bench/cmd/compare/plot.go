package main

import (
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/bench"
)

// plot draws time and allocations per call as bars.
func (f *figures) plot() string {
	const (
		bar, gap   = 20, 6
		label      = 150
		width      = 330
		panel      = label + width + 70
		groupSpace = 34
	)
	colors := []string{"#1a7f5a", "#8a94a6", "#b3bac6", "#d9a441"}
	height := 60 + len(bench.Sizes)*(len(bench.Clients)*(bar+gap)+groupSpace)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", 2*panel+20, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	for i, column := range []struct {
		title  string
		value  func(bench.Cost) float64
		format string
	}{
		{"Time per call, µs", func(c bench.Cost) float64 { return micros(c.Time) }, "%.1f"},
		{"Allocations per call", func(c bench.Cost) float64 { return c.Allocs }, "%.0f"},
	} {
		left, y := 10+i*panel, 28
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="16" font-weight="bold">%s</text>`+"\n", left, y, column.title)
		most := 0.0
		for _, costs := range f.calls {
			for _, cost := range costs {
				most = max(most, column.value(cost))
			}
		}
		y += 14
		for _, size := range bench.Sizes {
			y += groupSpace - 14
			fmt.Fprintf(&b, `<text x="%d" y="%d" fill="#555">%s request and response</text>`+"\n", left, y, size)
			y += 8
			for j, cost := range f.calls[size] {
				value := column.value(cost)
				length := value / most * width
				fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left+label-8, y+15, bench.Clients[j].Name)
				fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`, left+label, y, length, bar, colors[j])
				fmt.Fprintf(&b, `<text x="%.1f" y="%d">`+column.format+"</text>\n", float64(left+label)+length+6, y+15, value)
				y += bar + gap
			}
			y += 14
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
