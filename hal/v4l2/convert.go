package v4l2

import (
	"errors"
	"fmt"
	"image"

	"callbox/hal/jpeg"
	"callbox/hal/v4l2/internal/uapi"
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
		return l.yuyv(dst, luma)
	case uapi.PixNV12:
		return l.nv12(dst, luma, behind(luma, l.height*l.stride), l.stride)
	case uapi.PixNV12M:
		return l.nv12(dst, luma, src[1], l.chroma)
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

// behind is what lies behind n bytes.
func behind(p []byte, n int) []byte { return p[min(n, len(p)):] }

// check refuses a plane that is too short for its lines.
func check(p []byte, stride, w, h int) error {
	if need := (h-1)*stride + w; len(p) < need {
		return short(len(p), need)
	}
	return nil
}

func short(have, need int) error {
	return fmt.Errorf("%w: %d bytes, want %d", errBadPicture, have, need)
}

// yuyv unpacks 4:2:2 pixels (Y0 Cb Y1 Cr) and averages the chroma of two lines.
func (l layout) yuyv(dst *image.YCbCr, src []byte) error {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if need := (h-1)*l.stride + 2*w; len(src) < need {
		return short(len(src), need)
	}
	for row := 0; row < h; row += 2 {
		a, b := src[row*l.stride:][:2*w], src[(row+1)*l.stride:][:2*w]
		ya, yb := dst.Y[row*dst.YStride:][:w], dst.Y[(row+1)*dst.YStride:][:w]
		cb, cr := dst.Cb[row/2*dst.CStride:][:w/2], dst.Cr[row/2*dst.CStride:][:w/2]
		for i := range cb {
			// One length check for four bytes, and one for two.
			p, q := a[4*i:4*i+4:4*i+4], b[4*i:4*i+4:4*i+4]
			u, v := ya[2*i:2*i+2:2*i+2], yb[2*i:2*i+2:2*i+2]
			u[0], u[1] = p[0], p[2]
			v[0], v[1] = q[0], q[2]
			cb[i] = byte((uint(p[1]) + uint(q[1]) + 1) >> 1)
			cr[i] = byte((uint(p[3]) + uint(q[3]) + 1) >> 1)
		}
	}
	return nil
}

// nv12 splits the interleaved chroma plane.
func (l layout) nv12(dst *image.YCbCr, luma, chroma []byte, stride int) error {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	if err := errors.Join(check(luma, l.stride, w, h), check(chroma, stride, w, h/2)); err != nil {
		return err
	}
	plane(dst.Y, dst.YStride, luma, l.stride, w, h)
	for row := range h / 2 {
		line := chroma[row*stride:][:w]
		cb, cr := dst.Cb[row*dst.CStride:][:w/2], dst.Cr[row*dst.CStride:][:w/2]
		for i := range cb {
			p := line[2*i : 2*i+2 : 2*i+2]
			cb[i], cr[i] = p[0], p[1]
		}
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
