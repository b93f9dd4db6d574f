package selftest

import (
	"math/bits"
	"math/cmplx"
)

// fft transforms a in place; its length is a power of two. The inverse is fft of the
// conjugate, divided by the length.
func fft(a []complex128) {
	n := len(a)
	shift := bits.LeadingZeros64(uint64(n)) + 1
	for i := range a {
		if j := int(bits.Reverse64(uint64(i)) >> shift); i < j {
			a[i], a[j] = a[j], a[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		turn := cmplx.Rect(1, -2*pi/float64(size))
		for begin := 0; begin < n; begin += size {
			w := complex(1, 0)
			for k := range size / 2 {
				even, odd := a[begin+k], a[begin+k+size/2]*w
				a[begin+k], a[begin+k+size/2] = even+odd, even-odd
				w *= turn
			}
		}
	}
}

// correlateWhite returns, for each lag from 0 on, the sum of y[i+lag]·x[i] with y made
// white: as many as y has samples more than x, and one.
func correlateWhite(x, y []float64) []float64 {
	n := 1
	for n < len(x)+len(y) {
		n *= 2
	}
	a, b := make([]complex128, n), make([]complex128, n)
	for i, v := range x {
		a[i] = complex(v, 0)
	}
	for i, v := range y {
		b[i] = complex(v, 0)
	}
	fft(a)
	fft(b)
	for i := range a {
		if size := cmplx.Abs(b[i]); size > 0 {
			a[i] *= cmplx.Conj(b[i]) / complex(size, 0) // conjugated: the inverse
		}
	}
	fft(a)
	out := make([]float64, len(y)-len(x)+1)
	for i := range out {
		out[i] = real(a[i]) / float64(n)
	}
	return out
}
