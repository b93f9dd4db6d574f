package selftest

import (
	"math"
	"math/cmplx"
	"slices"
	"time"
)

// Echo is what comes back of the sound that the phone sends, as ITU-T G.122 calls it: the
// echo's return loss. The bigger, the better.
type Echo struct {
	Measured bool    `json:"measured"`         // false: too little sound came
	Heard    bool    `json:"heard"`            // something came back
	Loss     float64 `json:"lossDb,omitzero"`  // of what came back, below what was sent
	Floor    float64 `json:"floorDb,omitzero"` // so much loss could have been told apart from none
	Delay    float64 `json:"delayMs,omitzero"` // from where the phone sends to where it hears; of an echo that was found
	Level    float64 `json:"levelDb,omitzero"` // of the sound that was sent while it sounds, in dB of full scale
	Method   string  `json:"method,omitzero"`  // waveform, loudness: by what the echo was found
	Periods  int     `json:"periods,omitzero"` // that were compared
}

// The echo is measured at a rate that holds all of what Speech sends.
const (
	echoRate   = 8000
	decimation = SampleRate / echoRate
	window     = 2048 // samples, 256 ms: longer than a room's tail that matters
)

// warmUp is what an echo canceller gets before it is judged, where there is time.
const warmUp = 3 * time.Second

// alike is by how many dB two findings of one echo may differ.
const alike = 3

// atLeast is the least that says anything.
const atLeast = 2 * Period

// EchoOf looks in heard for what was sent: Speech, over and over, whose first sample went
// out offset before the first sample of heard came (negative: after it). Both are mono at
// SampleRate.
//
// It looks twice. The waveform: how much of heard follows from what was sent, by a
// correlation in each frequency (the H1 estimate of a transfer function). What a
// canceller leaves may have another waveform: the loudness, whether heard is louder in
// nearly every period while the echo of speech would sound. The worse finding counts,
// and the waveform's where they are alike.
func EchoOf(heard []int16, offset time.Duration) Echo {
	if d := time.Duration(len(heard)) * time.Second / SampleRate; d >= warmUp+atLeast {
		heard, offset = heard[samplesOf(warmUp):], offset+warmUp
	} else if d < atLeast {
		return Echo{}
	}
	x, y := decimate(Speech()), decimate(heard)
	sounding := x[:int(speechTime*echoRate/time.Second)]
	e := Echo{Measured: true, Level: decibel(rms(sounding)), Periods: len(y) / len(x)}
	lag := lagOf(x, y)
	loss, floor, found := waveformLoss(x, y, lag)
	e.Floor = round1(floor)
	if found {
		e.Heard, e.Loss, e.Method = true, round1(loss), "waveform"
		behind := time.Duration(lag)*time.Second/echoRate + offset
		e.Delay = math.Mod(behind.Seconds()*1e3+2*Period.Seconds()*1e3, Period.Seconds()*1e3)
		e.Delay = round1(e.Delay)
	}
	if loss, louder := loudnessLoss(x, y, offset); louder && (!e.Heard || loss < e.Loss-alike) {
		e.Heard, e.Loss, e.Method = true, round1(loss), "loudness"
	}
	return e
}

// lagOf is by how many samples y lies behind x, modulo a period. y is made white, so that
// a tone near the device does not count more than everything else.
func lagOf(x, y []float64) int {
	folded := make([]float64, 2*len(x))
	for i := range len(y) / len(x) * len(x) {
		folded[i%len(x)] += y[i]
		folded[i%len(x)+len(x)] = folded[i%len(x)]
	}
	best, lag := 0.0, 0
	for i, c := range correlateWhite(x, folded)[:len(x)] {
		if math.Abs(c) > best {
			best, lag = math.Abs(c), i
		}
	}
	return lag
}

// spectra are those of a signal and what may follow from it, in one bin.
type spectra struct {
	xx    float64    // power of x
	xy    complex128 // cross power
	noise float64    // what |xy|² is expected to be when nothing follows
}

// The bins that hold what Speech sends, and how much more than the median of them one may
// have of what does not follow from x: a tone that somebody plays near the device.
const (
	lowestBin  = 300 * window / echoRate
	highestBin = 3300 * window / echoRate
	toneTimes  = 10
)

