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
}

// newLayout takes what S_FMT returned.
func newLayout(p uapi.PixFormat) (layout, error) {
	l := layout{p.PixelFormat, int(p.Width), int(p.Height), int(p.BytesPerLine)}
	least := map[uint32]int{uapi.PixYUYV: 2 * ((l.width + 1) &^ 1), uapi.PixNV12: l.width, uapi.PixYU12: l.width}
	if l.stride == 0 {
		l.stride = least[l.format] // drivers that never heard of padding
	}
	if !usable(p.Width) || !usable(p.Height) || l.stride < least[l.format] || l.stride > 1<<20 {
		return l, fmt.Errorf("cannot use the camera's format: %dx%d with %d bytes a line", p.Width, p.Height, p.BytesPerLine)
	}
	return l, nil
}

// convert writes the picture in src into dst, which is 4:2:0 with the layout's
// size made even. Its errors wrap errBadPicture or jpeg.ErrCorrupt.
func (l layout) convert(dst *image.YCbCr, src []byte, decoder *jpeg.Decoder) error {
	switch l.format {
	case uapi.PixMJPEG, uapi.PixJPEG:
		return decoder.Decode(dst, src)
	case uapi.PixYUYV:
		return l.yuyv(dst, src)
	case uapi.PixNV12:
		return l.nv12(dst, src)
	case uapi.PixYU12:
		return l.yu12(dst, src)
	}
	return fmt.Errorf("%w: unknown format %#x", errBadPicture, l.format)
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
func (l layout) nv12(dst *image.YCbCr, src []byte) error {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	chroma := l.height * l.stride
	if need := chroma + (h/2-1)*l.stride + w; len(src) < need {
		return short(len(src), need)
	}
	plane(dst.Y, dst.YStride, src, l.stride, w, h)
	for row := range h / 2 {
		line := src[chroma+row*l.stride:][:w]
		cb, cr := dst.Cb[row*dst.CStride:][:w/2], dst.Cr[row*dst.CStride:][:w/2]
		for i := range cb {
			p := line[2*i : 2*i+2 : 2*i+2]
			cb[i], cr[i] = p[0], p[1]
		}
	}
	return nil
}

// yu12 copies three planes; the chroma lines are half as long as the luma lines,
// padding included.
func (l layout) yu12(dst *image.YCbCr, src []byte) error {
	w, h := dst.Rect.Dx(), dst.Rect.Dy()
	stride, lines := l.stride/2, (l.height+1)/2
	cb := l.height * l.stride
	cr := cb + lines*stride
	if need := cr + (h/2-1)*stride + w/2; len(src) < need {
		return short(len(src), need)
	}
	plane(dst.Y, dst.YStride, src, l.stride, w, h)
	plane(dst.Cb, dst.CStride, src[cb:], stride, w/2, h/2)
	plane(dst.Cr, dst.CStride, src[cr:], stride, w/2, h/2)
	return nil
}

func plane(dst []byte, dstStride int, src []byte, srcStride, w, h int) {
	for row := range h {
		copy(dst[row*dstStride:][:w], src[row*srcStride:])
	}
}
