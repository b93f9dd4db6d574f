// Package yuv is the one place where pictures of hal (4:2:0, three planes) are unpacked,
// turned, mirrored, scaled and brought to other colours: by libyuv, and by C of its own where
// libyuv cannot. Each function looks at the planes first: C writes and reads no sample
// beyond them. Nothing is kept, and nothing is allocated but a picture that gets another
// size.
//
// A picture's size is that of its rectangle, in pixels; odd sizes are allowed.
package yuv

/*
#cgo LDFLAGS: -lyuv
#include <libyuv/planar_functions.h>
#include <libyuv/rotate.h>
#include <libyuv/scale.h>
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"callbox/hal"
)

// MaxSide bounds pictures: VP8 and H.264 have none that are larger (RFC 6386, 9.1).
const MaxSide = 16384

// Check refuses what is no whole picture of 4:2:0: planes that are too short for its
// size, and sides of no pixel or more than MaxSide.
func Check(p *image.YCbCr) error {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	if p.SubsampleRatio != image.YCbCrSubsampleRatio420 || w < 1 || h < 1 || w > MaxSide || h > MaxSide {
		return fmt.Errorf("it has %dx%d pixels (%v); allowed: 4:2:0 of 1 to %d pixels a side", w, h, p.SubsampleRatio, MaxSide)
	}
	if p.YStride < w || p.CStride < cw || len(p.Y) < p.YStride*(h-1)+w || min(len(p.Cb), len(p.Cr)) < p.CStride*(ch-1)+cw {
		return fmt.Errorf("its planes are too short for %dx%d", w, h)
	}
	return nil
}

// check says what cannot be done with which picture.
func check(what string, pictures ...*image.YCbCr) error {
	for _, p := range pictures {
		if err := Check(p); err != nil {
			return fmt.Errorf("cannot %s a picture: %w", what, err)
		}
	}
	return nil
}

// Resize makes p a picture of that size, with the same memory as before if it was one.
func Resize(p *image.YCbCr, size image.Point) {
	if p.Rect.Size() != size {
		*p = *image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	}
}

// Rotate turns src clockwise into dst, which becomes a picture of the turned size.
func Rotate(dst, src *image.YCbCr, by hal.Rotation) error {
	if err := check("turn", src); err != nil {
		return err
	}
	size := src.Rect.Size()
	if by.OnSide() {
		size = image.Pt(size.Y, size.X)
	}
	Resize(dst, size)
	if err := check("turn", dst); err != nil {
		return err
	}
	return result("turn", C.I420Rotate(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()), C.enum_RotationMode(by)))
}

// Mirror lets left and right of src change sides in dst, which becomes a picture of the
// same size.
func Mirror(dst, src *image.YCbCr) error {
	if err := check("mirror", src); err != nil {
		return err
	}
	Resize(dst, src.Rect.Size())
	if err := check("mirror", dst); err != nil {
		return err
	}
	return result("mirror", C.I420Mirror(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy())))
}

// Scale makes dst, which has its size, of src: larger ones by interpolation, smaller ones
// by averaging.
func Scale(dst, src *image.YCbCr) error {
	if err := check("scale", src, dst); err != nil {
		return err
	}
	return result("scale", C.I420Scale(
		plane(src.Y), C.int(src.YStride), plane(src.Cb), C.int(src.CStride), plane(src.Cr), C.int(src.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()),
		plane(dst.Y), C.int(dst.YStride), plane(dst.Cb), C.int(dst.CStride), plane(dst.Cr), C.int(dst.CStride),
		C.int(dst.Rect.Dx()), C.int(dst.Rect.Dy()), C.kFilterBox))
}

func plane(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(&p[0])) }

func result(what string, rc C.int) error {
	if rc != 0 {
		return fmt.Errorf("cannot %s a picture: libyuv says %d", what, rc)
	}
	return nil
}
