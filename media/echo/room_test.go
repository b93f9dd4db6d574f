package echo

import (
	"math"
	"math/cmplx"
	"math/rand/v2"

	"callbox/hal"
)

// room is a loudspeaker, a microphone and a person in a synthetic room. Sound in
// the tests is float64, 1 is full scale.
type room struct {
	delay int     // ms from the played sample to the first sound at the microphone
	echo  float64 // dB of the echo at the microphone against what is played
	noise float64 // dBFS, of the microphone and the place
	seed  uint64
}

const (
	responseLength = hal.SampleRate * 150 / 1000
	// drive makes the loudspeaker clip softly: tanh, 1 dB of compression at half of
	// full scale.
	drive = 1.25
)

// response is the way from the loudspeaker to the microphone: 150 ms in which
// Gaussian noise dies away by 60 dB, and a direct sound with as much power as all
// of that.
func (r room) response() []float64 {
	random := rand.New(rand.NewPCG(r.seed, 1))
	h := make([]float64, responseLength)
	for i := range h {
		h[i] = random.NormFloat64() * math.Pow(10, -3*float64(i)/responseLength)
	}
	h[0] = math.Sqrt(energy(h))
	return scale(h, fromDB(r.echo)/math.Sqrt(energy(h)))
}

// hear returns the echo of what is played, without noise.
func (r room) hear(played []int16) []float64 {
	x := floats(played)
	for i, v := range x {
		x[i] = math.Tanh(drive*v) / drive
	}
	out := make([]float64, len(played))
	copy(out[r.delay*hal.SampleRate/1000:], convolve(x, r.response()))
	return out
}

// noisy returns the noise of the microphone.
func (r room) noisy(n int) []float64 {
	random := rand.New(rand.NewPCG(r.seed, 2))
	out := make([]float64, n)
	for i := range out {
		out[i] = random.NormFloat64() * fromDB(r.noise)
	}
	return out
}

// convolve returns as many samples as x has, block by block (overlap-add).
func convolve(x, h []float64) []float64 {
	const n = 1 << 15
	filter, block := make([]complex128, n), make([]complex128, n)
	for i, v := range h {
		filter[i] = complex(v, 0)
	}
	exactFFT(filter, 1)
	out := make([]float64, len(x)+n)
	for at, step := 0, n-len(h)+1; at < len(x); at += step {
		clear(block)
		for i := range min(step, len(x)-at) {
			block[i] = complex(x[at+i], 0)
		}
		exactFFT(block, 1)
		for i := range block {
			block[i] *= filter[i]
		}
		exactFFT(block, -1)
		for i, v := range block {
			out[at+i] += real(v) / n
		}
	}
	return out[:len(x)]
}

// exactFFT transforms a power of two of values in place, forwards or (-1)
// backwards, without a factor.
func exactFFT(a []complex128, direction float64) {
	n := len(a)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			a[i], a[j] = a[j], a[i]
		}
	}
	turn := make([]complex128, n/2)
	for size := 2; size <= n; size <<= 1 {
		half := size / 2
		for k := range half {
			turn[k] = cmplx.Rect(1, -direction*2*math.Pi*float64(k)/float64(size))
		}
		for from := 0; from < n; from += size {
			for k := range half {
				u, v := a[from+k], a[from+k+half]*turn[k]
				a[from+k], a[from+k+half] = u+v, u-v
			}
		}
	}
}

func energy(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// dB of a ratio of powers, and the factor of an amplitude.
func dB(ratio float64) float64 { return 10 * math.Log10(ratio) }
func fromDB(d float64) float64 { return math.Pow(10, d/20) }

func scale(x []float64, g float64) []float64 {
	for i := range x {
		x[i] *= g
	}
	return x
}

func floats(pcm []int16) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v) / 32768
	}
	return out
}

func int16s(x []float64) []int16 {
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(min(max(math.Round(v*32768), math.MinInt16), math.MaxInt16))
	}
	return out
}

// add returns the sum of signals of one length.
func add(signals ...[]float64) []float64 {
	out := make([]float64, len(signals[0]))
	for _, s := range signals {
		for i, v := range s {
			out[i] += v
		}
	}
	return out
}
