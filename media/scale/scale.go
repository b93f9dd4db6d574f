// Package scale makes pictures smaller, with libyuv.
package scale

/*
#cgo LDFLAGS: -lyuv
#include <libyuv/scale.h>
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"
)

// I420 scales src into dst, both 4:2:0, by averaging. The sizes are those of their
// rectangles, in pixels, and must be even. It keeps neither and allocates nothing.
func I420(dst, src *image.YCbCr) error {
	for _, p := range []*image.YCbCr{dst, src} {
		if err := whole(p); err != nil {
			return fmt.Errorf("cannot scale a picture: %w", err)
		}
	}
	rc := C.I420Scale(
		bytes(src.Y), C.int(src.YStride), bytes(src.Cb), C.int(src.CStride), bytes(src.Cr), C.int(src.CStride),
		C.int(src.Rect.Dx()), C.int(src.Rect.Dy()),
		bytes(dst.Y), C.int(dst.YStride), bytes(dst.Cb), C.int(dst.CStride), bytes(dst.Cr), C.int(dst.CStride),
		C.int(dst.Rect.Dx()), C.int(dst.Rect.Dy()), C.kFilterBox)
	if rc != 0 {
		return fmt.Errorf("cannot scale a picture of %v to %v: libyuv says %d", src.Rect.Size(), dst.Rect.Size(), rc)
	}
	return nil
}

// Size is width and height times factor, rounded to even numbers of at least 16.
func Size(width, height int, factor float64) (w, h int) {
	even := func(n int) int { return max(16, int(float64(n)*factor)/2*2) }
	return even(width), even(height)
}

func bytes(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(&p[0])) }

// whole keeps C from reading and writing past the planes.
func whole(p *image.YCbCr) error {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if p.SubsampleRatio != image.YCbCrSubsampleRatio420 || w < 2 || h < 2 || w%2 != 0 || h%2 != 0 {
		return fmt.Errorf("it is %dx%d (%v); width and height must be even, 4:2:0", w, h, p.SubsampleRatio)
	}
	if p.YStride < w || p.CStride < w/2 || len(p.Y) < p.YStride*(h-1)+w ||
		min(len(p.Cb), len(p.Cr)) < p.CStride*(h/2-1)+w/2 {
		return fmt.Errorf("its planes are too short for %dx%d", w, h)
	}
	return nil
}
