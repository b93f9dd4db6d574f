// Package pace measures how many pictures a second come.
package pace

import (
	"math"
	"time"
)

// Pace measures how many pictures a second come, because encoders give each of them the
// bitrate's share at the rate that they were told, whatever the times say.
type Pace struct {
	told, measured float64 // pictures a second
	most           float64
	last           time.Duration
	begun          bool
}

const (
	// paceShare of the newest distance goes into the mean: a second or so at 30 a second.
	paceShare = 1.0 / 16
	// paceStep is the change that the encoder is told of.
	paceStep = 0.1
	// paceGap is a pause, not a rate.
	paceGap = time.Second
)

// New returns a Pace for an encoder that was told a rate, the most there will be.
func New(rate float64) Pace { return Pace{told: rate, measured: rate, most: rate} }

// Next takes the time of a picture and returns the rate and whether it must be told.
// The rate stays between 1 and that of the beginning.
func (p *Pace) Next(at time.Duration) (rate float64, changed bool) {
	gap := at - p.last
	if p.begun && gap > 0 && gap <= paceGap {
		// The mean is one of the distances: that of the rates would be too high.
		p.measured = 1 / ((1-paceShare)/p.measured + paceShare*gap.Seconds())
	}
	p.begun, p.last = true, at
	rate = min(max(p.measured, 1), p.most)
	if math.Abs(rate-p.told) < paceStep*p.told {
		return p.told, false
	}
	p.told = rate
	return rate, true
}
