package echo

import "math"

// fftSize holds a window of two frames.
const fftSize = 1024

// fft is a complex Fourier transform of fftSize points.
type fft struct {
	cos, sin [fftSize / 2]float32
	swap     [fftSize]uint16
}

func newFFT() *fft {
	t := &fft{}
	for i := range t.cos {
		s, c := math.Sincos(-2 * math.Pi * float64(i) / fftSize)
		t.cos[i], t.sin[i] = float32(c), float32(s)
	}
	for i := range t.swap {
		j := 0
		for bit := 1; bit < fftSize; bit <<= 1 {
			j <<= 1
			if i&bit != 0 {
				j |= 1
			}
		}
		t.swap[i] = uint16(j)
	}
	return t
}

// run transforms re + i*im in place, forwards and without a factor.
func (t *fft) run(re, im *[fftSize]float32) {
	for i, j := range t.swap {
		if i < int(j) {
			re[i], re[j] = re[j], re[i]
			im[i], im[j] = im[j], im[i]
		}
	}
	for size := 2; size <= fftSize; size <<= 1 {
		half, step := size/2, fftSize/size
		for from := 0; from < fftSize; from += size {
			for k := range half {
				c, s := t.cos[k*step], t.sin[k*step]
				a, b := from+k, from+k+half
				r, i := re[b]*c-im[b]*s, re[b]*s+im[b]*c
				re[b], im[b] = re[a]-r, im[a]-i
				re[a], im[a] = re[a]+r, im[a]+i
			}
		}
	}
}
