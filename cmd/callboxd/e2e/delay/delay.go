// Package delay tells by beeps how late sound comes at the other end, and how that
// changes in a long call. It measures nothing itself.
//
// Nobody can hear of a beep which one it was, so that a delay is known but for whole
// times from beep to beep. Each window of time is therefore compared with the one before
// it: what grows slowly is followed, however far it comes. A jump by more than half of the
// time from beep to beep is taken for a smaller one, up or down; where it was not about a
// whole one, Growth.Step tells.
package delay

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Window is how late the beeps were that were heard within some time, sorted.
type Window []time.Duration

// Middle is the median, 0 of no beep.
func (w Window) Middle() time.Duration {
	if len(w) == 0 {
		return 0
	}
	return w[len(w)/2]
}

func (w Window) String() string {
	if len(w) == 0 {
		return "no beep"
	}
	return fmt.Sprintf("%d beeps, median %d ms (%d to %d ms)", len(w), w.Middle().Milliseconds(), w[0].Milliseconds(), w[len(w)-1].Milliseconds())
}

// Of is the window of what was heard from one time to another of beeps that are every so
// long. A beep is taken for the one by which its delay is nearest to the middle of the
// window before. Without one, the first is taken for the one by which it is nearest to
// half of every, and the others for those by which they are nearest to that.
func Of(spoken, heard []time.Time, from, to time.Time, every time.Duration, before Window) Window {
	var w Window
	for _, at := range heard {
		if at.Before(from) || at.After(to) {
			continue
		}
		near := every / 2
		switch {
		case len(before) > 0:
			near = before.Middle()
		case len(w) > 0:
			near = w[0]
		}
		best := time.Duration(math.MaxInt64)
		for _, began := range spoken {
			if late := at.Sub(began); best == math.MaxInt64 || (late-near).Abs() < (best-near).Abs() {
				best = late
			}
		}
		if best != math.MaxInt64 {
			w = append(w, best)
		}
	}
	slices.Sort(w)
	return w
}

// Ways are the windows of both ways of a call at the same time.
type Ways struct{ ToDevice, ToPhone Window }

// Fewest is how many beeps were heard where fewer were.
func (w Ways) Fewest() int { return min(len(w.ToDevice), len(w.ToPhone)) }

// Sum is the delay there and back. What the clocks of both ends differ by is in each way
// and not in their sum.
func (w Ways) Sum() time.Duration { return w.ToDevice.Middle() + w.ToPhone.Middle() }

func (w Ways) String() string {
	return "to the device " + w.ToDevice.String() + "; to the phone " + w.ToPhone.String()
}

// Growth is how the delay changed in a call.
type Growth struct {
	Total time.Duration // of both ways together, from the first window to the last
	Step  time.Duration // the most by which one way changed from a window to the next, up or down
}

// Grown compares windows that follow one another, each made with the one before it.
func Grown(all []Ways) (g Growth) {
	for i := 1; i < len(all); i++ {
		before, now := all[i-1], all[i]
		g.Total += now.Sum() - before.Sum()
		g.Step = max(g.Step, (now.ToDevice.Middle() - before.ToDevice.Middle()).Abs(), (now.ToPhone.Middle() - before.ToPhone.Middle()).Abs())
	}
	return g
}
