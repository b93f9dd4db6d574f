//go:build e2e && bench

package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"callbox/cmd/callboxd/e2e/bench"
)

var (
	benchRounds = flag.Int("bench.rounds", 5, "TestBench: calls with callbox and with the peer in turn, for each codec")
	benchCalls  = flag.Int("bench.calls", 20, "TestBench: calls for the time to the first picture, for each preconnect")
	benchLoad   = flag.Float64("bench.load", -1, "TestBench: the load average before anything of it began; default: now")
	benchSpan   = flag.Duration("bench.span", 20*time.Second, "TestBench: how long a call is measured")
)

// Where the figures go.
const (
	builtFigures = "../../../build"
	document     = "../../../docs/benchmarks.md"
)

// TestBench measures whole calls over loopback with a real browser on the same machine,
// and those of the peer in alternating rounds. It writes the table of them, and of what
// other tests have left in build, which make bench prints: build/bench.json, and
// docs/benchmarks.md if nothing was left out that this test can measure.
func TestBench(t *testing.T) {
	set := bench.NewSet()
	c := conditions(t)
	t.Run("first", func(t *testing.T) { benchFirst(t, set) })
	t.Run("h264", func(t *testing.T) { benchBeside(t, set, "h264") })
	t.Run("vp8", func(t *testing.T) { benchBeside(t, set, "vp8") })
	t.Run("limit", func(t *testing.T) { benchLimit(t, set) })
	for _, name := range []string{"limit", "calls", "network", "echo"} {
		if err := set.ReadPart(filepath.Join(builtFigures, name+".json")); err != nil {
			t.Error(err)
		}
	}
	table := bench.NewTable(c, set)
	t.Logf("\n%s", table.Text())
	text, err := table.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := bench.WriteFile(filepath.Join(builtFigures, "bench.json"), text); err != nil {
		t.Fatal(err)
	}
	for _, l := range table.Lines {
		if l.Verdict == bench.NotMeasured && l.How == "" {
			t.Logf("%s stays as it is: %s was not measured", document, l.Key)
			return
		}
	}
	old, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	now, err := table.Into(string(old))
	if err != nil {
		t.Fatal(err)
	}
	if err := bench.WriteFile(document, []byte(now)); err != nil {
		t.Fatal(err)
	}
}

// conditions says what is measured on, and nothing that names it.
func conditions(t *testing.T) bench.Conditions {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	c := bench.Conditions{
		Date: time.Now(), Cores: runtime.NumCPU(), Load: *benchLoad, Rounds: *benchRounds,
		Machine: fmt.Sprintf("%d cores, %s, Linux %d.%d", runtime.NumCPU(), runtime.GOARCH, major, minor),
	}
	if c.Load >= 0 {
		return c
	}
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &c.Load); err != nil {
		t.Fatal(err)
	}
	return c
}
