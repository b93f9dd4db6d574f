package v4l2

import (
	"cmp"
	"math"
	"slices"

	"callbox/hal"
	"callbox/hal/v4l2/internal/uapi"
)

// maxIndex bounds the enumerations, should a driver never end them.
const maxIndex = 256

// mode is one way in which a camera can run.
type mode struct {
	format        uint32
	width, height int
	rate          float64 // the highest, in pictures a second; 0 when unknown
}

// costs are the formats of pictures that this package takes, by what one costs: two
// that are copied, one that is unpacked, one that is decoded.
var costs = []uint32{uapi.PixYU12, uapi.PixYU12M, uapi.PixNV12, uapi.PixNV12M, uapi.PixYUYV, uapi.PixMJPEG, uapi.PixJPEG}

// encoded is what is handed on as it is.
var encoded = []uint32{uapi.PixH264}

// choose returns the mode nearest to the wanted one, of equally near ones the
// cheapest. modes must not be empty.
func choose(modes []mode, want hal.VideoMode) mode {
	return slices.MinFunc(modes, func(a, b mode) int {
		return cmp.Or(
			cmp.Compare(distance(a, want), distance(b, want)),
			cmp.Compare(slices.Index(costs, a.format), slices.Index(costs, b.format)),
		)
	})
}

// distance is 0 when m has the wanted size and reaches nine tenths of the wanted
// rate (cameras say 29.97 or 27.5 for 30). It grows by 1 with each doubling or
// halving of the number of pixels, by 1.5 with each halving of the rate (a call
// suffers more from few pictures than from small ones), and by 2 with each
// doubling of the aspect ratio, which would cost black bars.
func distance(m mode, want hal.VideoMode) float64 {
	w, h := float64(m.width)/float64(want.Width), float64(m.height)/float64(want.Height)
	d := math.Abs(math.Log2(w*h)) + 2*math.Abs(math.Log2(w/h))
	if m.rate > 0 && m.rate < 0.9*want.FrameRate {
		d += 1.5 * math.Log2(want.FrameRate/m.rate)
	}
	return math.Round(d*1e6) / 1e6 // so that cost decides between equals
}

// formats returns the pixel formats of the node that are among the wanted.
func (d device) formats(wanted []uint32) []uint32 {
	var found []uint32
	for i := range uint32(maxIndex) {
		f := uapi.FmtDesc{Index: i, Type: d.kind}
		if call(d.node, uapi.EnumFmt, &f) != nil {
			break
		}
		if slices.Contains(wanted, f.PixelFormat) {
			found = append(found, f.PixelFormat)
		}
	}
	return found
}

// modes returns what the camera can do in the formats, ranges of sizes cut down to the size
// that is nearest to the wanted one.
func (d device) modes(formats []uint32, want hal.VideoMode) []mode {
	var found []mode
	for _, format := range d.formats(formats) {
		n := len(found)
		for i := range uint32(maxIndex) {
			s := uapi.FrmSizeEnum{Index: i, PixelFormat: format}
			if call(d.node, uapi.EnumFrameSizes, &s) != nil {
				break
			}
			width, height := s.Stepwise.Discrete()
			if s.Type != uapi.FrmTypeDiscrete {
				width = nearest(want.Width, s.Stepwise.MinWidth, s.Stepwise.MaxWidth, s.Stepwise.StepWidth)
				height = nearest(want.Height, s.Stepwise.MinHeight, s.Stepwise.MaxHeight, s.Stepwise.StepHeight)
			}
			if usable(width) && usable(height) {
				found = append(found, mode{format, int(width), int(height), d.fastest(format, width, height)})
			}
			if s.Type != uapi.FrmTypeDiscrete {
				break // a range is the only entry
			}
		}
		if len(found) == n { // the driver enumerates no sizes: S_FMT will say
			found = append(found, mode{format: format, width: want.Width, height: want.Height})
		}
	}
	return found
}

// usable keeps sizes out that no picture has or that memory would not bear.
func usable(n uint32) bool { return n >= 2 && n <= 8192 }

// nearest returns the value of the range from low to high in steps that is
// nearest to want.
func nearest(want int, low, high, step uint32) uint32 {
	step = max(step, 1)
	if want <= int(low) {
		return low
	}
	w := min(uint32(want), high)
	return min(low+(w-low+step/2)/step*step, high-(high-low)%step)
}

// fastest returns the highest rate of a size, 0 when the driver does not say.
func (d device) fastest(format, width, height uint32) float64 {
	best := 0.0
	for i := range uint32(maxIndex) {
		v := uapi.FrmIvalEnum{Index: i, PixelFormat: format, Width: width, Height: height}
		if call(d.node, uapi.EnumFrameIntervals, &v) != nil {
			break
		}
		// Of a range, Min is the shortest interval.
		best = max(best, rate(v.Min))
		if v.Type != uapi.FrmTypeDiscrete {
			break
		}
	}
	return best
}

// rate is the inverse of an interval, 0 when it makes no sense.
func rate(interval uapi.Fract) float64 {
	if interval.Numerator == 0 {
		return 0
	}
	return float64(interval.Denominator) / float64(interval.Numerator)
}

// interval is the inverse of a rate, to a thousandth of a picture a second.
func interval(rate float64) uapi.Fract {
	if whole := math.Round(rate); math.Abs(rate-whole) < 1e-6 {
		return uapi.Fract{Numerator: 1, Denominator: uint32(whole)}
	}
	return uapi.Fract{Numerator: 1000, Denominator: uint32(math.Round(rate * 1000))}
}
