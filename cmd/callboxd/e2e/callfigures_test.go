//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// figures is what a daemon uses between two calls.
type figures struct {
	calls       int
	heap        float64 // live, MiB
	own         float64 // MiB of memory that no file stands behind
	goroutines  int
	descriptors int
}

// readingTime is how long the figures are read. Each is the smallest that was seen:
// the heap when its garbage has just been collected (the readings make some, so that
// it is several times), memory when the daemon has given back what the last call needed
// (2 s after it), goroutines and descriptors when nothing is under way, not even a
// connection for the last reading.
const readingTime = 3 * time.Second

func (h *household) figures() figures {
	h.t.Helper()
	f := figures{len(h.books), math.Inf(1), math.Inf(1), math.MaxInt, math.MaxInt}
	for begin := time.Now(); time.Since(begin) < readingTime; {
		now := h.metrics()
		f.heap = min(f.heap, now["callbox_heap_bytes"]/(1<<20))
		f.goroutines = min(f.goroutines, int(now["callbox_goroutines"]))
		f.descriptors = min(f.descriptors, h.descriptors())
		f.own = min(f.own, footprintOf(h.t, h.pid()).anon)
	}
	return f
}

// metrics are those of the daemon that have no labels.
func (h *household) metrics() map[string]float64 {
	h.t.Helper()
	text, err := h.api.Metrics(h.ctx)
	h.must(err)
	values := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = v
		}
	}
	return values
}

func (h *household) descriptors() int {
	h.t.Helper()
	return openFiles(h.t, strconv.Itoa(h.pid()))
}

// openFiles is how many descriptors a process has open; "self" is this one.
func openFiles(t *testing.T, process string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/" + process + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// ownSlack is how far memory may be off, in MiB: what is free in half-used pages of Go and
// malloc comes and goes by a MiB. An encoder that stayed would be 8.
const ownSlack = 2

// compare wants the figures at the end to be those at the beginning.
func (f figures) compare(t *testing.T, begin figures) {
	t.Helper()
	within := func(what string, now, then float64) {
		t.Helper()
		if off := now/then - 1; math.Abs(off) > 0.05 || math.IsNaN(off) {
			t.Errorf("after %d calls %s is %.2f MiB, after %d it was %.2f MiB: %+.1f %%", f.calls, what, now, begin.calls, then, 100*off)
		}
	}
	within("the heap", f.heap, begin.heap)
	if more := f.own - begin.own; math.Abs(more) > ownSlack || math.IsNaN(more) {
		t.Errorf("after %d calls memory of its own is %.2f MiB, after %d it was %.2f MiB", f.calls, f.own, begin.calls, begin.own)
	}
	if f.goroutines != begin.goroutines || f.descriptors != begin.descriptors {
		t.Errorf("after %d calls there are %d goroutines and %d descriptors, after %d it was %d and %d",
			f.calls, f.goroutines, f.descriptors, begin.calls, begin.goroutines, begin.descriptors)
	}
}

// table is for people.
func table(list []figures) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "calls\theap MiB\town MiB\tgoroutines\tdescriptors\t")
	for _, f := range list {
		fmt.Fprintf(w, "%d\t%.3f\t%.2f\t%d\t%d\t\n", f.calls, f.heap, f.own, f.goroutines, f.descriptors)
	}
	w.Flush()
	return b.String()
}
