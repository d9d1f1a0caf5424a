package bench

import (
	"fmt"
	"math"
	"strings"
)

// A Line is a series of a plot.
type Line struct {
	Name   string
	Points []Point
}

// A Point is a value at a size.
type Point struct{ X, Y float64 }

// Slope returns the power of the size by which the values grow: 1 is linear, 0 is
// constant. It fits a straight line to the logarithms of both by least squares.
func (l Line) Slope() float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for _, p := range l.Points {
		x, y := math.Log(p.X), math.Log(p.Y)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}

// A Plot is a diagram of lines with logarithmic axes.
type Plot struct {
	Title, X, Y string
	Lines       []Line
}

const (
	plotWidth, plotHeight   = 300, 190
	plotMargin, plotLeft    = 46, 64
	plotColumn              = plotWidth + plotLeft + 30
	plotRow                 = plotHeight + 2*plotMargin + 30
	plotsBesideEachOther    = 2
	plotBackground, plotInk = "white", "#333"
)

var plotColors = [...]string{"#1a7f5a", "#c0652a", "#4a67b0", "#8a94a6"}

// Plots returns the plots as an SVG file.
func Plots(plots ...Plot) string {
	rows := (len(plots) + plotsBesideEachOther - 1) / plotsBesideEachOther
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12" fill="%s">`+"\n",
		min(len(plots), plotsBesideEachOther)*plotColumn+20, rows*plotRow+10, plotInk)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="%s"/>`+"\n", plotBackground)
	for i, p := range plots {
		p.draw(&b, i%plotsBesideEachOther*plotColumn+plotLeft, i/plotsBesideEachOther*plotRow+plotMargin)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// span returns the powers of ten around the values.
func (p *Plot) span(value func(Point) float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range p.Lines {
		for _, point := range l.Points {
			v := math.Log10(value(point))
			low, high = min(low, math.Floor(v)), max(high, math.Ceil(v))
		}
	}
	return low, max(high, low+1)
}

func (p *Plot) draw(b *strings.Builder, left, top int) {
	lowX, highX := p.span(func(p Point) float64 { return p.X })
	lowY, highY := p.span(func(p Point) float64 { return p.Y })
	x := func(v float64) float64 { return float64(left) + (math.Log10(v)-lowX)/(highX-lowX)*plotWidth }
	y := func(v float64) float64 {
		return float64(top+plotHeight) - (math.Log10(v)-lowY)/(highY-lowY)*plotHeight
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="15" font-weight="bold">%s</text>`+"\n", left, top-24, p.Title)
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="#666">%s</text>`+"\n", left, top-8, p.Y)
	for e := lowX; e <= highX; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x(v), top, x(v), top+plotHeight, x(v), top+plotHeight+16, short(v))
	}
	for e := lowY; e <= highY; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, y(v), left+plotWidth, y(v), left-6, y(v)+4, short(v))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#666">%s</text>`+"\n", left+plotWidth/2, top+plotHeight+34, p.X)
	for i, l := range p.Lines {
		color := plotColors[i%len(plotColors)]
		var path []string
		for _, point := range l.Points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(point.X), y(point.Y)))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x(point.X), y(point.Y), color)
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), color)
		if len(p.Lines) > 1 {
			fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", left+8, top+16+15*i, color, l.Name)
		}
	}
}

// short returns a power of ten in few characters.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	default:
		return fmt.Sprintf("%.4g", v)
	}
}
