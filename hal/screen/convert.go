package screen

/*
#cgo LDFLAGS: -lyuv
#include <libyuv/convert_argb.h>
#include <libyuv/rotate.h>
#include <libyuv/scale.h>

// The constants are of a type that only libyuv's inside knows.
static int convert(const uint8_t* y, int y_stride, const uint8_t* u, const uint8_t* v, int uv_stride,
                   uint8_t* argb, int argb_stride, int bt709, int full_range, int width, int height) {
  const struct YuvConstants* c = bt709 ? (full_range ? &kYuvF709Constants : &kYuvH709Constants)
                                       : (full_range ? &kYuvJPEGConstants : &kYuvI601Constants);
  return I420ToARGBMatrix(y, y_stride, u, uv_stride, v, uv_stride, argb, argb_stride, c, width, height);
}
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"callbox/hal"
)

// whole keeps C from reading past the planes.
func whole(m *image.YCbCr) error {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	if m.SubsampleRatio != image.YCbCrSubsampleRatio420 || w < 2 || h < 2 || w > maxSide || h > maxSide {
		return fmt.Errorf("it has %dx%d pixels (%v); allowed: 4:2:0 of 2 to %d pixels a side", w, h, m.SubsampleRatio, maxSide)
	}
	if m.YStride < w || m.CStride < cw || len(m.Y) < m.YStride*(h-1)+w || min(len(m.Cb), len(m.Cr)) < m.CStride*(ch-1)+cw {
		return fmt.Errorf("its planes are too short for %dx%d", w, h)
	}
	return nil
}

// maxSide bounds pictures: VP8 and H.264 have none that are larger (RFC 6386, 9.1).
const maxSide = 16384

// resize makes m a picture of that size, with the same memory as before if it was one.
func resize(m *image.YCbCr, size image.Point) {
	if m.Rect.Size() != size {
		*m = *image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	}
}

// rotate turns src clockwise into dst, which has its size turned.
func rotate(dst, src *image.YCbCr, by hal.Rotation) error {
	return result("turn", C.I420Rotate(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()), C.enum_RotationMode(by)))
}

// scale makes dst of src: larger ones by interpolation, smaller ones by averaging.
func scale(dst, src *image.YCbCr) error {
	return result("scale", C.I420Scale(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(dst.Rect.Dx()), C.int(dst.Rect.Dy()), C.kFilterBox))
}

// convert writes src as XRGB8888.
func convert(dst []byte, stride int, src *image.YCbCr, c hal.Colours) error {
	return result("convert", C.convert(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), plane(src.Cr), C.int(src.CStride),
		plane(dst), C.int(stride), truth(c.BT709), truth(c.FullRange), C.int(src.Rect.Dx()), C.int(src.Rect.Dy())))
}

func plane(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(&p[0])) }

func truth(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func result(what string, rc C.int) error {
	if rc != 0 {
		return fmt.Errorf("cannot %s a picture: libyuv says %d", what, rc)
	}
	return nil
}
