//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is how much processor time a process has used until now.
type usage struct {
	at  time.Time
	cpu time.Duration
}

// usageOf reads it from /proc: user and system time of all its threads.
func usageOf(t testing.TB, pid int) usage {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// After the name in brackets: state is the first field, utime the 12th.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return usage{at: time.Now(), cpu: time.Duration(ticks) * 10 * time.Millisecond} // USER_HZ is 100
}

// since returns the share of one core in percent.
func (u usage) since(before usage) float64 {
	return 100 * (u.cpu - before.cpu).Seconds() / u.at.Sub(before.at).Seconds()
}

// footprint is what a process has in memory, in MiB.
type footprint struct {
	rss float64 // all of it
	pss float64 // pages that n processes share count 1/n

	anon float64 // of rss: what no file stands behind
}

func footprintOf(t testing.TB, pid int) footprint {
	t.Helper()
	path := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) float64 {
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				if err != nil {
					t.Fatal(err)
				}
				return kib / 1024
			}
		}
		t.Fatalf("%s has no %s", path, name)
		return 0
	}
	return footprint{rss: value("Rss"), pss: value("Pss"), anon: value("Anonymous")}
}
