package delay

import (
	"slices"
	"testing"
	"time"
)

const (
	every  = 2 * time.Second
	window = 30 * time.Second
	ms     = time.Millisecond
)

// way makes the beeps of one way of a call, whose delay is a function of the time in it;
// negative: the beep is lost. They go on after the call, and one comes before it.
func way(long time.Duration, late func(n int, at time.Duration) time.Duration, clocks time.Duration) (spoken, heard []time.Time) {
	for n, at := 0, -every; at < long+5*every; n, at = n+1, at+every {
		began := start.Add(at)
		spoken = append(spoken, began)
		if d := late(n, max(at, 0)); d >= 0 {
			heard = append(heard, began.Add(d+clocks))
		}
	}
	slices.SortFunc(heard, time.Time.Compare)
	return spoken, heard
}

var start = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// steady is a delay that changes by so much from window to window.
func steady(first, each time.Duration) func(int, time.Duration) time.Duration {
	return func(_ int, at time.Duration) time.Duration {
		return first + time.Duration(float64(each)*float64(at)/float64(window))
	}
}

// from is a delay that is another one from some time on.
func from(change, first, then time.Duration) func(int, time.Duration) time.Duration {
	return func(_ int, at time.Duration) time.Duration {
		if at >= change {
			return then
		}
		return first
	}
}

// TestGrown: growth is seen however far it comes, in one way and in both, while clocks
// differ and beeps are lost or late; and a jump that cannot be told is seen to be one.
func TestGrown(t *testing.T) {
	for name, tt := range map[string]struct {
		toDevice, toPhone func(int, time.Duration) time.Duration
		clocks            time.Duration
		total, step       time.Duration
	}{
		"nothing changes":   {steady(300*ms, 0), steady(400*ms, 0), 0, 0, 0},
		"nearly a period":   {steady(1990*ms, 0), steady(10*ms, 0), 0, 0, 0},
		"40 ms in one way":  {steady(300*ms, 2*ms), steady(400*ms, 0), 0, 38 * ms, 2 * ms},
		"to a whole period": {steady(300*ms, 0), steady(400*ms, 105*ms), 0, 1995 * ms, 105 * ms},
		// Windows are of what was heard: the last one begins before its beeps were spoken.
		"by 8 s in each way":         {steady(300*ms, 450*ms), steady(400*ms, 450*ms), 0, 16860 * ms, 450 * ms},
		"by half a period":           {steady(300*ms, 53*ms), steady(400*ms, 0), 0, 1007 * ms, 53 * ms},
		"it comes earlier":           {steady(5*time.Second, -100*ms), steady(400*ms, 0), 0, -1900 * ms, 100 * ms},
		"one grows, one shrinks":     {steady(3*time.Second, -100*ms), steady(400*ms, 150*ms), 0, 950 * ms, 150 * ms},
		"clocks differ":              {steady(300*ms, 100*ms), steady(400*ms, 0), 700 * ms, 1900 * ms, 100 * ms},
		"a jump by less than a half": {from(5*window, 300*ms, 1200*ms), steady(400*ms, 0), 0, 900 * ms, 900 * ms},
		"a jump by more than a half": {from(5*window, 300*ms, 1500*ms), steady(400*ms, 0), 0, -800 * ms, 800 * ms},
		"there and back":             {from(5*window, 300*ms, 700*ms), from(9*window, 700*ms, 300*ms), 0, 0, 400 * ms},
		"each third is lost": {func(n int, at time.Duration) time.Duration {
			if n%3 == 0 {
				return -1
			}
			return steady(300*ms, 100*ms)(n, at)
		}, steady(400*ms, 0), 0, 1900 * ms, 110 * ms},
		"each fourth is late": {func(n int, at time.Duration) time.Duration {
			if n%4 == 3 {
				return 950 * ms
			}
			return 300 * ms
		}, steady(400*ms, 0), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			const count = 20 // 10 minutes
			outSpoken, inHeard := way(count*window, tt.toDevice, tt.clocks)
			inSpoken, outHeard := way(count*window, tt.toPhone, -tt.clocks)
			var all []Ways
			var before Ways
			for n := range count {
				from := start.Add(time.Duration(n) * window)
				now := Ways{
					Of(outSpoken, inHeard, from, from.Add(window), every, before.ToDevice),
					Of(inSpoken, outHeard, from, from.Add(window), every, before.ToPhone),
				}
				if now.Fewest() < 9 || now.Fewest() > 16 {
					t.Fatalf("window %d: %v", n, now)
				}
				all, before = append(all, now), now
			}
			off := 5*ms + tt.step/5 // a median is that of one beep of 15, which come every 2 s
			g := Grown(all)
			if (g.Total-tt.total).Abs() > off || (g.Step-tt.step).Abs() > off {
				t.Errorf("%+v, want %v in steps of %v\n%v", g, tt.total, tt.step, all)
			}
		})
	}
}

// TestWindow: what is outside of it does not count, and one without beeps says so.
func TestWindow(t *testing.T) {
	spoken, heard := way(window, steady(300*ms, 0), 0)
	if w := Of(spoken, heard, start, start.Add(3*time.Second), every, nil); len(w) != 2 || w.Middle() != 300*ms {
		t.Errorf("%v, want 2 beeps of 300 ms", w)
	}
	for name, w := range map[string]Window{
		"too early":       Of(spoken, heard, start.Add(-window), start.Add(-2*every), every, nil),
		"nothing spoken":  Of(nil, heard, start, start.Add(window), every, nil),
		"nothing heard":   Of(spoken, nil, start, start.Add(window), every, nil),
		"with one before": Of(nil, heard, start, start.Add(window), every, Window{ms}),
	} {
		if len(w) != 0 || w.Middle() != 0 || w.String() != "no beep" {
			t.Errorf("%s: %v, want no beep", name, w)
		}
	}
	if g := Grown(nil); g != (Growth{}) {
		t.Errorf("no windows grow by %+v", g)
	}
}
