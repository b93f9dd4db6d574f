package echo

// speexdsp takes a constant out of what it hears with a notch at 0 Hz that is
// about 60 Hz wide and turns the phase of deep voices up to 300 Hz. That alone
// keeps the near talker's distortion ratio below 5 to 10 dB. unnotch undoes it: its
// zeros lie on the notch's poles, and its own poles leave a notch of some 8 Hz.
//
// The notch is H = r(1 - z)^2 / (1 - 2rz + sz^2), in z^-1 (filter_dc_notch16 in
// mdf.c, radius for rates above 24 kHz).
const (
	notchRadius = 0.992
	notchSquare = notchRadius*notchRadius + 0.7*(1-notchRadius)*(1-notchRadius)
	narrow      = 0.999
)

// biquad is a second-order filter with two poles at narrow, and zeros given by
// b0, b1, b2.
type biquad struct {
	b0, b1, b2     float64
	x1, x2, y1, y2 float64
}

// newUnnotch returns the filter for what the library gives out.
func newUnnotch() biquad {
	return biquad{b0: 1 / notchRadius, b1: -2, b2: notchSquare / notchRadius}
}

// newNotch returns the filter that makes the same of what the library got.
func newNotch() biquad { return biquad{b0: 1, b1: -2, b2: 1} }

func (q *biquad) run(x float64) float64 {
	y := q.b0*x + q.b1*q.x1 + q.b2*q.x2 + 2*narrow*q.y1 - narrow*narrow*q.y2
	q.x2, q.x1, q.y2, q.y1 = q.x1, x, q.y1, y
	return y
}
