//go:build e2e

package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// starved is for how long the machine's processors were given to other machines, over time,
// as the kernel tells it (proc(5), /proc/stat, steal). What programs here use, the daemon
// first of all, excuses nothing. Where the kernel tells nothing, nothing was taken.
type starved struct {
	stop, done chan struct{}
	list       []waitedAt // read only after done
}

type waitedAt struct {
	at     float64 // seconds since 1970
	waited float64 // seconds since boot, of all processors together
}

// starvedEvery is how often the kernel is asked.
const starvedEvery = 20 * time.Millisecond

func watchStarved(t *testing.T) *starved {
	t.Helper()
	s := &starved{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		tick := time.NewTicker(starvedEvery)
		defer tick.Stop()
		for {
			if waited, ok := waitedFor(); ok {
				s.list = append(s.list, waitedAt{since1970(time.Now()), waited})
			}
			select {
			case <-s.stop:
				return
			case <-tick.C:
			}
		}
	}()
	t.Cleanup(s.end)
	return s
}

func waitedFor() (seconds float64, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	const userHertz, steal = 100, 8 // ticks a second; cpu user nice system idle iowait irq softirq steal
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) <= steal || fields[0] != "cpu" {
		return 0, false
	}
	ticks, err := strconv.ParseFloat(fields[steal], 64)
	return ticks / userHertz, err == nil
}

func (s *starved) end() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.done
}

// between is for how many seconds processors were taken from one time to another, both in
// seconds since 1970: mostStarved at the most. It may be called after end.
func (s *starved) between(from, to float64) float64 {
	var first, last waitedAt
	for _, w := range s.list {
		if w.at <= from || first.at == 0 {
			first = w
		}
		if last = w; w.at >= to {
			break
		}
	}
	return min(max(0, last.waited-first.waited), to-from, mostStarved.Seconds())
}

// tell ends the watch and adds to each picture for how long processors were taken since
// the one before.
func (s *starved) tell(list []seen) []seen {
	s.end()
	for i := range list[min(1, len(list)):] {
		list[i+1].Waited = s.between(list[i].Got, list[i+1].Got)
	}
	return list
}

// TestStarvedExcusesLittle: time in which the machine had none for the call is no gap, but
// a call that was disturbed is found on the busiest machine, too.
func TestStarvedExcusesLittle(t *testing.T) {
	s := &starved{stop: make(chan struct{}), done: make(chan struct{})}
	close(s.done)
	for at, waited := 100.0, 0.0; at < 110; at += 0.02 { // from 105 s on a processor is taken all the time
		if at > 105 {
			waited += 0.02
		}
		s.list = append(s.list, waitedAt{at, waited})
	}
	for _, tt := range []struct{ from, to, most, least float64 }{
		{101, 103, 0, 0}, {104.9, 105.2, 0.25, 0.15}, {106, 106.3, 0.3, 0.29}, {106, 109, 0.8, 0.8}, {90, 91, 0, 0}, {120, 121, 0, 0},
	} {
		if got := s.between(tt.from, tt.to); got > tt.most || got < tt.least {
			t.Errorf("from %g to %g s a processor was taken for %g s, want %g to %g", tt.from, tt.to, got, tt.least, tt.most)
		}
	}
	gap := func(at, long float64) time.Duration {
		return largestGap(s.tell([]seen{{Stamp: 1, Got: at}, {Stamp: 1 + long, Got: at + long}}))
	}
	for _, tt := range []struct {
		at, long float64
		found    bool
	}{{101, 0.1, false}, {101, 0.3, true}, {106, 0.3, false}, {106, 0.9, false}, {106, 1.1, true}} {
		if got := gap(tt.at, tt.long); (got > maxGap) != tt.found {
			t.Errorf("a gap of %g s at %g s is one of %v", tt.long, tt.at, got)
		}
	}
}
