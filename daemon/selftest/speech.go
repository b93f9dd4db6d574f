package selftest

import (
	"math"
	"math/rand/v2"
	"time"
)

const pi = math.Pi

// SampleRate is that of all sound here, in Hz.
const SampleRate = 48000

// The sound that the phone sends, over and over: speech-like for speechTime, then
// silence up to Period. Nothing else that comes and goes is likely to have that period.
const (
	Period     = 2060 * time.Millisecond
	speechTime = 1200 * time.Millisecond
	syllable   = 150 * time.Millisecond
)

// speechLevel is its root mean square while it sounds, in parts of full scale: -20 dB,
// as people at a phone speak (ITU-T P.56, G.168).
const speechLevel = 0.1

// Speech returns one Period of what the phone sends: noise with the spectrum of a voice
// between 250 Hz and 3.5 kHz, in syllables. It is like speech in what matters to an echo
// canceller, a noise suppressor and a codec, and it is the same each time.
func Speech() []int16 {
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, samplesOf(Period))
	sounding := samplesOf(speechTime)
	var low, high onePole
	low.set(900) // a voice falls by 6 dB an octave above some 900 Hz
	high.set(250)
	var edge onePole
	edge.set(3500)
	for i := range sounding {
		v := edge.low(low.low(random.NormFloat64()))
		v -= high.low(v)
		at := math.Mod(float64(i)/float64(samplesOf(syllable)), 1)
		x[i] = v * math.Pow(math.Sin(pi*at), 2)
	}
	scale := speechLevel * math.MaxInt16 / rms(x[:sounding])
	pcm := make([]int16, len(x))
	for i, v := range x {
		pcm[i] = clip(v * scale)
	}
	return pcm
}

func samplesOf(d time.Duration) int { return int(d * SampleRate / time.Second) }

func clip(v float64) int16 {
	return int16(math.Round(max(math.MinInt16, min(math.MaxInt16, v))))
}

func rms(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(x)))
}

// onePole is a filter of the first order.
type onePole struct{ share, state float64 }

func (f *onePole) set(hz float64) { f.share = 1 - math.Exp(-2*pi*hz/SampleRate) }

func (f *onePole) low(v float64) float64 {
	f.state += f.share * (v - f.state)
	return f.state
}
