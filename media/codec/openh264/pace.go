package openh264

import (
	"math"
	"time"
)

// pace measures how many pictures a second come, because the library gives each of
// them the bitrate's share at the rate that it was told, whatever the times say.
type pace struct {
	told, measured float64 // pictures a second
	most           float64
	last           time.Duration
	any            bool
}

const (
	// paceShare of the newest distance goes into the mean: a second or so at 30 a second.
	paceShare = 1.0 / 16
	// paceStep is the change that the library is told of.
	paceStep = 0.1
	// paceGap is a pause, not a rate.
	paceGap = time.Second
)

func newPace(rate float64) pace { return pace{told: rate, measured: rate, most: rate} }

// next takes the time of a picture and returns the rate and whether it must be told.
// The rate stays between 1 and that of the beginning.
func (p *pace) next(at time.Duration) (rate float64, changed bool) {
	gap := at - p.last
	if p.any && gap > 0 && gap <= paceGap {
		// The mean is one of the distances: that of the rates would be too high.
		p.measured = 1 / ((1-paceShare)/p.measured + paceShare*gap.Seconds())
	}
	p.any, p.last = true, at
	rate = min(max(p.measured, 1), p.most)
	if math.Abs(rate-p.told) < paceStep*p.told {
		return p.told, false
	}
	p.told = rate
	return rate, true
}
