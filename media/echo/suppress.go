package echo

import (
	"math"

	"callbox/hal"
)

const (
	hop    = hal.FrameSamples
	window = 2 * hop
	bands  = 32
	// The bands from which it is decided whether the person talks: 150 Hz to 9 kHz.
	firstVoice, lastVoice = 4, 26
)

// suppressor lowers what the linear filter has left of the echo: what the
// loudspeaker distorts, and what is not learned yet. It works in 32 bands, each as
// wide as the ear hears it, and delays the sound by a frame.
//
// In each band it knows the power of e (what is left) and of y (the filter's
// estimate of the echo), and learns the leak: which part of y is left in e. It asks
// first whether the person at the device talks: whether e is more than the leak
// explains. If so, little is taken away. If not, e goes down to the noise.
type suppressor struct {
	fft            *fft
	window         [window]float32
	edge           [bands + 1]int // first bin of each band, and the end
	unnotch, notch biquad

	e, y   [window]float32
	re, im [fftSize]float32
	er, ei [fftSize/2 + 1]float32 // spectrum of e
	tail   [hop]float32           // to be added to the next frame

	pe, py [bands]float32 // of this frame
	band   [bands]band
	near   float32 // 0 to 1: the person talks
	played int     // frames until what was played has died away

	untaught untaught
}

func newSuppressor() *suppressor {
	s := &suppressor{fft: newFFT(), unnotch: newUnnotch(), notch: newNotch()}
	for i := range s.window {
		s.window[i] = float32(math.Sin(math.Pi * (float64(i) + 0.5) / window))
	}
	// Equal steps on the scale of equivalent rectangular bandwidths (Glasberg and
	// Moore, 1990), each of one bin at least.
	top := math.Log(1 + 0.00437*hal.SampleRate/2)
	for b := 1; b <= bands; b++ {
		f := (math.Exp(top*float64(b)/bands) - 1) / 0.00437
		s.edge[b] = max(int(f*fftSize/hal.SampleRate), s.edge[b-1]+1)
	}
	s.edge[bands] = fftSize/2 + 1
	for b := range s.band {
		s.band[b] = newBand()
	}
	s.untaught = newUntaught()
	return s
}

// reset forgets what was learned of the echo.
func (s *suppressor) reset() {
	for b := range s.band {
		s.band[b].reset()
	}
	s.untaught = newUntaught()
}

// process takes what was played, what was heard, and what the filter has left of
// the latter.
func (s *suppressor) process(x, d, e, out *frame) {
	copy(s.e[:], s.e[hop:])
	copy(s.y[:], s.y[hop:])
	for i := range hop {
		left := s.unnotch.run(float64(e[i]))
		s.e[hop+i] = float32(left)
		s.y[hop+i] = float32(s.notch.run(float64(d[i])) - left)
	}
	s.analyse()
	if s.played--; power(x) > heardFrom {
		s.played = playedFrames
	}
	s.played = max(s.played, 0)
	most := float32(1)
	if s.played > 0 {
		most = s.untaught.observe(power(d), power(e))
	}
	s.decide(most)
	s.synthesise(out)
}

// analyse brings both signals to bands: one complex transform for two real ones.
func (s *suppressor) analyse() {
	for i, w := range s.window {
		s.re[i], s.im[i] = s.e[i]*w, s.y[i]*w
	}
	clear(s.re[window:])
	clear(s.im[window:])
	s.fft.run(&s.re, &s.im)
	for b := range bands {
		var pe, py float32
		for k := s.edge[b]; k < s.edge[b+1]; k++ {
			m := (fftSize - k) % fftSize
			er, ei := (s.re[k]+s.re[m])/2, (s.im[k]-s.im[m])/2
			yr, yi := (s.im[k]+s.im[m])/2, (s.re[m]-s.re[k])/2
			s.er[k], s.ei[k] = er, ei
			pe += er*er + ei*ei
			py += yr*yr + yi*yi
		}
		width := float32(s.edge[b+1] - s.edge[b])
		s.pe[b], s.py[b] = pe/width+1, py/width+1
	}
}

// decide sets the gain of each band, at most most.
func (s *suppressor) decide(most float32) {
	var over float32
	loud := 0
	for b := range s.band {
		q := &s.band[b]
		q.learn(s.pe[b], s.py[b])
		if b >= firstVoice && b < lastVoice && s.pe[b] > 4*q.noise {
			over += log2(q.e / (q.echo() + q.noise))
			loud++
		}
	}
	// A few loud bands are no voice: four count as if they were quiet.
	over /= float32(loud + 4)
	target := min(max((over-nearFrom)/(nearSure-nearFrom), 0), 1)
	if s.played == 0 {
		target = 1
	}
	if target > s.near {
		s.near += nearRise * (target - s.near)
	} else {
		s.near += nearFall * (target - s.near)
	}
	for b := range s.band {
		s.band[b].decide(s.near, most)
	}
}

// synthesise weights the spectrum of e, with gains that go straight from the
// middle of one band to that of the next, and brings it back.
func (s *suppressor) synthesise(out *frame) {
	b := 0
	for k := 0; k <= fftSize/2; k++ {
		for b < bands-1 && float32(k) >= s.middle(b+1) {
			b++
		}
		g := s.band[b].gain
		if at := s.middle(b); float32(k) > at && b < bands-1 {
			g += (s.band[b+1].gain - g) * (float32(k) - at) / (s.middle(b+1) - at)
		}
		// Conjugated, so that the same transform brings it back.
		s.re[k], s.im[k] = s.er[k]*g, -s.ei[k]*g
		if k > 0 && k < fftSize/2 {
			s.re[fftSize-k], s.im[fftSize-k] = s.re[k], -s.im[k]
		}
	}
	s.fft.run(&s.re, &s.im)
	for i := range hop {
		v := s.re[i]/fftSize*s.window[i] + s.tail[i]
		out[i] = int16(min(max(v, math.MinInt16), math.MaxInt16))
		s.tail[i] = s.re[hop+i] / fftSize * s.window[hop+i]
	}
}

// middle is the bin in the middle of a band.
func (s *suppressor) middle(b int) float32 { return float32(s.edge[b]+s.edge[b+1]-1) / 2 }

func log2(x float32) float32 { return float32(math.Log2(float64(x))) }
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
