package yuv

/*
#cgo CFLAGS: -O3
#include "range.h"
*/
import "C"

import (
	"fmt"
	"image"
	"math"

	"callbox/hal"
)

// What brings a sample from the full range to the limited one of BT.601, to the nearest
// value or the one beside it.
var (
	limitLuma   = C.callbox_range{mul: 110, add: 16<<7 + 1<<6, shift: 7} // 219/255, from 16
	limitChroma = C.callbox_range{mul: 225, add: 15<<8 + 1<<8, shift: 8} // 224/255, around 128
)

// Limit brings the samples of p from the full range (0 to 255) to the limited one
// (16 to 235, 16 to 240), in place.
func Limit(p *image.YCbCr) error {
	if err := check("limit", p); err != nil {
		return err
	}
	cw, ch := C.int(p.Rect.Dx()+1)/2, C.int(p.Rect.Dy()+1)/2
	C.callbox_limit(plane(p.Y), C.int(p.YStride), C.int(p.Rect.Dx()), C.int(p.Rect.Dy()), limitLuma)
	C.callbox_limit(plane(p.Cb), C.int(p.CStride), cw, ch, limitChroma)
	C.callbox_limit(plane(p.Cr), C.int(p.CStride), cw, ch, limitChroma)
	return nil
}

// LimitTall is Limit for a picture whose chroma lies elsewhere, with a line for each of
// its lines (4:2:2): two of them become one by their mean. Lines of cb and cr are stride
// bytes.
func LimitTall(p *image.YCbCr, cb, cr []byte, stride int) error {
	if err := check("limit", p); err != nil {
		return err
	}
	cw, ch := (p.Rect.Dx()+1)/2, p.Rect.Dy()/2
	if need := stride*(2*ch-1) + cw; p.Rect.Dy()%2 != 0 || stride < cw || min(len(cb), len(cr)) < need {
		return fmt.Errorf("cannot limit a picture: its chroma has %d and %d bytes, %d in a line; wanted %d for %v",
			len(cb), len(cr), stride, need, p.Rect.Size())
	}
	C.callbox_limit(plane(p.Y), C.int(p.YStride), C.int(p.Rect.Dx()), C.int(p.Rect.Dy()), limitLuma)
	C.callbox_halve_limit(plane(p.Cb), C.int(p.CStride), plane(cb), C.int(stride), C.int(cw), C.int(ch), limitChroma)
	C.callbox_halve_limit(plane(p.Cr), C.int(p.CStride), plane(cr), C.int(stride), C.int(cw), C.int(ch), limitChroma)
	return nil
}

// Recolour brings the samples of p from the colours that they have to others, in place.
func Recolour(p *image.YCbCr, from, to hal.Colours) error {
	switch {
	case from == to:
		return nil
	case from.BT709 == to.BT709 && from.FullRange:
		return Limit(p)
	}
	if err := check("recolour", p); err != nil {
		return err
	}
	C.callbox_recolour(plane(p.Y), C.int(p.YStride), plane(p.Cb), plane(p.Cr), C.int(p.CStride),
		C.int(p.Rect.Dx()), C.int(p.Rect.Dy()), recolours[index(from)][index(to)])
	return nil
}

// recolours has the sums from each colours to each.
var recolours = func() (all [4][4]C.callbox_colours) {
	kinds := [4]hal.Colours{{}, {BT709: true}, {FullRange: true}, {BT709: true, FullRange: true}}
	for _, from := range kinds {
		for _, to := range kinds {
			all[index(from)][index(to)] = sums(from, to)
		}
	}
	return all
}()

func index(c hal.Colours) int {
	i := 0
	if c.BT709 {
		i = 1
	}
	if c.FullRange {
		i += 2
	}
	return i
}

// sums are those that bring samples from colours to others.
func sums(from, to hal.Colours) C.callbox_colours {
	a, b := meaning(from), meaning(to)
	// From luma 0 and one chroma at its unit to red, green and blue, and back.
	through := func(pb, pr float64) (y, u, v float64) {
		red, blue := 2*(1-a.red)*pr, 2*(1-a.blue)*pb
		green := -(a.red*red + a.blue*blue) / (1 - a.red - a.blue)
		y = b.red*red + (1-b.red-b.blue)*green + b.blue*blue
		return y, (blue - y) / (2 * (1 - b.blue)), (red - y) / (2 * (1 - b.red))
	}
	yu, uu, vu := through(1, 0)
	yv, uv, vv := through(0, 1)
	luma, chroma := b.luma/a.luma, b.chroma/a.chroma
	yu, yv = yu*b.luma/a.chroma, yv*b.luma/a.chroma
	uu, uv, vu, vv = uu*chroma, uv*chroma, vu*chroma, vv*chroma
	fixed := func(v float64) C.int32_t { return C.int32_t(math.Round(v * (1 << 14))) }
	const half = 0.5 // C cuts off
	var m C.callbox_colours
	m.y = [4]C.int32_t{fixed(luma), fixed(yu), fixed(yv), fixed(b.black - luma*a.black - 128*(yu+yv) + half)}
	m.cb = [3]C.int32_t{fixed(uu), fixed(uv), fixed(128 - 128*(uu+uv) + half)}
	m.cr = [3]C.int32_t{fixed(vu), fixed(vv), fixed(128 - 128*(vu+vv) + half)}
	return m
}

// space is what samples mean: the weights of red and blue in luma, the luma of black, and
// how many steps luma and chroma have.
type space struct{ red, blue, black, luma, chroma float64 }

// meaning is of ITU-R BT.601 (2.5.1 and 2.5.3), ITU-R BT.709 (3 and 4) and JFIF 1.02
// (section 7).
func meaning(c hal.Colours) space {
	s := space{red: 0.299, blue: 0.114, black: 16, luma: 219, chroma: 224}
	if c.BT709 {
		s.red, s.blue = 0.2126, 0.0722
	}
	if c.FullRange {
		s.black, s.luma, s.chroma = 0, 255, 255
	}
	return s
}
