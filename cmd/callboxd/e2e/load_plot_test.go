//go:build e2e && load

package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// The size of one panel of a plot, and the room around it, in pixels.
const (
	panelWidth  = 640
	panelHeight = 120
	panelLeft   = 90
	panelTop    = 30
	panelStep   = panelTop + panelHeight + 30
)

// plotFigures draws figures over the calls, a panel for each kind. list is a line, quiet
// are dots.
func plotFigures(list, quiet []figures) string {
	panels := []struct {
		name string
		of   func(figures) float64
	}{
		{"heap, MiB", func(f figures) float64 { return f.heap }},
		{"memory of its own, MiB", func(f figures) float64 { return f.own }},
		{"goroutines", func(f figures) float64 { return float64(f.goroutines) }},
		{"descriptors", func(f figures) float64 { return float64(f.descriptors) }},
	}
	last := 1
	for _, f := range append(append([]figures{}, list...), quiet...) {
		last = max(last, f.calls)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		panelLeft+panelWidth+20, panelStep*len(panels)+10)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, p := range panels {
		most := 0.0
		for _, f := range append(append([]figures{}, list...), quiet...) {
			most = max(most, p.of(f))
		}
		most = roundUp(most)
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", panelLeft, i*panelStep+panelTop)
		fmt.Fprintf(&b, `<text x="0" y="-8" font-weight="bold">%s</text><rect width="%d" height="%d" fill="none" stroke="#999"/>`+"\n", p.name, panelWidth, panelHeight)
		fmt.Fprintf(&b, `<text x="-8" y="10" text-anchor="end">%g</text><text x="-8" y="%d" text-anchor="end">0</text>`+"\n", most, panelHeight)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%d calls</text>`+"\n", panelWidth, panelHeight+16, last)
		var line []string
		at := func(f figures) (x, y float64) {
			return float64(f.calls) / float64(last) * panelWidth, panelHeight * (1 - p.of(f)/most)
		}
		for _, f := range list {
			x, y := at(f)
			line = append(line, fmt.Sprintf("%.1f,%.1f", x, y))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#06c" stroke-width="1.5"/>`+"\n", strings.Join(line, " "))
		for _, f := range quiet {
			x, y := at(f)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="4" fill="#c30"><title>quiet, after %d calls: %.2f</title></circle>`+"\n", x, y, f.calls, p.of(f))
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// roundUp is the next number that is easy to read: 1, 2 or 5 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, times := range []float64{1, 2, 5, 10} {
		if v <= times*unit {
			return times * unit
		}
	}
	return 10 * unit
}

func TestLoadPlotRoundsUp(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.7: 1, 1: 1, 4.2: 5, 12: 20, 99: 100, 101: 200} {
		if got := roundUp(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v is rounded up to %v, want %v", v, got, want)
		}
	}
}