// waveformLoss is by how many dB what follows from x in y is weaker than x, and how much
// that could have been at most to be found.
func waveformLoss(x, y []float64, lag int) (loss, floor float64, found bool) {
	bins := make([]spectra, highestBin)
	shape := hann()
	a, b := make([]complex128, window), make([]complex128, window)
	for begin := 0; begin+window <= len(y); begin += window / 2 {
		for i, w := range shape {
			a[i] = complex(w*x[((begin+i-lag)%len(x)+len(x))%len(x)], 0)
			b[i] = complex(w*y[begin+i], 0)
		}
		fft(a)
		fft(b)
		for f := lowestBin; f < highestBin; f++ {
			px, py := power(a[f]), power(b[f])
			bins[f].xx += px
			bins[f].xy += cmplx.Conj(a[f]) * b[f]
			bins[f].noise += px * py
		}
	}
	bins = bins[lowestBin:]
	sent, back, noise, n := 0.0, 0.0, 0.0, 0
	most := toneTimes * medianNoise(bins)
	for _, s := range bins {
		if s.xx <= 0 || s.noise/s.xx > most {
			continue
		}
		sent += s.xx
		back += power(s.xy) / s.xx
		noise += overlap * s.noise / s.xx
		n++
	}
	if sent <= 0 || n == 0 {
		return 0, 0, false
	}
	// The sum of n bins, of which neighbours share their noise, is off by noise/√(n/1.5);
	// four times that happens by chance to none of 10,000 devices.
	least := max(4*noise/math.Sqrt(float64(n)/1.5), sent*1e-9)
	floor = 10 * math.Log10(sent/least)
	if back -= noise; back < least {
		return 0, floor, false
	}
	return 10 * math.Log10(sent/back), floor, true
}

// overlap is by how much windows that overlap by half have more noise in common than
// such that do not (Welch 1967).
const overlap = 1.2

func power(c complex128) float64 { return real(c)*real(c) + imag(c)*imag(c) }

func medianNoise(bins []spectra) float64 {
	var all []float64
	for _, s := range bins {
		if s.xx > 0 {
			all = append(all, s.noise/s.xx)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func hann() []float64 {
	w := make([]float64, window)
	for i := range w {
		w[i] = math.Pow(math.Sin(pi*float64(i)/window), 2)
	}
	return w
}

// Of one period: when the echo of the speech sounds whatever the way takes (100 to 400 ms
// with the buffers of both sides), and when it does not.
const (
	echoBegins = 400 * time.Millisecond
	echoEnds   = speechTime + 100*time.Millisecond
	restBegins = speechTime + 500*time.Millisecond
	restEnds   = Period
)

// How much louder the one has to be than the other, in dB, in how many of the periods.
const (
	louderBy     = 2
	louderByMean = 3
	leastPeriods = 3
)

// loudnessLoss is by how many dB y is louder while the echo of x sounds, against x.
func loudnessLoss(x, y []float64, offset time.Duration) (loss float64, louder bool) {
	var on, off []float64
	at := func(d time.Duration) int { return int(d * echoRate / time.Second) }
	first := at(-offset) % len(x)
	if first < 0 {
		first += len(x)
	}
	for begin := first; begin+at(restEnds) <= len(y); begin += len(x) {
		a, b := rms(y[begin+at(echoBegins):begin+at(echoEnds)]), rms(y[begin+at(restBegins):begin+at(restEnds)])
		on, off = append(on, a*a), append(off, b*b)
	}
	yes := 0
	for i := range on {
		if on[i] > off[i]*math.Pow(10, louderBy/10.) {
			yes++
		}
	}
	sounding := rms(x[:at(speechTime)])
	excess := mean(on) - mean(off)
	if len(on) < leastPeriods || yes*5 < len(on)*4 || mean(on) < mean(off)*math.Pow(10, louderByMean/10.) || excess <= 0 {
		return 0, false
	}
	return 10 * math.Log10(sounding*sounding/excess), true
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(max(1, len(list)))
}

// decimate goes down to echoRate behind a low pass (a sinc in a Hann window).
func decimate(pcm []int16) []float64 {
	const half = 4 * decimation
	var taps [2*half + 1]float64
	sum := 0.0
	for i := range taps {
		t := float64(i-half) / decimation * 0.9
		taps[i] = math.Pow(math.Cos(pi*float64(i-half)/(2*half+2)), 2)
		if t != 0 {
			taps[i] *= math.Sin(pi*t) / (pi * t)
		}
		sum += taps[i]
	}
	out := make([]float64, 0, len(pcm)/decimation+1)
	for at := 0; at < len(pcm); at += decimation {
		v := 0.0
		for i, tap := range taps {
			if j := at + i - half; j >= 0 && j < len(pcm) {
				v += tap * float64(pcm[j])
			}
		}
		out = append(out, v/sum/(math.MaxInt16+1))
	}
	return out
}
