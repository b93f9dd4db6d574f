//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// starved is for how long others have kept programs waiting for a processor, over time,
// as the kernel tells it (PSI, the line "some" of /proc/pressure/cpu). Where it tells
// nothing, nobody ever waits.
type starved struct {
	stop, done chan struct{}
	list       []waitedAt // read only after done
}

type waitedAt struct {
	at     float64 // seconds since 1970
	waited float64 // seconds since boot in which somebody has waited
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
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	_, total, found := strings.Cut(line, "total=")
	var us float64
	if _, err := fmt.Sscanf(total, "%g", &us); err != nil || !found || !strings.HasPrefix(line, "some ") {
		return 0, false
	}
	return us / 1e6, true
}

func (s *starved) end() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.done
}

// between is for how many seconds somebody waited from one time to another, both in
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

// tell ends the watch and adds to each picture for how long somebody waited since the one
// before.
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
	for at, waited := 100.0, 0.0; at < 110; at += 0.02 { // from 105 s on somebody waits all the time
		if at > 105 {
			waited += 0.02
		}
		s.list = append(s.list, waitedAt{at, waited})
	}
	for _, tt := range []struct{ from, to, most, least float64 }{
		{101, 103, 0, 0}, {104.9, 105.2, 0.25, 0.15}, {106, 106.3, 0.3, 0.29}, {106, 109, 0.8, 0.8}, {90, 91, 0, 0}, {120, 121, 0, 0},
	} {
		if got := s.between(tt.from, tt.to); got > tt.most || got < tt.least {
			t.Errorf("from %g to %g s somebody waited for %g s, want %g to %g", tt.from, tt.to, got, tt.least, tt.most)
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
