package sound

import (
	"sync/atomic"
	"time"

	"callbox/hal"
)

const (
	// bufferLength is what the device holds: three periods, as miniaudio asks for.
	bufferLength = 3 * hal.FrameLength
	// driftRate is how much faster or slower than ours the device's clock may be
	// without being taken for a gap.
	driftRate = 1e-3
)

// underruns counts how often the device came so late for its sound that its buffer
// must have run dry: what was played or heard then is lost. miniaudio recovers by
// itself and tells nobody.
type underruns struct {
	n     atomic.Uint64
	begun bool
	start time.Time // of the count of samples
	given time.Duration
	lead  time.Duration // the most that was given ahead of the clock
	last  time.Time
}

// call notes that the device has come for so many samples. One thread at a time.
func (u *underruns) call(now time.Time, samples int) {
	if !u.begun {
		u.begun, u.start, u.last = true, now, now
	}
	u.lead -= time.Duration(float64(now.Sub(u.last)) * driftRate)
	u.last = now
	lead := u.given - now.Sub(u.start) // with the samples of before: these are played from now on
	if u.lead-lead > bufferLength {
		u.n.Add(1)
		u.lead = lead
	}
	u.lead = max(u.lead, lead)
	u.given += time.Duration(samples) * time.Second / hal.SampleRate
}
