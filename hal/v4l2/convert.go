package v4l2

import (
	"errors"
	"fmt"
	"image"

	"callbox/hal/jpeg"
	"callbox/hal/v4l2/internal/uapi"
	"callbox/hal/yuv"
)

// errBadPicture means that one picture is not usable; the next one may be.
var errBadPicture = errors.New("bad picture")

// layout is how the driver lays pictures out in a buffer.
type layout struct {
	format        uint32
	width, height int // as the driver gives it, perhaps odd
	stride        int // in bytes, of the first plane
	chroma        int // in bytes, of the other planes, when they have memory of their own
}

// pixels is what S_FMT returned, by either API.
type pixels struct {
	format, width, height uint32
	planes                int    // with memory of their own
	stride, chroma        uint32 // bytes of a line in the first and in the second of them
}

// planesOf is how many planes with memory of their own a format has.
func planesOf(format uint32) int {
	switch format {
	case uapi.PixNV12M:
		return 2
	case uapi.PixYU12M:
		return 3
	}
	return 1
}

// newLayout takes what S_FMT returned.
func newLayout(p pixels) (layout, error) {
	l := layout{p.format, int(p.width), int(p.height), int(p.stride), int(p.chroma)}
	least, half := l.width, 0
	switch p.format {
	case uapi.PixYUYV:
		least = 2 * ((l.width + 1) &^ 1)
	case uapi.PixNV12M:
		half = (l.width + 1) &^ 1
	case uapi.PixYU12M:
		half = (l.width + 1) / 2
	case uapi.PixMJPEG, uapi.PixJPEG, uapi.PixH264:
		least = 0
	}
	if l.stride == 0 {
		l.stride = least // drivers that never heard of padding
	}
	if l.chroma == 0 {
		l.chroma = half
	}
	if !usable(p.width) || !usable(p.height) || l.stride < least || l.stride > 1<<20 || l.chroma < half || l.chroma > 1<<20 {
		return l, fmt.Errorf("cannot use the camera's format: %dx%d with %d and %d bytes a line", p.width, p.height, p.stride, p.chroma)
	}
	if p.planes != planesOf(p.format) {
		return l, fmt.Errorf("cannot use the camera's format %s: it has %d planes, not %d", fourCC(p.format), p.planes, planesOf(p.format))
	}
	return l, nil
}

// convert writes the picture in src, one for each plane with memory of its own, into
// dst, which is 4:2:0 with the layout's size made even. Its errors wrap errBadPicture
// or jpeg.ErrCorrupt.
func (l layout) convert(dst *image.YCbCr, src [][]byte, decoder *jpeg.Decoder) error {
	if len(src) != planesOf(l.format) {
		return fmt.Errorf("%w: %d planes", errBadPicture, len(src))
	}
	luma := src[0]
	switch l.format {
	case uapi.PixMJPEG, uapi.PixJPEG:
		return decoder.Decode(dst, luma)
	case uapi.PixYUYV:
		return unpacked(yuv.FromYUYV(dst, luma, l.stride))
	case uapi.PixNV12:
		return unpacked(yuv.FromNV12(dst, luma, l.stride, behind(luma, l.height*l.stride), l.stride))
	case uapi.PixNV12M:
		return unpacked(yuv.FromNV12(dst, luma, l.stride, src[1], l.chroma))
	case uapi.PixYU12:
		// The chroma lines are half as long as the luma lines, padding included.
		cb := l.height * l.stride
		cr := cb + (l.height+1)/2*(l.stride/2)
		return l.yu12(dst, luma, behind(luma, cb), behind(luma, cr), l.stride/2)
	case uapi.PixYU12M:
		return l.yu12(dst, luma, src[1], src[2], l.chroma)
	}
	return fmt.Errorf("%w: unknown format %#x", errBadPicture, l.format)
}

// unpacked says that a picture that could not be unpacked is a bad one.
func unpacked(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errBadPicture, err)
	}
	return nil
}

// behind is what lies behind n bytes.
func behind(p []byte, n int) []byte { return p[min(n, len(p)):] }

// check refuses a plane that is too short for its lines.
func check(p []byte, stride, w, h int) error {
	if need := (h-1)*stride + w; len(p) < need {
		return fmt.Errorf("%w: %d bytes, want %d", errBadPicture, len(p), need)
	}
	return nil
}

// yu12 copies three planes.
func (l layout) yu12(dst *image.YCbCr, luma, cb, cr []byte, stride int) error {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if err := errors.Join(check(luma, l.stride, w, h), check(cb, stride, w/2, h/2), check(cr, stride, w/2, h/2)); err != nil {
		return err
	}
	plane(dst.Y, dst.YStride, luma, l.stride, w, h)
	plane(dst.Cb, dst.CStride, cb, stride, w/2, h/2)
	plane(dst.Cr, dst.CStride, cr, stride, w/2, h/2)
	return nil
}

func plane(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	for row := range h {
		copy(dst[row*dstStride:][:w], src[row*srcStride:])
	}
}
