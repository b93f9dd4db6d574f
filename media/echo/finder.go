package echo

import "callbox/hal"

const (
	// The finder works at 2 kHz: voices have most of their power below 1 kHz, and
	// 0.5 ms are exact enough.
	decimation = 24
	slowFrame  = hal.FrameSamples / decimation
	slowTaps   = 1000 // 500 ms
	// whiten is the first-order filter that makes a voice flatter.
	whiten = 0.8
	// step is that of the adaptive filter: slow, for the person at the device may
	// talk meanwhile.
	step = 0.1
	// audible is the mean square at 2 kHz from which the filter learns: -78 dBFS.
	audible = 16
	// The highest peak is the delay when it stands out of the mean by peakOver, and
	// stays within sameTaps for sureFrames frames.
	peakOver   = 60
	sameTaps   = 2
	sureFrames = 30
	// A delay that was found is only replaced by one that stays for changeFrames, and
	// while the filter explains what is heard but for this part: not while the
	// person talks, who may sound like the phone from some time ago.
	changeFrames  = 100
	unexplained   = 0.5
	explainedRate = 0.02
)

// finder finds the delay of the echo: a normalised least-mean-squares filter from
// the played to the heard sound, whose highest peak is where the direct sound is.
type finder struct {
	far, near slower
	x         [slowTaps + slowFrame]float32 // played, the newest last
	h         [slowTaps]float32             // of tap k at slowTaps-1-k
	lag       int                           // taps
	held      int                           // frames

	heard, rest float32 // power of what is heard, and of what the filter leaves
}

// certainty says how much a delay is worth.
type certainty int

const (
	guess  certainty = iota
	sure             // enough to begin with
	proven           // enough to replace another
)

// observe takes the next frames and returns the delay in samples at 48 kHz.
func (f *finder) observe(playback, captured *frame) (lag int, worth certainty) {
	var d [slowFrame]float32
	copy(f.x[:], f.x[slowFrame:])
	f.far.run(playback, (*[slowFrame]float32)(f.x[slowTaps:]))
	f.near.run(captured, &d)
	var energy float32
	for _, v := range f.x {
		energy += v * v
	}
	if energy < slowTaps*audible {
		return f.lag * decimation, guess
	}
	f.learn(&d, energy)
	lag, peak := f.peak()
	switch off := lag - f.lag; {
	case off < -sameTaps || off > sameTaps:
		f.lag, f.held = lag, 0
	case peak > peakOver:
		f.held++
	}
	switch {
	case f.held > changeFrames && f.rest < unexplained*f.heard:
		worth = proven
	case f.held > sureFrames:
		worth = sure
	}
	return f.lag * decimation, worth
}

func (f *finder) learn(d *[slowFrame]float32, energy float32) {
	var heard, rest float32
	for n := range d {
		x := f.x[n+1 : n+1+slowTaps]
		var a, b, c, e float32 // four sums: additions that do not wait for each other
		for j := 0; j+4 <= slowTaps; j += 4 {
			a += x[j] * f.h[j]
			b += x[j+1] * f.h[j+1]
			c += x[j+2] * f.h[j+2]
			e += x[j+3] * f.h[j+3]
		}
		left := d[n] - (a + b + c + e)
		heard, rest = heard+d[n]*d[n], rest+left*left
		g := step * left / energy
		for j, v := range x {
			f.h[j] += g * v
		}
	}
	f.heard += explainedRate * (heard - f.heard)
	f.rest += explainedRate * (rest - f.rest)
}

// peak returns the tap with the highest peak, and its power against the mean.
func (f *finder) peak() (lag int, over float32) {
	var top, sum float32
	for j, v := range f.h {
		v *= v
		sum += v
		if v > top {
			top, lag = v, slowTaps-1-j
		}
	}
	return lag, top * slowTaps / (sum + 1e-20)
}

// slower brings sound to 2 kHz, and whitens it. What folds down is the same for
// both sides.
type slower struct{ mean, low float32 }

func (s *slower) run(in *frame, out *[slowFrame]float32) {
	for i := range out {
		var sum float32
		for _, v := range in[i*decimation : (i+1)*decimation] {
			sum += float32(v)
		}
		sum /= decimation
		low := (sum + s.mean) / 2
		out[i] = low - whiten*s.low
		s.mean, s.low = sum, low
	}
}
